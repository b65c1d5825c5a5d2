/** How long a mask took: all the time since the one before, and the part of it in which the person did something. */

/** A pause longer than this is not work: only its beginning counts. */
const LONGEST_PAUSE_MS = 5_000;

export interface Effort {
  readonly activeSeconds: number;
  readonly wallSeconds: number;
}

/** Times in milliseconds of one steady clock. */
export class EffortClock {
  private began: number;
  private last: number;
  private active = 0;

  constructor(now: number) {
    this.began = now;
    this.last = now;
  }

  /** The person did something. */
  note(now: number): void {
    this.active += Math.min(Math.max(now - this.last, 0), LONGEST_PAUSE_MS);
    this.last = now;
  }

  /** What the mask that ends now has cost; the next one begins. */
  take(now: number): Effort {
    this.note(now);
    const effort = { activeSeconds: seconds(this.active), wallSeconds: seconds(now - this.began) };
    this.restart(now);
    return effort;
  }

  /** Begins anew, e.g. with another picture. */
  restart(now: number): void {
    this.began = now;
    this.last = now;
    this.active = 0;
  }
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds / 10) / 100;
}
