import { useSignal } from "@preact/signals";
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ApiError, api, type Job, type Project } from "../../data/api";
import { subscribe } from "../../data/events";
import { uploadsOf } from "../../data/uploads";
import { Button } from "../../ui/button";
import { chosenFiles, usePageDrop } from "../../ui/drop";
import { useShortcutHelp } from "../../ui/help";
import { Icon } from "../../ui/icon";
import { useKeys } from "../../ui/keys";
import { useLoad } from "../../ui/load";
import { navigate, paths } from "../../ui/router";
import { EmptyState, Note, Waiting } from "../../ui/states";
import { toast } from "../../ui/toasts";
import { TopBar } from "../../ui/topbar";
import { number } from "../../ui/words";
import { UnknownPage } from "../unknown";
import { CategoriesDialog } from "./categories";
import { DeadJobs } from "./dead-jobs";
import { ExportDialog } from "./exports";
import { ImageGrid } from "./grid";
import { FILTERS, type Filter, ImageList } from "./image-list";
import { ProjectDialog } from "./project-dialog";
import { Preparation, ProjectHead } from "./project-head";
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

const FILTER_WORDS: Record<Filter, string> = {
  "": "All",
  empty: "Without masks",
  annotated: "With masks",
  complete: "Complete",
  queued: "Waiting",
  failed: "Failed",
};

type OpenDialog = "categories" | "export" | "project" | undefined;

/** One project: its numbers, its images, and everything that can be done with them. */
export function ImagesPage({ projectId }: { projectId: string }) {
  const project = useLoad(() => api.project(projectId), projectId);
  const jobs = useLoad(() => api.jobs(projectId), projectId);
  const filter = useSignal<Filter>("");
  const dialog = useSignal<OpenDialog>(undefined);
  const list = useMemo(() => new ImageList(projectId, filter.value), [projectId, filter.value]);
  const input = useRef<HTMLInputElement>(null);
  const uploads = uploadsOf(projectId);
  const over = usePageDrop((files) => uploads.add(files));
  useLiveProject(projectId, list, project.reload, jobs.reload);

  const openDialog = (which: OpenDialog) => () => {
    dialog.value = which;
  };
  const choose = () => input.current?.click();
  const annotate = () => void annotateNext(projectId);
  useKeys({ a: annotate, u: choose, c: openDialog("categories"), e: openDialog("export") });
  useShortcutHelp(SHORTCUTS);

  const shown = project.value.value;
  if (!shown && project.error.value instanceof ApiError && project.error.value.status === 404) {
    return <UnknownPage text="This project does not exist any more." />;
  }
  return (
    <>
      <TopBar crumbs={[{ label: shown?.name ?? "…" }]} stage={shown?.stage} />
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
            <Button kind="primary" icon="click" onClick={annotate} testId="annotate-next">
              Annotate
            </Button>
          </Toolbar>
        )}
        <Images list={list} project={shown} onChoose={choose} />
        <ChooseFiles inputRef={input} onChoose={(files) => uploads.add(files)} />
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
        <ProjectDialog project={shown} onClose={openDialog(undefined)} onChanged={project.reload} />
      )}
    </>
  );
}

/** Keeps list, numbers and jobs fresh: by events, after an upload, and whenever events may have been missed. */
function useLiveProject(
  projectId: string,
  list: ImageList,
  reloadProject: () => Promise<void>,
  reloadJobs: () => Promise<void>,
): void {
  const arrived = uploadsOf(projectId).state.value.accepted;
  useEffect(() => {
    void list.loadMore();
    return () => list.stop();
  }, [list]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const numbersSoon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void reloadProject();
      }, 800);
    };
    const stop = subscribe(projectId, {
      event: (event) => {
        list.take(event);
        numbersSoon();
        if (event.kind === "job.dead") void reloadJobs();
      },
      open: (resumed) => {
        if (resumed) return;
        list.refreshSoon();
        numbersSoon();
      },
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [projectId, list, reloadProject, reloadJobs]);
  useEffect(() => {
    if (arrived === 0) return;
    list.refreshSoon();
    void reloadProject();
  }, [arrived, list, reloadProject]);
}

async function annotateNext(projectId: string): Promise<void> {
  try {
    for (const state of ["empty", "annotated", undefined] as const) {
      const { images } = await api.listImages(projectId, { limit: 1, ...(state && { state }) });
      if (images[0]) return navigate(paths.editor(projectId, images[0].id));
    }
    toast("There are no images yet.");
  } catch (cause) {
    toast(cause instanceof ApiError ? cause.detail : String(cause), { kind: "negative" });
  }
}

interface ToolbarProps {
  project: Project;
  filter: Filter;
  onFilter: (filter: Filter) => void;
  children: ComponentChildren;
}

function Toolbar({ project, filter, onFilter, children }: ToolbarProps) {
  const counts: Partial<Record<Filter, number>> = {
    "": project.image_count,
    queued: project.queued_image_count,
    failed: project.failed_image_count,
    complete: project.complete_image_count,
  };
  const offered = FILTERS.filter((kind) => (kind !== "queued" && kind !== "failed") || counts[kind] || kind === filter);
  return (
    <div class="toolbar">
      <fieldset class="filters" aria-label="Show">
        {offered.map((kind) => (
          <button
            type="button"
            key={kind}
            class="filter"
            aria-pressed={kind === filter}
            onClick={() => onFilter(kind)}
            data-testid={`filter-${kind || "all"}`}
          >
            {FILTER_WORDS[kind]}
            {counts[kind] !== undefined && <span class="quiet-text">{number(counts[kind])}</span>}
          </button>
        ))}
      </fieldset>
      <span class="space" />
      {children}
    </div>
  );
}

function Images({ list, project, onChoose }: { list: ImageList; project: Project | undefined; onChoose: () => void }) {
  const images = list.images.value;
  if (list.error.value && !images) {
    return (
      <Note kind="negative" onRetry={() => void list.refresh()}>
        The images could not be loaded. {list.error.value.message}
      </Note>
    );
  }
  if (!images || !project) return <Waiting text="Loading images …" />;
  if (images.length > 0) return <ImageGrid list={list} />;
  if (list.filter) return <EmptyState icon="filter" text="No image matches this filter." />;
  return (
    <EmptyState icon="upload" text="Drop images or whole folders here. JPEG, PNG, WebP and TIFF are read.">
      <Button kind="primary" icon="upload" onClick={onChoose} testId="add-images">
        Choose images
      </Button>
    </EmptyState>
  );
}

interface ChooseFilesProps {
  inputRef: RefObject<HTMLInputElement | null>;
  onChoose: (files: ReturnType<typeof chosenFiles>) => void;
}

function ChooseFiles({ inputRef, onChoose }: ChooseFilesProps) {
  return (
    <input
      ref={inputRef}
      class="only-read"
      type="file"
      multiple
      accept="image/jpeg,image/png,image/webp,image/tiff,.tif,.tiff"
      tabIndex={-1}
      aria-label="Images to add"
      data-testid="upload-input"
      onChange={(event) => {
        onChoose(chosenFiles(event.currentTarget));
        event.currentTarget.value = "";
      }}
    />
  );
}
