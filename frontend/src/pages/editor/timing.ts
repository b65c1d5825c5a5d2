/** User Timing entries of the editor, for anybody who measures it (benchmarks/browser_decode.py reads them). */
import type { Answer } from "./prompting";

/** More entries than this are of no use and only take memory. */
const MOST = 1000;

/** A prompt's answer is on screen: how long that took from the person's event, and how long the decoder worked. */
export function measureAnswer({ askedAt, answeredAt, decodeMs }: Answer): void {
  measure("maskmill:click-painted", askedAt, performance.now());
  measure("maskmill:decode", answeredAt - decodeMs, answeredAt);
}

let ready = false;

/** The decoder answers for the first time since the page was opened. */
export function measureReady(): void {
  if (!ready) measure("maskmill:decoder-ready", 0, performance.now());
  ready = true;
}

function measure(name: string, start: number, end: number): void {
  if (performance.getEntriesByName(name).length >= MOST) performance.clearMeasures(name);
  performance.measure(name, { start, end: Math.max(start, end) });
}
