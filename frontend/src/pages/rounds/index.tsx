/** Rounds: where the project stands, what a round would learn from, the round at hand, and everything before. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, type Project, type Round } from "../../data/api";
import { engine } from "../../data/engine";
import { Chart } from "../../ui/chart";
import { percent } from "../../ui/comparison";
import { useLive } from "../../ui/live";
import { useLoad } from "../../ui/load";
import { ProjectTabs } from "../../ui/project-tabs";
import { paths } from "../../ui/router";
import { Note, Waiting } from "../../ui/states";
import { TopBar } from "../../ui/topbar";
import "../../styles/engine.css";
import { heldOut } from "./curves";
import { History } from "./history";
import { PolicyDialog } from "./policy-dialog";
import { RoundCard } from "./round-card";
import "./rounds.css";
import { StageCard } from "./stage-card";
import { StartCard } from "./start-card";
import { VersionCard } from "./version-card";
import { isMoving, isUnfinished } from "./words";

/** While a round runs it is asked for this often too, should an event get lost. */
const POLL_MS = 4_000;
/** Counting all masks of a project takes a while in a large one. */
const COUNT_MS = 5_000;

export function RoundsPage({ projectId, number }: { projectId: string; number: number | undefined }) {
  const project = useLoad(() => api.project(projectId), projectId);
  const rounds = useLoad(() => engine.rounds(projectId), projectId);
  const promotions = useLoad(() => engine.promotions(projectId), projectId);
  const stage = useLoad(() => engine.stage(projectId), projectId);
  const changes = useLoad(() => engine.stageHistory(projectId), projectId);
  const policy = useLoad(() => engine.policy(projectId), projectId);
  const preview = useLoad(() => engine.previewRound(projectId), projectId);
  const editing = useSignal(false);

  const all = rounds.value.value;
  const shown = all?.find((round) => (number ? round.number === number : true));
  const detail = useLoad(async () => (shown ? await engine.round(shown.id) : undefined), shown?.id ?? "");
  const everything = [project, rounds, promotions, stage, changes, policy, preview, detail];
  const reload = async () => {
    await Promise.all(everything.map((loaded) => loaded.reload()));
  };
  useLive(projectId, ["stage.", "policy.", "version.", "project.", "job.dead"], reload);
  useLive(projectId, ["round."], async () => {
    await Promise.all([rounds.reload(), detail.reload()]);
  });
  const lastState = `${all?.[0]?.number} ${all?.[0]?.state}`;
  useEffect(() => void preview.reload(), [lastState, preview.reload]);
  useLive(
    projectId,
    ["annotation.", "image."],
    async () => {
      await Promise.all([preview.reload(), stage.reload()]);
    },
    COUNT_MS,
  );
  const moving = shown !== undefined && isMoving(shown.state);
  useEffect(() => {
    if (!moving) return undefined;
    const timer = setInterval(() => void detail.reload(), POLL_MS);
    return () => clearInterval(timer);
  }, [moving, detail.reload]);

  const about = project.value.value;
  const failed = everything.find((loaded) => loaded.error.value)?.error.value;
  return (
    <>
      <TopBar
        crumbs={[{ label: about?.name ?? "…", href: paths.project(projectId) }, { label: "Rounds" }]}
        stage={about?.stage}
      >
        <ProjectTabs projectId={projectId} />
      </TopBar>
      <main class="page engine" data-testid="rounds-page">
        <h1 class="only-read">Rounds</h1>
        {failed && (
          <Note kind="negative" onRetry={reload}>
            {failed.message}
          </Note>
        )}
        {!all && !failed && <Waiting text="Loading rounds …" />}
        {all && (
          <div class="columns">
            <div>
              {shown && !detail.value.value && (
                <section class="card" aria-label={`Round ${shown.number}`}>
                  <Waiting text={`Loading round ${shown.number} …`} />
                </section>
              )}
              {detail.value.value && (
                <RoundCard round={detail.value.value} activeId={about?.active_version_id ?? null} onChanged={reload} />
              )}
              <History
                projectId={projectId}
                rounds={all}
                promotions={promotions.value.value ?? []}
                shown={shown?.number}
              />
            </div>
            <div>
              <StartCard
                projectId={projectId}
                preview={preview.value.value}
                policy={policy.value.value}
                stage={stage.value.value}
                unfinished={all.some((round) => isUnfinished(round.state))}
                undecided={all[0]?.state === "judged"}
                onChanged={reload}
                onPolicy={() => (editing.value = true)}
              />
              {stage.value.value && (
                <StageCard
                  projectId={projectId}
                  stage={stage.value.value}
                  changes={changes.value.value ?? []}
                  onChanged={reload}
                />
              )}
              {about && (
                <Served project={about} promotions={promotions.value.value ?? []} rounds={all} reload={reload} />
              )}
            </div>
          </div>
        )}
      </main>
      {editing.value && policy.value.value && (
        <PolicyDialog
          projectId={projectId}
          policy={policy.value.value}
          onSaved={reload}
          onClose={() => (editing.value = false)}
        />
      )}
    </>
  );
}

interface ServedProps {
  project: Project;
  promotions: Parameters<typeof VersionCard>[0]["promotions"];
  rounds: readonly Round[];
  reload: () => Promise<void>;
}

/** The version that serves, and how candidates did over the rounds. */
function Served({ project, promotions, rounds, reload }: ServedProps) {
  const lines = [1, 3, 5].map((clicks, index) => ({
    name: `${clicks} ${clicks === 1 ? "click" : "clicks"}`,
    points: heldOut(rounds, clicks),
    colour: index,
    dots: true,
  }));
  return (
    <>
      <VersionCard project={project} promotions={promotions} rounds={rounds} onChanged={reload} />
      {(lines[0]?.points.length ?? 0) > 0 && (
        <section class="card" aria-label="Held-out images">
          <Chart
            title="Overlap on held-out images"
            lines={lines}
            x={(which) => `round ${which}`}
            y={(share) => percent(share, 0)}
            whole
            empty="No round has been compared yet."
            testId="held-out-chart"
          />
        </section>
      )}
    </>
  );
}
