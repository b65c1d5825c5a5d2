/** The order of the stages. Pure. */
import type { Stage } from "../../data/api";

export const STAGE_ORDER = ["assisted_manual", "semi_automatic", "fully_automatic"] as const satisfies readonly Stage[];

/** The stages before and after one, where there are any. */
export function neighbours(stage: Stage): [before: Stage | undefined, after: Stage | undefined] {
  const index = STAGE_ORDER.indexOf(stage);
  return [STAGE_ORDER[index - 1], STAGE_ORDER[index + 1]];
}
