/** The masks of one audit, one after the other: leased, corrected, handed in. */
import { batch, signal } from "@preact/signals";
import type { Size } from "../../core/geometry";
import { parse } from "../../core/rle";
import { type Audit, type AuditEntry, imageUrl } from "../../data/api";
import { engine } from "../../data/engine";
import { errorOf } from "../../data/http";
import { loadPicture } from "../../data/pictures";
import { EffortClock } from "../editor/effort";
import { Correction } from "./correction";

export interface Task {
  entry: AuditEntry;
  picture: ImageBitmap;
  correction: Correction;
}

export class AuditQueue {
  readonly audit = signal<Audit | undefined>(undefined);
  readonly task = signal<Task | undefined>(undefined);
  readonly finished = signal(false);
  readonly busy = signal(false);
  readonly error = signal<Error | undefined>(undefined);
  /** Overlap of the mask that was handed in last with the automatic one. */
  readonly lastIou = signal<number | undefined>(undefined);
  private readonly clock = new EffortClock(performance.now());
  private closed = false;

  constructor(readonly auditId: string) {}

  /** Takes the next mask. */
  next(): Promise<void> {
    return this.guarded(async () => {
      const [entry, audit] = await Promise.all([engine.nextAuditEntry(this.auditId), engine.audit(this.auditId)]);
      const task = entry && (await open(entry));
      if (this.closed) return this.giveBack(entry);
      this.clock.restart(performance.now());
      batch(() => {
        this.audit.value = audit;
        this.task.value = task;
        this.finished.value = !task;
      });
    });
  }

  /** Hands in what is painted, or that there is no object, and takes the next mask. */
  handIn(noObject = false): Promise<void> {
    const task = this.task.peek();
    if (!task || this.busy.peek()) return Promise.resolve();
    return this.guarded(async () => {
      this.clock.note(performance.now());
      const seconds = this.clock.take(performance.now()).activeSeconds;
      const counts = noObject ? null : task.correction.counts;
      this.lastIou.value = (await engine.correct(task.entry.id, { counts, seconds })).iou;
    }).then(() => (this.error.peek() ? undefined : this.next()));
  }

  readonly note = (): void => this.clock.note(performance.now());

  /** The page is left: what is not handed in goes back to the queue. */
  leave(): void {
    this.closed = true;
    this.giveBack(this.task.peek()?.entry);
  }

  private giveBack(entry: AuditEntry | undefined): void {
    // Nobody is there any more to hear of a failure; the lease runs out by itself.
    if (entry) void engine.releaseAuditEntry(entry.id, true).catch(() => undefined);
  }

  private async guarded(work: () => Promise<void>): Promise<void> {
    this.busy.value = true;
    try {
      await work();
      this.error.value = undefined;
    } catch (cause) {
      this.error.value = errorOf(cause);
    } finally {
      this.busy.value = false;
    }
  }
}

async function open(entry: AuditEntry): Promise<Task> {
  const picture = await loadPicture(imageUrl({ id: entry.image_id, pixel_digest: null }, "pixels"));
  const size: Size = entry.size;
  return { entry, picture, correction: new Correction(parse(entry.counts, size), size) };
}
