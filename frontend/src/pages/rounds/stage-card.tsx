import { useSignal } from "@preact/signals";
import type { ProjectStage, Stage, StageChange } from "../../data/api";
import { engine } from "../../data/engine";
import { Button, ButtonLink } from "../../ui/button";
import { percent } from "../../ui/comparison";
import { Icon } from "../../ui/icon";
import { ReasonDialog } from "../../ui/reason-dialog";
import { paths } from "../../ui/router";
import { Progress, STAGE_NAMES, STAGES } from "../../ui/states";
import { ago, number } from "../../ui/words";
import { neighbours, STAGE_ORDER } from "./stage-words";

interface StageCardProps {
  projectId: string;
  stage: ProjectStage;
  changes: readonly StageChange[];
  onChanged: () => Promise<void>;
}

/** Where the project stands, what the rule asks for before the next stage, and the way there and back. */
export function StageCard({ projectId, stage, changes, onChanged }: StageCardProps) {
  const target = useSignal<Stage | undefined>(undefined);
  const [before, after] = neighbours(stage.stage);
  const { due, conditions } = stage.rule;
  const change = async (reason: string) => {
    if (!target.value) return;
    await engine.changeStage(projectId, target.value, reason);
    target.value = undefined;
    await onChanged();
  };
  return (
    <section class="card" aria-label="Stage" data-testid="stage-card" data-stage={stage.stage}>
      <header>
        <h2>Stage</h2>
        <span class="quiet-text">since {ago(stage.since, Date.now())}</span>
      </header>
      <ol class="stages">
        {STAGE_ORDER.map((name) => (
          <li key={name} aria-current={name === stage.stage ? "step" : undefined} title={STAGES[name][1]}>
            {STAGE_NAMES[name]}
          </li>
        ))}
      </ol>
      <p class="quiet-text">{STAGES[stage.stage][1]}</p>
      {after && conditions.length > 0 && (
        <ul class="rule-numbers" aria-label={`Before ${STAGE_NAMES[after]}`}>
          {conditions.map((condition) => (
            <Condition key={condition.name} condition={condition} />
          ))}
        </ul>
      )}
      <div class="actions">
        {after && (
          <Button
            kind={due ? "primary" : "quiet"}
            small
            icon="right"
            onClick={() => (target.value = after)}
            testId="advance-stage"
          >
            {STAGE_NAMES[after]}
          </Button>
        )}
        {before && (
          <Button kind="plain" small icon="left" onClick={() => (target.value = before)} testId="step-back">
            Back to {STAGE_NAMES[before]}
          </Button>
        )}
        {stage.stage === "fully_automatic" && (
          <ButtonLink small href={paths.quality(projectId)}>
            Audit a sample
          </ButtonLink>
        )}
      </div>
      {changes.length > 0 && <Changes changes={changes} />}
      {target.value && (
        <ReasonDialog
          title={`Go to ${STAGE_NAMES[target.value]}`}
          submit={`Go to ${STAGE_NAMES[target.value]}`}
          required={!(due && target.value === after)}
          act={change}
          onClose={() => (target.value = undefined)}
        >
          <p>{STAGES[target.value][1]} Masks that are there stay as they are, and one can step back any time.</p>
        </ReasonDialog>
      )}
    </section>
  );
}

const CONDITIONS = {
  masks: "Masks made in this stage",
  rounds: "Promoted rounds",
  acceptance: "Proposals accepted",
  audit: "Last audit above 0.90 IoU",
} as const;

function Condition({ condition }: { condition: ProjectStage["rule"]["conditions"][number] }) {
  const { name, now, needed, met } = condition;
  const isShare = name === "acceptance" || name === "audit";
  const words = (value: number) => (isShare ? percent(value, 0) : number(value));
  return (
    <li data-testid="stage-condition" data-met={met}>
      <p>
        <span>
          {met && <Icon name="check" size={14} />} {CONDITIONS[name]}
        </span>
        <span class="quiet-text" title={now === null ? "Too few were observed to tell" : undefined}>
          {now === null ? "–" : words(now)} of {words(needed)}
        </span>
      </p>
      <Progress done={Math.min(now ?? 0, needed)} total={needed} label={CONDITIONS[name]} />
    </li>
  );
}

function Changes({ changes }: { changes: readonly StageChange[] }) {
  return (
    <details>
      <summary>Earlier changes</summary>
      <ul class="changes">
        {changes.map((change) => (
          <li key={change.id} data-testid="stage-change">
            {STAGE_NAMES[change.from_stage]} → {STAGE_NAMES[change.to_stage]}
            <span class="quiet-text">
              {" "}
              {ago(change.created_at, Date.now())}, by {change.actor_name ?? "the rule"}
              {change.reason && `: ${change.reason}`} ({number(change.numbers.masks)} masks)
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
