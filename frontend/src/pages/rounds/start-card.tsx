import { useSignal } from "@preact/signals";
import type { Policy, ProjectStage, RoundPreview } from "../../data/api";
import { engine } from "../../data/engine";
import { Button } from "../../ui/button";
import { percent } from "../../ui/comparison";
import { Note } from "../../ui/states";
import { toastFailure } from "../../ui/toasts";
import { count, number } from "../../ui/words";
import { startsWords } from "./words";

interface StartCardProps {
  projectId: string;
  preview: RoundPreview | undefined;
  policy: Policy | undefined;
  stage: ProjectStage | undefined;
  /** Another round of the project has not ended. */
  unfinished: boolean;
  /** A candidate waits for a decision: that comes first. */
  undecided: boolean;
  onChanged: () => Promise<void>;
  onPolicy: () => void;
}

/** What a round would have to learn from now, and the button that starts it. */
export function StartCard({
  projectId,
  preview,
  policy,
  stage,
  unfinished,
  undecided,
  onChanged,
  onPolicy,
}: StartCardProps) {
  const busy = useSignal(false);
  const start = (steps: "all" | "train") => async () => {
    busy.value = true;
    try {
      await engine.startRound(projectId, steps);
    } catch (cause) {
      toastFailure(cause);
    } finally {
      busy.value = false;
    }
    await onChanged();
  };
  const needed = policy?.gates.held_out_images ?? 0;
  const counts = preview?.counts;
  const nothing = counts !== undefined && counts.human_masks + counts.automatic_masks === 0;
  return (
    <section class="card" aria-label="Next round" data-testid="start-card">
      <header>
        <h2>Next round</h2>
        <span class="space" />
        <Button kind="plain" small icon="edit" onClick={onPolicy} testId="policy-button">
          Policy
        </Button>
      </header>
      {preview && counts && (
        <dl class="numbers">
          <div title="Accepted masks that people made since the last round began">
            <dt>New masks</dt>
            <dd>
              <strong data-testid="new-masks">{number(preview.new_masks)}</strong>
            </dd>
          </div>
          <div>
            <dt>To learn from</dt>
            <dd>
              <strong>{number(counts.human_masks + counts.automatic_masks)}</strong>
              <span class="beside">on {count(counts.train_images, "image")}</span>
            </dd>
          </div>
          <div title="Images that are kept aside for ever, so that versions can be compared honestly">
            <dt>Held out</dt>
            <dd>
              <strong>{number(counts.held_out_images)}</strong>
              <span class="beside">{needed > 0 && `of ${number(needed)} needed`}</span>
            </dd>
          </div>
          {stage && stage.acceptance !== null && (
            <div title="Share of the proposals decided in this stage that were accepted as they were">
              <dt>Accepted as they are</dt>
              <dd>
                <strong>{percent(stage.acceptance, 0)}</strong>
                <span class="beside">of {count(stage.numbers.decided, "proposal")}</span>
              </dd>
            </div>
          )}
        </dl>
      )}
      {policy && <p class="quiet-text">{startsWords(policy)}</p>}
      {counts && needed > counts.held_out_images && !nothing && (
        <Note>
          Too few held-out images for a sure comparison. A round can run; its candidate can then be promoted only with a
          reason.
        </Note>
      )}
      {nothing && <Note>There is no mask to learn from yet. Annotate some images first.</Note>}
      <div class="actions">
        <Button
          kind={unfinished || undecided ? "quiet" : "primary"}
          icon="layers"
          disabled={busy.value || unfinished || nothing}
          title={unfinished ? "Another round has not ended yet" : "Train, then compare with the active version"}
          onClick={start("all")}
          testId="start-round"
        >
          Start a round
        </Button>
        <Button
          kind="plain"
          disabled={busy.value || unfinished || nothing}
          title="Stop once there is a candidate; compare it later"
          onClick={start("train")}
          testId="only-train"
        >
          Only train
        </Button>
      </div>
    </section>
  );
}
