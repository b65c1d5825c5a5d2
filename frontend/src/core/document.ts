/** The masks of one picture as the person sees them: records by id, with undo. What the server must be told is derived here. */
import type { Box, Size } from "./geometry";
import { type Change, emptyHistory, type History, redo, remember, type Step, undo } from "./history";
import type { Prompt } from "./prompts";
import { area, bbox, parse, type Runs } from "./rle";

export type Source = "click" | "box" | "brush" | "polygon" | "proposal" | "automatic" | "detector" | "import";

/** A prompt with the milliseconds since the object was begun and the candidate that was shown after it. */
export type TimedPrompt = Prompt & { readonly at_ms: number; readonly candidate?: number };

/** One annotation. Geometry never changes: a refined mask is a new record that supersedes the old one. */
export interface AnnotationRecord {
  readonly id: string;
  readonly size: Size;
  readonly counts: string;
  readonly runs: Runs;
  readonly area: number;
  readonly box: Box;
  readonly categoryId: string | null;
  readonly supersedesId: string | null;
  readonly source: Source;
  readonly state: "accepted" | "proposed";
  readonly modelVersionId: string | null;
  readonly prompts: readonly TimedPrompt[];
  readonly chosenCandidate: number | null;
  readonly predictedIou: number | null;
  /** What a person finds wrong with it. */
  readonly flag: string | null;
  readonly createdAt: string;
  /** Who made it; null for what was made here and is not confirmed yet. */
  readonly actorId: string | null;
}

export type Geometry = Pick<AnnotationRecord, "size" | "counts" | "runs" | "area" | "box">;

/** The geometry of a record, checked against the size of its picture; throws InvalidMask. */
export function geometryOf(counts: string, size: Size): Geometry {
  const runs = parse(counts, size);
  return { size, counts, runs, area: area(runs), box: bbox(runs, size) };
}

export interface Document {
  readonly annotations: ReadonlyMap<string, AnnotationRecord>;
  readonly history: History<AnnotationRecord>;
  /** Ids that the server has been told about, whatever became of them. */
  readonly told: ReadonlySet<string>;
}

/** What the server must be told, in order. */
export type Act =
  | { readonly kind: "create"; readonly record: AnnotationRecord }
  | { readonly kind: "delete"; readonly id: string }
  | { readonly kind: "restore"; readonly id: string }
  | { readonly kind: "category"; readonly id: string; readonly categoryId: string | null }
  | { readonly kind: "flag"; readonly id: string; readonly flag: string | null }
  /** A proposal was accepted, or that was taken back. */
  | { readonly kind: "decide"; readonly id: string; readonly accepted: boolean };

/** A new document and what it means for the server. */
export type Outcome = readonly [Document, readonly Act[]];

/** The document of what the server lists: nothing to undo yet. */
export function openDocument(records: Iterable<AnnotationRecord>): Document {
  const annotations = new Map(Array.from(records, (record) => [record.id, record]));
  return { annotations, history: emptyHistory(), told: new Set(annotations.keys()) };
}

/** A mask was accepted. What it supersedes leaves the picture in the same step. */
export function accept(document: Document, record: AnnotationRecord): Outcome {
  const step: Change<AnnotationRecord>[] = [{ id: record.id, before: null, after: record }];
  const replaced = record.supersedesId ? document.annotations.get(record.supersedesId) : undefined;
  if (replaced) step.unshift({ id: replaced.id, before: replaced, after: null });
  return commit(document, step);
}

export function remove(document: Document, id: string): Outcome {
  const record = document.annotations.get(id);
  return record ? commit(document, [{ id, before: record, after: null }]) : [document, []];
}

export function categorise(document: Document, id: string, categoryId: string | null): Outcome {
  const record = document.annotations.get(id);
  if (!record || record.categoryId === categoryId) return [document, []];
  return commit(document, [{ id, before: record, after: { ...record, categoryId } }]);
}

/** Marks a mask as wrong, in words; null takes the mark away. */
export function flag(document: Document, id: string, words: string | null): Outcome {
  const record = document.annotations.get(id);
  if (!record || record.flag === words) return [document, []];
  return commit(document, [{ id, before: record, after: { ...record, flag: words } }]);
}

/** Accepts proposals as they are, in one step; what is none is left out. */
export function approve(document: Document, ids: readonly string[]): Outcome {
  const step: Change<AnnotationRecord>[] = [];
  for (const id of ids) {
    const before = document.annotations.get(id);
    if (before?.state === "proposed") step.push({ id, before, after: { ...before, state: "accepted" } });
  }
  return step.length > 0 ? commit(document, step) : [document, []];
}

/** Takes the last step back; the document itself when there is none. */
export function undoStep(document: Document): Outcome {
  const undone = undo(document.history);
  return undone ? settle(document, undone[0], undone[1]) : [document, []];
}

export function redoStep(document: Document): Outcome {
  const redone = redo(document.history);
  return redone ? settle(document, redone[0], redone[1]) : [document, []];
}

function commit(document: Document, step: Step<AnnotationRecord>): Outcome {
  return settle(document, remember(document.history, step), step);
}

function settle(document: Document, history: History<AnnotationRecord>, step: Step<AnnotationRecord>): Outcome {
  const annotations = new Map(document.annotations);
  const told = new Set(document.told);
  const acts: Act[] = [];
  for (const change of step) {
    const act = actOf(change, step, told);
    if (act) acts.push(act);
    told.add(change.id);
    if (change.after) annotations.set(change.id, change.after);
    else annotations.delete(change.id);
  }
  return [{ annotations, history, told }, acts];
}

function actOf(
  { id, before, after }: Change<AnnotationRecord>,
  step: Step<AnnotationRecord>,
  told: ReadonlySet<string>,
): Act | null {
  if (before && after) return changeOf(before, after);
  if (after) return told.has(id) ? { kind: "restore", id } : { kind: "create", record: after };
  const superseded = step.some((other) => other.after?.supersedesId === id);
  return superseded ? null : { kind: "delete", id };
}

/** A step changes one thing of a mask that stays. */
function changeOf(before: AnnotationRecord, { id, ...after }: AnnotationRecord): Act {
  if (before.state !== after.state) return { kind: "decide", id, accepted: after.state === "accepted" };
  if (before.flag !== after.flag) return { kind: "flag", id, flag: after.flag };
  return { kind: "category", id, categoryId: after.categoryId };
}
