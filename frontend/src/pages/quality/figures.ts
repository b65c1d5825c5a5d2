/** Figures of reports as people read them: value with unit, interval, number of observations. Pure. */
import { lasting, percent } from "../../ui/comparison";
import { number } from "../../ui/words";

export interface Figure {
  name: string;
  value: number | null;
  low: number | null;
  high: number | null;
  n: number;
  unit: string;
  /** What the paper reports under the same name. */
  paper: string | null;
}

/** "94.2 %", "14.3 s", "7.82"; a dash where nothing was observed. */
export function valueWords({ value, unit }: Pick<Figure, "value" | "unit">): string {
  return value === null ? "–" : inUnit(value, unit);
}

function inUnit(value: number, unit: string): string {
  if (unit === "share") return percent(value);
  if (unit === "seconds") return lasting(value);
  if (unit === "hours") return value < 1 ? lasting(3600 * value) : `${value.toFixed(1)} h`;
  if (unit === "score") return value.toFixed(2);
  return Number.isInteger(value) ? number(value) : value.toFixed(value < 10 ? 2 : 1);
}

/** "91.0 % to 96.4 %", cut to what can be: no negative times, no share above 1; empty where there is no interval. */
export function intervalWords({ low, high, unit }: Pick<Figure, "low" | "high" | "unit">): string {
  if (low === null || high === null) return "";
  const most = unit === "share" ? 1 : Number.POSITIVE_INFINITY;
  return `${inUnit(Math.max(0, low), unit)} to ${inUnit(Math.min(most, high), unit)}`;
}

/** A tooltip that says how sure the number is. */
export function certaintyOf(figure: Figure): string {
  if (figure.value === null) return "Nothing was observed yet.";
  const interval = intervalWords(figure);
  const from = `from ${number(figure.n)} observed`;
  return interval ? `95 % certain: ${interval}, ${from}` : `${from}; too few for an interval`;
}
