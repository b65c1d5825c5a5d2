/** Automatic masks: making them on many images, watching that, and choosing which are confident. */
import { useEffect } from "preact/hooks";
import { api } from "../../data/api";
import { engine } from "../../data/engine";
import { useLive } from "../../ui/live";
import { useLoad } from "../../ui/load";
import { ProjectTabs } from "../../ui/project-tabs";
import { paths } from "../../ui/router";
import { Note, Waiting } from "../../ui/states";
import { TopBar } from "../../ui/topbar";
import "../../styles/engine.css";
import "./automatic.css";
import { GenerationCard } from "./generation-card";
import { PreviewCard } from "./preview";
import { DetectorCard, StartGeneration } from "./start-cards";
import { isWorking } from "./words";

/** While masks are made the numbers are asked for this often too. */
const POLL_MS = 3_000;

export function AutomaticPage({ projectId }: { projectId: string }) {
  const project = useLoad(() => api.project(projectId), projectId);
  const generations = useLoad(() => engine.generations(projectId), projectId);
  const detectors = useLoad(() => engine.detectors(projectId), projectId);
  const policy = useLoad(() => engine.policy(projectId), projectId);
  const everything = [project, generations, detectors, policy];
  const reload = async () => {
    await Promise.all(everything.map((loaded) => loaded.reload()));
  };
  useLive(projectId, ["generation.", "detector.", "policy.", "version."], reload);
  const all = generations.value.value;
  const training = detectors.value.value?.[0]?.state === "training";
  const moving = training || (all?.some(({ state }) => isWorking(state)) ?? false);
  useEffect(() => {
    if (!moving) return undefined;
    const timer = setInterval(() => {
      void generations.reload();
      void detectors.reload();
    }, POLL_MS);
    return () => clearInterval(timer);
  }, [moving, generations.reload, detectors.reload]);

  const about = project.value.value;
  const failed = everything.find((loaded) => loaded.error.value)?.error.value;
  return (
    <>
      <TopBar
        crumbs={[{ label: about?.name ?? "…", href: paths.project(projectId) }, { label: "Automatic masks" }]}
        stage={about?.stage}
      >
        <ProjectTabs projectId={projectId} />
      </TopBar>
      <main class="page engine" data-testid="automatic-page">
        <h1 class="only-read">Automatic masks</h1>
        {failed && (
          <Note kind="negative" onRetry={reload}>
            {failed.message}
          </Note>
        )}
        {!all && !failed && <Waiting text="Loading automatic masks …" />}
        {all && (
          <div class="columns">
            <div>
              {all.slice(0, 1).map((generation) => (
                <GenerationCard key={generation.id} generation={generation} onChanged={reload} />
              ))}
              {policy.value.value && (
                <PreviewCard projectId={projectId} policy={policy.value.value} onSaved={policy.reload} />
              )}
              {all.slice(1).map((generation) => (
                <GenerationCard key={generation.id} generation={generation} onChanged={reload} />
              ))}
            </div>
            <div>
              <StartGeneration projectId={projectId} generations={all} onChanged={reload} />
              <DetectorCard projectId={projectId} detectors={detectors.value.value ?? []} onChanged={reload} />
            </div>
          </div>
        )}
      </main>
    </>
  );
}
