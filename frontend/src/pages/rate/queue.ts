/** The masks of one rating task, one after the other, without a word of where they come from. */
import { batch, signal } from "@preact/signals";
import { parse, type Runs } from "../../core/rle";
import { imageUrl, type RatingEntry, type RatingTask } from "../../data/api";
import { engine } from "../../data/engine";
import { errorOf } from "../../data/http";
import { loadPicture } from "../../data/pictures";
import { EffortClock } from "../editor/effort";

export interface Shown {
  entry: RatingEntry;
  picture: ImageBitmap;
  runs: Runs;
}

export class RatingQueue {
  readonly task = signal<RatingTask | undefined>(undefined);
  readonly shown = signal<Shown | undefined>(undefined);
  readonly score = signal<number | undefined>(undefined);
  readonly finished = signal(false);
  readonly busy = signal(false);
  readonly error = signal<Error | undefined>(undefined);
  readonly rated = signal(0);
  private readonly clock = new EffortClock(performance.now());
  private closed = false;

  constructor(readonly taskId: string) {}

  next(): Promise<void> {
    return this.guarded(async () => {
      const [entry, task] = await Promise.all([engine.nextRatingEntry(this.taskId), engine.ratingTask(this.taskId)]);
      const shown = entry && (await open(entry));
      if (this.closed) return this.giveBack(entry);
      this.clock.restart(performance.now());
      batch(() => {
        this.task.value = task;
        this.shown.value = shown;
        this.score.value = undefined;
        this.finished.value = !shown;
      });
    });
  }

  /** Hands the chosen score in and takes the next mask. */
  async handIn(): Promise<void> {
    const [shown, score] = [this.shown.peek(), this.score.peek()];
    if (!shown || score === undefined || this.busy.peek()) return;
    await this.guarded(async () => {
      const seconds = this.clock.take(performance.now()).activeSeconds;
      await engine.rate(shown.entry.id, { score, seconds });
      this.rated.value += 1;
    });
    if (!this.error.peek()) await this.next();
  }

  readonly note = (): void => this.clock.note(performance.now());

  /** The page is left: what is not rated goes back to the queue. */
  leave(): void {
    this.closed = true;
    this.giveBack(this.shown.peek()?.entry);
  }

  private giveBack(entry: RatingEntry | undefined): void {
    // Nobody is there any more to hear of a failure; the lease runs out by itself.
    if (entry) void engine.releaseRatingEntry(entry.id, true).catch(() => undefined);
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

async function open(entry: RatingEntry): Promise<Shown> {
  const picture = await loadPicture(imageUrl({ id: entry.image_id, pixel_digest: null }, "pixels"));
  return { entry, picture, runs: parse(entry.counts, entry.size) };
}
