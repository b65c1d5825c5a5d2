/** The gate report as the page shows it: short titles, what was compared, and what a person may decide. Pure. */
import type { Gate, GateReport } from "../../data/api";

const TITLES: Record<string, string> = {
  files: "Files of the release",
  weights: "Weights",
  architecture: "Construction",
  decoder: "Decoder in the browser",
  training: "End of training",
  snapshot: "Training data",
  held_out: "Images of the comparison",
  origin: "Origin",
  evidence: "Evidence",
  "miou@1": "Masks after 1 click",
  "miou@3": "Masks after 3 clicks",
  "miou@5": "Masks after 5 clicks",
  "noc@85": "Clicks for a good mask",
  slices: "Kinds of objects",
  mask_count: "Masks found by itself",
};

export function titleOf({ name }: Pick<Gate, "name">): string {
  return TITLES[name] ?? name;
}

/** A mean of both versions over the same masks, and the 95 % interval of candidate minus active. */
export interface Compared {
  candidate: number;
  active: number;
  difference: number;
  low: number;
  high: number;
  /** Clicks: a fall is good. Everything else is a share of 1: a rise is good. */
  lessIsBetter: boolean;
}

/** What a gate compared; undefined for gates that only say yes or no, or measured nothing. */
export function comparedOf({ name, figures }: Pick<Gate, "name" | "figures">): Compared | undefined {
  const { candidate, active, difference, low, high } = figures;
  const numbers = [candidate, active, difference, low, high];
  if (!numbers.every((value): value is number => typeof value === "number")) return undefined;
  return { candidate, active, difference, low, high, lessIsBetter: name.startsWith("noc@") } as Compared;
}

export interface SliceRow {
  kind: string;
  name: string;
  masks: number;
  candidate: number;
  active: number;
  difference: number;
  judged: boolean;
  passed: boolean;
}

/** Rows of the gate that looks at kinds of objects, those that failed first, then the largest. */
export function slicesOf({ figures }: Pick<Gate, "figures">): SliceRow[] {
  const rows = Array.isArray(figures.slices) ? (figures.slices as SliceRow[]) : [];
  return [...rows].sort((one, other) => Number(one.passed) - Number(other.passed) || other.masks - one.masks);
}

/** "small objects", "masks made by click", "“car”". */
export function sliceName({ kind, name }: Pick<SliceRow, "kind" | "name">): string {
  if (kind === "size") return `${name} objects`;
  return kind === "source" ? `masks made by ${name}` : `“${name}”`;
}

export type Verdict = "promote" | "override" | "none";

/** What a person may do with a judged candidate: promote it, promote it against the report with a reason, or not at all. */
export function verdictOf(report: Pick<GateReport, "decision" | "overridable">): Verdict {
  if (report.decision === "promote") return "promote";
  return report.overridable ? "override" : "none";
}

export const DECISIONS = {
  promote: ["Better or as good", "positive"],
  reject: ["Not good enough", "negative"],
  insufficient_evidence: ["Too little evidence", "caution"],
} as const;

/** Part of the way from `from` to `to`, 0 to 1: where a value stands on the scale of an interval. */
export function placeOf(value: number, from: number, to: number): number {
  return to > from ? Math.min(1, Math.max(0, (value - from) / (to - from))) : 0.5;
}

/** The least that a scale shows on both sides of zero: differences below it look as small as they are. */
const LEAST = { share: 0.005, clicks: 0.25 };

/** A scale for an interval that always shows zero, and leaves room at both ends. */
export function scaleOf({
  low,
  high,
  lessIsBetter,
}: Pick<Compared, "low" | "high" | "lessIsBetter">): [number, number] {
  const least = lessIsBetter ? LEAST.clicks : LEAST.share;
  const [from, to] = [Math.min(low, -least), Math.max(high, least)];
  const room = 0.15 * (to - from);
  return [from - room, to + room];
}
