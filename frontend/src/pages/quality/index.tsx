/** What the masks of a project are worth and what they cost: audits, ratings, effort. */
import { api } from "../../data/api";
import { useLoad } from "../../ui/load";
import { ProjectTabs } from "../../ui/project-tabs";
import { paths } from "../../ui/router";
import { TopBar } from "../../ui/topbar";
import "../../styles/engine.css";
import { Audits } from "./audits";
import { Effort } from "./effort";
import "./quality.css";
import { Ratings } from "./ratings";

export function QualityPage({ projectId }: { projectId: string }) {
  const project = useLoad(() => api.project(projectId), projectId);
  const shown = project.value.value;
  return (
    <>
      <TopBar
        crumbs={[{ label: shown?.name ?? "…", href: paths.project(projectId) }, { label: "Quality" }]}
        stage={shown?.stage}
      >
        <ProjectTabs projectId={projectId} />
      </TopBar>
      <main class="page engine" data-testid="quality-page">
        <h1 class="only-read">Quality</h1>
        <Audits projectId={projectId} />
        <Ratings projectId={projectId} />
        <Effort projectId={projectId} />
      </main>
    </>
  );
}
