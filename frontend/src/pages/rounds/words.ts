/** What the states, triggers and moves of rounds are called on the page. Pure. */
import type { ChipKind } from "../../ui/states";
import { count } from "../../ui/words";

export const ROUND_STATES: Record<string, readonly [name: string, kind: ChipKind, meaning: string]> = {
  frozen: ["Waiting", "plain", "Its training data are frozen; training starts as soon as a worker is free."],
  training: ["Training", "caution", "A copy of the active version learns from the frozen masks."],
  trained: ["Trained", "plain", "The candidate is there and has not been compared with the active version yet."],
  evaluating: ["Comparing", "caution", "Candidate and active version segment the same held-out images."],
  judged: ["Waits for a decision", "caution", "The gate report is there; somebody promotes or rejects the candidate."],
  promoted: ["Promoted", "positive", "Its candidate became the active version."],
  rejected: ["Rejected", "plain", "Its candidate never served."],
  failed: ["Failed", "negative", "It ended with an error; nothing changed for the annotators."],
  cancelled: ["Cancelled", "plain", "Somebody stopped it; nothing changed for the annotators."],
};

export const TRIGGERS: Record<string, string> = {
  admin: "by hand",
  masks: "by new masks",
  schedule: "by the clock",
  simulation: "by a simulation",
};

export const MOVES: Record<string, string> = {
  promotion: "promoted",
  override: "promoted against the report",
  rollback: "rolled back",
  manual: "set by hand",
};

const MOVING = new Set(["frozen", "training", "evaluating"]);

/** Whether something is going on by itself. */
export function isMoving(state: string): boolean {
  return MOVING.has(state);
}

/** Whether another round has to wait for this one. */
export function isUnfinished(state: string): boolean {
  return isMoving(state) || state === "trained";
}

/** "starter 1.2": how people tell versions apart. */
export function versionName(version: { name: string; version: string } | null | undefined): string {
  return version ? `${version.name} ${version.version}` : "none";
}

/** "Rounds start by hand …", from the policy. */
export function startsWords(policy: {
  trigger: { every_masks: number | null; schedule_hours: number | null };
  promotion: string;
}): string {
  const { every_masks, schedule_hours } = policy.trigger;
  const when = [
    ...(every_masks ? [`after ${count(every_masks, "new mask")}`] : []),
    ...(schedule_hours ? [`${count(schedule_hours, "hour")} after the last one`] : []),
  ];
  const starts = when.length > 0 ? `Rounds also start by themselves ${when.join(" or ")}` : "Rounds start by hand";
  const promotes = policy.promotion === "automatic" ? "a candidate that passes serves at once" : "somebody promotes";
  return `${starts}; ${promotes}.`;
}
