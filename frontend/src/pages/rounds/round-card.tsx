import { useSignal } from "@preact/signals";
import { api, type Promotion, type Round, type RoundInFull } from "../../data/api";
import { engine } from "../../data/engine";
import { Button } from "../../ui/button";
import { Chart } from "../../ui/chart";
import { lasting } from "../../ui/comparison";
import { ReasonDialog } from "../../ui/reason-dialog";
import { Chip, Note, Progress } from "../../ui/states";
import { toast, toastFailure } from "../../ui/toasts";
import { ago, count, number } from "../../ui/words";
import { lossLines } from "./curves";
import { GateReportView } from "./gate-report";
import { verdictOf } from "./gates";
import { isMoving, isUnfinished, ROUND_STATES, TRIGGERS, versionName } from "./words";

interface RoundCardProps {
  round: RoundInFull;
  activeId: string | null;
  onChanged: () => Promise<void>;
}

/** One round in full: how far it is, how its training goes, what was found out, and what can be decided. */
export function RoundCard({ round, activeId, onChanged }: RoundCardProps) {
  const { number: which, state, base_version, candidate_version, started_at, ended_at, failure } = round;
  const [name, kind, meaning] = ROUND_STATES[state] ?? [state, "plain" as const, ""];
  const took = started_at && ended_at ? (Date.parse(ended_at) - Date.parse(started_at)) / 1000 : undefined;
  return (
    <section class="card" aria-label={`Round ${which}`} data-testid="round-card" data-round={which} data-state={state}>
      <header>
        <h2>Round {which}</h2>
        <Chip kind={kind}>{name}</Chip>
        <span class="quiet-text">
          started {TRIGGERS[round.trigger]}
          {started_at && ` ${ago(started_at, Date.now())}`}
          {took !== undefined && `, took ${lasting(took)}`}
        </span>
        <div class="actions">
          <Actions round={round} activeId={activeId} onChanged={onChanged} />
        </div>
      </header>
      <p class="quiet-text">
        {meaning} {learned(round)}
      </p>
      {isMoving(state) && <Running round={round} />}
      {failure && <Note kind="negative">{failure}</Note>}
      {round.curve.length > 1 && <Curve round={round} />}
      {round.gate_report && <GateReportView report={round.gate_report} />}
      {(candidate_version || base_version) && (
        <p class="quiet-text">
          Grown from {versionName(base_version)}
          {candidate_version && `, candidate ${versionName(candidate_version)}`}
          {candidate_version && candidate_version.id === activeId && ", which serves now"}.
          {round.reason && ` Reason given: ${round.reason}`}
        </p>
      )}
    </section>
  );
}

/** What it learned from and was judged by. */
function learned({ figures }: Round): string {
  const counts = figures.counts as Record<string, number> | undefined;
  if (!counts) return "";
  const { human_masks = 0, automatic_masks = 0, train_images = 0, held_out_images = 0, held_out_masks = 0 } = counts;
  const automatic = automatic_masks > 0 ? ` and ${number(automatic_masks)} automatic ones` : "";
  return (
    `Learns from ${count(human_masks, "mask")} by people${automatic} on ${count(train_images, "image")}; ` +
    `judged on ${count(held_out_images, "held-out image")} with ${count(held_out_masks, "mask")}.`
  );
}

function Running({ round }: { round: RoundInFull }) {
  const progress = round.progress;
  const waits = !progress || progress.state === "queued";
  return (
    <div class="preparation" role="status" data-testid="round-progress">
      <p>
        {waits ? "Waits for a free worker" : progress.message || "Working"}.{" "}
        <span class="quiet-text">It goes on if you leave this page. If you cancel it, the active version stays.</span>
      </p>
      <Progress done={progress?.done ?? 0} total={progress?.total ?? 0} label={`Round ${round.number}`} />
    </div>
  );
}

function Curve({ round }: { round: RoundInFull }) {
  const [raw, calm] = lossLines(round.curve);
  return (
    <Chart
      title="Loss by step of the training"
      lines={[
        { name: "loss", points: raw, colour: 0, faint: true },
        { name: "loss", points: calm, colour: 0 },
      ]}
      x={number}
      y={(value) => value.toFixed(2)}
      empty="Nothing was measured yet."
      height={140}
      testId="training-curve"
    />
  );
}

type Asked = "override" | "reject" | undefined;

function Actions({ round, activeId, onChanged }: RoundCardProps) {
  const asked = useSignal<Asked>(undefined);
  const busy = useSignal(false);
  const { id, state, gate_report, progress: job } = round;
  const attempt = async (work: () => Promise<unknown>) => {
    busy.value = true;
    try {
      await work();
    } catch (cause) {
      toastFailure(cause);
    } finally {
      busy.value = false;
    }
    await onChanged();
  };
  const promote = (reason: string): Promise<Promotion> => engine.promote(id, reason, activeId);
  const close = () => {
    asked.value = undefined;
  };
  const verdict = gate_report ? verdictOf(gate_report) : "none";
  const promoted = () =>
    toast("The candidate serves now. Open images go on with their version until they are done.", { kind: "positive" });
  return (
    <>
      {state === "trained" && (
        <Button
          kind="primary"
          disabled={busy.value}
          onClick={() => attempt(() => engine.evaluate(id))}
          testId="evaluate"
        >
          Compare with the active version
        </Button>
      )}
      {state === "judged" && (
        <>
          <Button disabled={busy.value} onClick={() => attempt(() => engine.evaluate(id))} testId="evaluate">
            Compare again
          </Button>
          <Button disabled={busy.value} onClick={() => (asked.value = "reject")} testId="reject">
            Reject
          </Button>
          {verdict === "promote" && (
            <Button
              kind="primary"
              disabled={busy.value}
              onClick={() => attempt(async () => promote("").then(promoted))}
              testId="promote"
            >
              Promote
            </Button>
          )}
          {verdict === "override" && (
            <Button kind="danger" disabled={busy.value} onClick={() => (asked.value = "override")} testId="override">
              Promote all the same
            </Button>
          )}
        </>
      )}
      {state === "failed" && job?.state === "dead" && (
        <Button
          disabled={busy.value}
          icon="retry"
          onClick={() => attempt(() => api.retryJob(job.job_id))}
          testId="retry"
        >
          Try again
        </Button>
      )}
      {isUnfinished(state) && (
        <Button disabled={busy.value} onClick={() => attempt(() => engine.cancelRound(id))} testId="cancel-round">
          Cancel round
        </Button>
      )}
      {asked.value === "override" && (
        <ReasonDialog
          title="Promote against the report"
          submit="Promote all the same"
          kind="danger"
          required
          onClose={close}
          act={async (reason) => {
            await promote(reason);
            close();
            promoted();
            await onChanged();
          }}
        >
          <p>{gate_report?.words} The candidate will serve all the same, and the history will say why.</p>
        </ReasonDialog>
      )}
      {asked.value === "reject" && (
        <ReasonDialog
          title="Reject the candidate"
          submit="Reject"
          onClose={close}
          act={async (reason) => {
            await engine.reject(id, reason);
            close();
            await onChanged();
          }}
        >
          <p>The active version stays. The candidate is kept in the history and never serves.</p>
        </ReasonDialog>
      )}
    </>
  );
}
