import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { ApiError, api, type Job } from "../../data/api";
import { uploadsOf } from "../../data/uploads";
import { Button, IconButton } from "../../ui/button";
import { usePageDrop } from "../../ui/drop";
import { useShortcutHelp } from "../../ui/help";
import { Icon } from "../../ui/icon";
import { useKeys } from "../../ui/keys";
import { useLoad } from "../../ui/load";
import { ProjectTabs } from "../../ui/project-tabs";
import { navigate, paths } from "../../ui/router";
import { Note } from "../../ui/states";
import { toast, toastFailure } from "../../ui/toasts";
import { TopBar } from "../../ui/topbar";
import { ProjectDialog } from "../projects/project-dialog";
import { UnknownPage } from "../unknown";
import { CategoriesDialog } from "./categories";
import { ChooseFiles } from "./choose-files";
import { DeadJobs } from "./dead-jobs";
import { ExportDialog } from "./exports";
import { type Filter, ImageList } from "./image-list";
import { Images } from "./images";
import { useLiveProject } from "./live";
import { Preparation, ProjectHead } from "./project-head";
import { Toolbar } from "./toolbar";
import { UploadPanel } from "./upload-panel";

const SHORTCUTS = [
  {
    title: "Project",
    keys: [
      [["A"], "Annotate the next image without masks"],
      [["U"], "Add images"],
      [["C"], "Categories"],
      [["E"], "Export"],
      [["← → ↑ ↓"], "Move between images"],
      [["Enter"], "Open the image"],
    ] as const,
  },
];

type OpenDialog = "categories" | "export" | "project" | undefined;

/** One project: its numbers, its images, and everything that can be done with them. */
export function ImagesPage({ projectId }: { projectId: string }) {
  const project = useLoad(() => api.project(projectId), projectId);
  const jobs = useLoad(() => api.jobs(projectId), projectId);
  const filter = useSignal<Filter>("");
  const dialog = useSignal<OpenDialog>(undefined);
  const list = useMemo(() => new ImageList(projectId, filter.value), [projectId, filter.value]);
  const input = useRef<HTMLInputElement>(null);
  const folderInput = useRef<HTMLInputElement>(null);
  const uploads = uploadsOf(projectId);
  const over = usePageDrop((files) => uploads.add(files));
  useLiveProject(projectId, list, project.reload, jobs.reload);

  const openDialog = (which: OpenDialog) => () => {
    dialog.value = which;
  };
  const choose = () => input.current?.click();
  const chooseFolder = () => folderInput.current?.click();
  const annotate = () => void annotateNext(projectId);
  useKeys({ a: annotate, u: choose, c: openDialog("categories"), e: openDialog("export") });
  useShortcutHelp(SHORTCUTS);

  const shown = project.value.value;
  if (!shown && project.error.value instanceof ApiError && project.error.value.status === 404) {
    return <UnknownPage text="This project does not exist any more." />;
  }
  return (
    <>
      <TopBar crumbs={[{ label: shown?.name ?? "…" }]} stage={shown?.stage}>
        <ProjectTabs projectId={projectId} />
      </TopBar>
      <main class="page" data-testid="images-page">
        {project.error.value && (
          <Note kind="negative" onRetry={project.reload}>
            The project could not be loaded. {project.error.value.message}
          </Note>
        )}
        {shown && <ProjectHead project={shown} onEdit={openDialog("project")} />}
        {shown && <Preparation project={shown} />}
        <DeadJobs jobs={jobs.value.value ?? ([] as Job[])} onChanged={jobs.reload} />
        <UploadPanel projectId={projectId} />
        {shown && shown.image_count > 0 && (
          <Toolbar project={shown} filter={filter.value} onFilter={(chosen) => (filter.value = chosen)}>
            <Button icon="tag" onClick={openDialog("categories")} testId="categories-button">
              Categories
            </Button>
            <Button icon="package" onClick={openDialog("export")} testId="export-button">
              Export
            </Button>
            <Button icon="upload" onClick={choose} testId="add-images">
              Add images
            </Button>
            <IconButton kind="quiet" icon="folder" label="Add a folder" onClick={chooseFolder} testId="add-folder" />
            <Button kind="primary" icon="click" onClick={annotate} testId="annotate-next">
              Annotate
            </Button>
          </Toolbar>
        )}
        <Images
          list={list}
          project={shown}
          onChoose={choose}
          onChooseFolder={chooseFolder}
          onShowAll={() => (filter.value = "")}
        />
        <ChooseFiles inputRef={input} onChoose={(files) => uploads.add(files)} />
        <ChooseFiles inputRef={folderInput} onChoose={(files) => uploads.add(files)} folder />
      </main>
      {over.value && (
        <div class="drop-here">
          <Icon name="upload" size={40} />
          <p>Drop images or folders to add them to {shown?.name ?? "this project"}</p>
        </div>
      )}
      {dialog.value === "categories" && <CategoriesDialog projectId={projectId} onClose={openDialog(undefined)} />}
      {dialog.value === "export" && <ExportDialog projectId={projectId} onClose={openDialog(undefined)} />}
      {dialog.value === "project" && shown && (
        <ProjectDialog
          title="Project"
          submit="Save"
          name={shown.name}
          description={shown.description}
          onClose={openDialog(undefined)}
          save={async (fields) => {
            await api.changeProject(shown.id, fields);
            await project.reload();
            dialog.value = undefined;
          }}
        />
      )}
    </>
  );
}

async function annotateNext(projectId: string): Promise<void> {
  try {
    for (const state of ["empty", "annotated", undefined] as const) {
      const { images } = await api.listImages(projectId, { limit: 1, ...(state && { state }) });
      if (images[0]) return navigate(paths.editor(projectId, images[0].id));
    }
    toast("There are no images yet.");
  } catch (cause) {
    toastFailure(cause);
  }
}
