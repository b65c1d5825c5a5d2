/** The mask being painted by hand: strokes in, run lengths out. Each stroke is a step that can be undone. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { brushCentre, emptyRuns, fittingBrush, paint, resizedBrush, strokeSpans } from "../../core/brush";
import { type AnnotationRecord, type Geometry, geometryOf } from "../../core/document";
import type { Point, Size } from "../../core/geometry";
import { newId } from "../../core/ids";
import { area, compress, type Runs } from "../../core/rle";

export interface PaintedMask {
  /** Id of the annotation that this becomes. */
  readonly id: string;
  /** The annotation whose pixels are being changed; null for a mask from nothing. */
  readonly base: AnnotationRecord | null;
  readonly size: Size;
  /** As it is now, with the stroke under way. */
  readonly runs: Runs;
  /** As it was before each stroke that counts. */
  readonly done: readonly Runs[];
  /** As it was after each stroke that was taken back. */
  readonly undone: readonly Runs[];
}

/** A painted mask turned into what is saved. */
export interface FinishedPainting extends Geometry {
  readonly id: string;
  readonly base: AnnotationRecord | null;
  readonly brushEdits: number;
}

export class Painting {
  readonly mask = signal<PaintedMask | null>(null);
  /** Strokes that count; there is something to save from the first on. */
  readonly strokes: ReadonlySignal<number> = computed(() => this.mask.value?.done.length ?? 0);
  /** In picture pixels; null until somebody chose one, then for all pictures. */
  private readonly chosen = signal<number | null>(null);
  private before: PaintedMask | null = null;
  private stroking = false;

  /** The brush's width on a picture of this size. */
  diameter(size: Size): number {
    return this.chosen.value ?? fittingBrush(size);
  }

  resize(by: 1 | -1, size: Size): void {
    this.chosen.value = resizedBrush(this.diameter(size), by);
  }

  choose(diameter: number): void {
    this.chosen.value = diameter;
  }

  /** Begins a stroke on `base`, or on nothing, unless a mask is being painted already. */
  begin(base: AnnotationRecord | null, size: Size): void {
    this.before = this.mask.peek();
    const now = this.before ?? { id: newId(), base, size, runs: base?.runs ?? emptyRuns(size), done: [], undone: [] };
    this.mask.value = { ...now, done: [...now.done, now.runs], undone: [] };
    this.stroking = true;
  }

  /** Sets or clears the pixels between two places; does nothing between strokes. */
  stroke(from: Point, to: Point, value: boolean): void {
    const mask = this.mask.peek();
    if (!mask || !this.stroking) return;
    const diameter = this.diameter(mask.size);
    const spans = strokeSpans(brushCentre(from, diameter), brushCentre(to, diameter), diameter, mask.size);
    const runs = paint(mask.runs, spans, value);
    if (runs !== mask.runs) this.mask.value = { ...mask, runs };
  }

  /** The stroke is over; one that changed nothing does not count. */
  end(): void {
    const mask = this.mask.peek();
    if (this.stroking && mask && mask.done.at(-1) === mask.runs) this.mask.value = this.before;
    this.stroking = false;
    this.before = null;
  }

  /** Takes the stroke under way back. */
  cancel(): void {
    if (this.stroking) this.mask.value = this.before;
    this.stroking = false;
    this.before = null;
  }

  /** Takes the last stroke back; false when there is none. */
  undo(): boolean {
    this.end();
    const mask = this.mask.peek();
    const runs = mask?.done.at(-1);
    if (!mask || !runs) return false;
    this.mask.value = { ...mask, runs, done: mask.done.slice(0, -1), undone: [...mask.undone, mask.runs] };
    return true;
  }

  redo(): boolean {
    const mask = this.mask.peek();
    const runs = mask?.undone.at(-1);
    if (!mask || !runs) return false;
    this.mask.value = { ...mask, runs, done: [...mask.done, mask.runs], undone: mask.undone.slice(0, -1) };
    return true;
  }

  /** What is to be saved, and nothing is being painted any more; null when nothing changed. Throws when no pixel is left. */
  finish(): FinishedPainting | null {
    this.end();
    const mask = this.mask.peek();
    if (mask && mask.done.length > 0 && area(mask.runs) === 0) {
      throw new Error("no pixel of it is left. Undo a stroke, or press Esc and delete the mask");
    }
    this.mask.value = null;
    if (!mask || mask.done.length === 0) return null;
    const { id, base, size, runs, done } = mask;
    return { id, base, brushEdits: done.length, ...geometryOf(compress(runs), size) };
  }

  /** Forgets the strokes; returns what they were, for `resume`. */
  discard(): PaintedMask | null {
    this.cancel();
    const mask = this.mask.peek();
    this.mask.value = null;
    return mask && mask.done.length > 0 ? mask : null;
  }

  /** Goes on with strokes that were discarded. */
  resume(mask: PaintedMask): void {
    this.mask.value = mask;
  }
}
