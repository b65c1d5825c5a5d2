/** Shares, differences and durations as the pages of the engine say them. Typographic minus, never a bare sign. */
import { count } from "./words";

const MINUS = "−";

/** 0.7312 as "73.1 %". */
export function percent(share: number, digits = 1): string {
  return `${signless(100 * share, digits)} %`;
}

/** A difference of two shares in percentage points: 0.013 as "+1.3 points", -0.004 as "−0.4 points". */
export function points(difference: number, digits = 1): string {
  return `${signed(100 * difference, digits)} ${Math.abs(100 * difference).toFixed(digits) === "1.0" ? "point" : "points"}`;
}

/** The interval of a difference of shares: "−0.2 to +2.4 points". */
export function pointsBetween([low, high]: readonly [number, number], digits = 1): string {
  return `${signed(100 * low, digits)} to ${signed(100 * high, digits)} points`;
}

/** "+1.3", "−0.4", "0.0": a zero has no sign. */
export function signed(value: number, digits = 1): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? MINUS : "+"}${text}`;
}

function signless(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `${MINUS}${text}` : text;
}

/** Whether a difference is good, bad, or too small to say at the digits that are shown. */
export function direction(difference: number, lessIsBetter = false, least = 0.0005): "positive" | "negative" | "plain" {
  if (!Number.isFinite(difference) || Math.abs(difference) < least) return "plain";
  return difference > 0 !== lessIsBetter ? "positive" : "negative";
}

/** "40 s", "4 min 10 s", "1 h 20 min": how long something took. */
export function lasting(seconds: number): string {
  if (seconds < 59.5) return `${seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`;
  if (seconds < 3570) {
    const minutes = Math.floor(Math.round(seconds) / 60);
    const rest = Math.round(seconds) % 60;
    return rest && minutes < 10 ? `${minutes} min ${rest} s` : `${minutes} min`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

/** "120 of 300 masks", and nothing to add when there is no goal. */
export function towards(now: number, needed: number | null | undefined, one: string, many?: string): string {
  return needed ? `${now} of ${count(needed, one, many)}` : count(now, one, many);
}
