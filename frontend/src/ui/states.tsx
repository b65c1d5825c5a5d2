/** Small pieces that say how things stand: empty, waiting, failed, how far. */
import type { ComponentChildren } from "preact";
import { Button } from "./button";
import { Icon } from "./icon";
import type { IconName } from "./icons";

/** One sentence and one button. */
export function EmptyState({ icon, text, children }: { icon: IconName; text: string; children?: ComponentChildren }) {
  return (
    <div class="empty" data-testid="empty-state">
      <Icon name={icon} size={40} />
      <p>{text}</p>
      {children}
    </div>
  );
}

/** Invisible for the first 300 ms, so that what is quick does not flicker. */
export function Waiting({ text }: { text: string }) {
  return (
    <div class="waiting" role="status">
      <span class="spinner" />
      {text}
    </div>
  );
}

interface NoteProps {
  kind?: "plain" | "negative";
  icon?: IconName;
  children: ComponentChildren;
  onRetry?: () => void;
}

export function Note({ kind = "plain", icon = "alert", children, onRetry }: NoteProps) {
  return (
    <div class={`note ${kind}`} role={kind === "negative" ? "alert" : "note"}>
      <Icon name={icon} />
      <div>{children}</div>
      {onRetry && (
        <Button small icon="retry" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** `done` of `total`; the label is read aloud, the words beside it belong to the caller. */
export function Progress({ done, total, label }: { done: number; total: number; label: string }) {
  const part = total > 0 ? Math.min(1, done / total) : 0;
  return (
    <div
      class={part >= 1 ? "progress done" : "progress"}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={done}
    >
      <span style={{ width: `${part * 100}%` }} />
    </div>
  );
}

export type ChipKind = "plain" | "positive" | "negative" | "caution";

export function Chip({
  kind = "plain",
  title,
  children,
}: {
  kind?: ChipKind;
  title?: string;
  children: ComponentChildren;
}) {
  return (
    <span class={`chip ${kind}`} title={title}>
      {children}
    </span>
  );
}

export const STAGES = {
  assisted_manual: ["Assisted manual", "People make every mask, with clicks that the model turns into shapes."],
  semi_automatic: ["Semi-automatic", "The model proposes confident masks; people accept them and add what is missing."],
  fully_automatic: ["Fully automatic", "The model makes all masks; people audit samples of them."],
} as const;

/** What the stages are called. */
export const STAGE_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(STAGES).map(([stage, [name]]) => [stage, name]),
);

/** The project's stage, with one sentence of explanation as its tooltip. */
export function StageChip({ stage }: { stage: keyof typeof STAGES }) {
  const [name, meaning] = STAGES[stage];
  return (
    <span class="chip" title={meaning} data-testid="stage-chip" data-stage={stage}>
      <span class="only-read">Stage: </span>
      {name}
    </span>
  );
}
