/** Undo and redo of recorded changes. A change knows both directions; the history only keeps the order. */
export interface Change<Record> {
  readonly id: string;
  /** The record before and after; null where it did not or does not exist. */
  readonly before: Record | null;
  readonly after: Record | null;
}

/** Changes of one gesture, undone and redone together. */
export type Step<Record> = readonly Change<Record>[];

export interface History<Record> {
  readonly done: readonly Step<Record>[];
  readonly undone: readonly Step<Record>[];
}

const LONGEST = 500;

export function emptyHistory<Record>(): History<Record> {
  return { done: [], undone: [] };
}

/** A new step; what was undone before it cannot be redone any more. */
export function remember<Record>(history: History<Record>, step: Step<Record>): History<Record> {
  if (step.length === 0) return history;
  return { done: [...history.done, step].slice(-LONGEST), undone: [] };
}

/** The changes that take the last step back, last change first, and the history after them; null when there is none. */
export function undo<Record>(history: History<Record>): [History<Record>, Step<Record>] | null {
  const step = history.done.at(-1);
  if (!step) return null;
  const back = step.map(({ id, before, after }) => ({ id, before: after, after: before })).reverse();
  return [{ done: history.done.slice(0, -1), undone: [...history.undone, step] }, back];
}

/** The changes that do the last undone step again; null when there is none. */
export function redo<Record>(history: History<Record>): [History<Record>, Step<Record>] | null {
  const step = history.undone.at(-1);
  if (!step) return null;
  return [{ done: [...history.done, step], undone: history.undone.slice(0, -1) }, step];
}
