/** One mask that a person makes pixel-exact, by the brush and eraser of the editor. */
import { computed, signal } from "@preact/signals";
import type { Point, Size } from "../../core/geometry";
import { area, compress, type Runs } from "../../core/rle";
import { Painting } from "../editor/painting";

export type CorrectionTool = "brush" | "eraser";

export class Correction {
  readonly tool = signal<CorrectionTool>("brush");
  readonly runs = computed(() => this.painting.mask.value?.runs ?? this.original);
  /** Pixels of the picture. */
  readonly diameter = computed(() => this.painting.diameter(this.size));
  readonly strokes = computed(() => this.painting.strokes.value);
  private readonly painting = new Painting();
  private last: Point | null = null;

  constructor(
    readonly original: Runs,
    readonly size: Size,
  ) {
    this.painting.resume({ id: "corrected", base: null, size, runs: original, done: [], undone: [] });
  }

  /** Presses the tool down on a place of the picture, or moves on with it; `other` does what the other tool does. */
  draw(at: Point, other = false): void {
    if (!this.last) this.painting.begin(null, this.size);
    this.painting.stroke(this.last ?? at, at, (this.tool.peek() === "brush") !== other);
    this.last = at;
  }

  /** Ends a stroke; one that changed nothing leaves no step to undo. */
  lift(): void {
    this.last = null;
    this.painting.end();
  }

  undo(): void {
    this.last = null;
    this.painting.undo();
  }

  redo(): void {
    if (!this.last) this.painting.redo();
  }

  resize(by: 1 | -1): void {
    this.painting.resize(by, this.size);
  }

  choose(diameter: number): void {
    this.painting.choose(diameter);
  }

  /** The corrected mask as the API takes it; null when no pixel is left: there is no object. */
  get counts(): string | null {
    const runs = this.runs.peek();
    return area(runs) === 0 ? null : compress(runs);
  }
}

/** Intersection over union of two masks of one size; 1 when both are empty. */
export function agreement(one: Runs, other: Runs): number {
  let [inside, either] = [0, 0];
  let [first, second] = [0, 0];
  let [restFirst, restSecond] = [one[0] ?? 0, other[0] ?? 0];
  while (first < one.length && second < other.length) {
    const length = Math.min(restFirst, restSecond);
    const [here, there] = [first % 2 === 1, second % 2 === 1];
    if (here && there) inside += length;
    if (here || there) either += length;
    restFirst -= length;
    restSecond -= length;
    if (restFirst === 0) restFirst = one[++first] ?? 0;
    if (restSecond === 0) restSecond = other[++second] ?? 0;
  }
  return either === 0 ? 1 : inside / either;
}
