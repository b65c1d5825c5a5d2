import { useSignal } from "@preact/signals";
import { api, type Project } from "../../data/api";
import { Button } from "../../ui/button";
import { useShortcutHelp } from "../../ui/help";
import { Icon } from "../../ui/icon";
import { useKeys } from "../../ui/keys";
import { useLoad } from "../../ui/load";
import { Link, navigate, paths } from "../../ui/router";
import { EmptyState, Note, Progress, StageChip, Waiting } from "../../ui/states";
import { TopBar } from "../../ui/topbar";
import { ago, count } from "../../ui/words";
import { ProjectDialog } from "./project-dialog";

const SHORTCUTS = [{ title: "Projects", keys: [[["N"], "New project"]] as const }];

/** All projects, as cards. */
export function ProjectsPage() {
  const { value, error, reload } = useLoad(api.projects, "projects");
  const making = useSignal(false);
  const startMaking = () => {
    making.value = true;
  };
  useKeys({ n: startMaking });
  useShortcutHelp(SHORTCUTS);
  const projects = value.value;

  return (
    <>
      <TopBar crumbs={[]} />
      <main class="page" data-testid="projects-page">
        <div class="page-head">
          <h1>Projects</h1>
          {projects && projects.length > 0 && (
            <Button kind="primary" icon="plus" onClick={startMaking} testId="new-project">
              New project
            </Button>
          )}
        </div>
        {error.value && (
          <Note kind="negative" onRetry={reload}>
            The projects could not be loaded. {error.value.message}
          </Note>
        )}
        {!projects && !error.value && <Waiting text="Loading projects …" />}
        {projects?.length === 0 && (
          <EmptyState icon="images" text="A project holds images and the masks that you make on them.">
            <Button kind="primary" icon="plus" onClick={startMaking} testId="new-project">
              New project
            </Button>
          </EmptyState>
        )}
        <ul class="project-cards">
          {projects?.map((project) => (
            <li key={project.id}>
              <ProjectCard project={project} />
            </li>
          ))}
        </ul>
      </main>
      {making.value && (
        <ProjectDialog
          title="New project"
          submit="Create project"
          onClose={() => (making.value = false)}
          save={async (fields) => navigate(paths.project((await api.createProject(fields)).id))}
        />
      )}
    </>
  );
}

function ProjectCard({ project }: { project: Project }) {
  const { image_count: images, annotated_image_count: annotated, annotation_count: masks } = project;
  return (
    <Link class="project-card" href={paths.project(project.id)} data-testid="project-card" data-project-id={project.id}>
      <Cover project={project} />
      <div class="about">
        <h2>{project.name}</h2>
        <p class="quiet-text">
          {count(images, "image")} · {count(masks, "mask")}
        </p>
        <Progress done={annotated} total={images} label="Images with masks" />
        <p class="foot">
          <StageChip stage={project.stage} />
          <span class="quiet-text">{ago(project.changed_at, Date.now())}</span>
        </p>
      </div>
    </Link>
  );
}

/** Up to four thumbnails: one fills the cover, two share it, three and four make a mosaic. */
function Cover({ project }: { project: Project }) {
  const ids = project.cover_image_ids;
  if (ids.length === 0) {
    return (
      <div class="cover bare">
        <Icon name="images" size={40} />
      </div>
    );
  }
  return (
    <div class="cover" data-count={ids.length}>
      {ids.map((id) => (
        <img key={id} src={`/api/images/${id}/thumbnail`} alt="" loading="lazy" decoding="async" />
      ))}
    </div>
  );
}
