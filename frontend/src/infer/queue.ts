/** Order of work for a worker that does one thing at a time and cannot be interrupted. */

/** A hover preview that a newer one, or the end of hovering, made pointless. */
export class Overtaken extends Error {
  override name = "Overtaken";
}

type Work = () => Promise<void>;

interface Waiting {
  readonly start: Work;
  readonly drop: (reason: Error) => void;
}

/** Ordered work runs first come, first served and is never dropped. Of hover work only the latest waits, and it yields to all else. */
export class WorkQueue {
  private readonly ordered: Waiting[] = [];
  private hovering: Waiting | null = null;
  private busy = false;

  /** Resolves with what `work` gives once its turn came. */
  add<T>(work: () => Promise<T>): Promise<T> {
    return this.enqueue(work, (waiting) => this.ordered.push(waiting));
  }

  /** As `add`, but rejects with Overtaken when another hover comes before its turn. */
  addHover<T>(work: () => Promise<T>): Promise<T> {
    this.dropHover();
    return this.enqueue(work, (waiting) => {
      this.hovering = waiting;
    });
  }

  dropHover(): void {
    this.hovering?.drop(new Overtaken("A newer preview was asked for."));
    this.hovering = null;
  }

  /** Rejects everything that has not begun, e.g. because the worker is gone. */
  clear(reason: Error): void {
    this.dropHover();
    for (const waiting of this.ordered.splice(0)) waiting.drop(reason);
  }

  private enqueue<T>(work: () => Promise<T>, place: (waiting: Waiting) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      place({ start: () => work().then(resolve, reject), drop: reject });
      this.next();
    });
  }

  private next(): void {
    if (this.busy) return;
    const waiting = this.ordered.shift() ?? this.hovering;
    if (!waiting) return;
    if (waiting === this.hovering) this.hovering = null;
    this.busy = true;
    void waiting.start().finally(() => {
      this.busy = false;
      this.next();
    });
  }
}
