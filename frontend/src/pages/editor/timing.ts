/** What the editor measures of itself beside the decodes. */
import { measure } from "../../infer/timing";
import type { Answer } from "./prompting";

/** A prompt's answer is on screen: how long that took from the person's event. */
export function measureAnswer({ askedAt }: Answer): void {
  measure("maskmill:click-painted", askedAt, performance.now());
}

let ready = false;

/** The decoder answers for the first time since the page was opened. */
export function measureReady(): void {
  if (!ready) measure("maskmill:decoder-ready", 0, performance.now());
  ready = true;
}
