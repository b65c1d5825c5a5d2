/** What kinds and states of automatic generation are called. Pure. */
import type { Generation } from "../../data/api";
import type { ChipKind } from "../../ui/states";

export const MADE_BY = { automatic: "From a grid of points", detector: "From the box detector" } as const;

export const GENERATION_STATES: Record<Generation["state"], readonly [words: string, kind: ChipKind, meaning: string]> =
  {
    queued: ["Waiting", "caution", "It begins as soon as a worker is free. What is made stays if you cancel it."],
    running: ["Running", "caution", "It goes on if you leave this page. What is made stays if you cancel it."],
    paused: ["Paused", "plain", "Nothing is made until somebody lets it go on."],
    cancelled: ["Cancelled", "plain", "Somebody stopped it; the masks that were made stay as proposals."],
    done: ["Done", "positive", "Its masks are proposals until somebody accepts or rejects them."],
  };

export function isWorking(state: Generation["state"]): boolean {
  return state === "queued" || state === "running";
}
