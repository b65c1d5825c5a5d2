/** One edit that the server has not confirmed yet, as it lies on this device. */
import type { AnnotationChanges, AnnotationIn } from "../types";

export type Operation =
  | { kind: "create"; annotation: AnnotationIn }
  | { kind: "change"; annotationId: string; changes: AnnotationChanges; revision: number }
  | { kind: "remove"; annotationId: string }
  | { kind: "restore"; annotationId: string }
  /** A proposal is accepted, or that is taken back. */
  | { kind: "decide"; annotationId: string; accepted: boolean }
  | { kind: "complete"; complete: boolean };

/** `conflict`: somebody was there first; `refused`: the server will never take it as it is. Both wait for a person. */
export type EntryState = "waiting" | "conflict" | "refused";

export interface Failure {
  status: number;
  code: string;
  detail: string;
}

export interface Entry {
  /** Given by the database, rising: the order in which edits were made, over all tabs. */
  key: number;
  /** Version of this shape; a server that changed meanwhile knows what it gets. */
  schema: 1;
  /** Edits are only ever sent under the account that made them. */
  actorId: string;
  projectId: string;
  imageId: string;
  operation: Operation;
  state: EntryState;
  failure?: Failure;
  queuedAt: string;
}

/** The annotation that an operation makes or touches; none for those about the whole image. */
export function annotationOf(operation: Operation): string | undefined {
  if (operation.kind === "create") return operation.annotation.id;
  return operation.kind === "complete" ? undefined : operation.annotationId;
}

/** Whether `later` makes no sense before `earlier` has reached the server. */
function dependsOn(later: Operation, earlier: Operation): boolean {
  const id = annotationOf(earlier);
  if (id === undefined) return false;
  if (annotationOf(later) === id) return true;
  return later.kind === "create" && (later.annotation.supersedes_id === id || later.annotation.parent_id === id);
}

/** The first waiting entry that may be sent now: images in `skip` pause, and nothing overtakes what it depends on. */
export function nextToSend(entries: readonly Entry[], skip: ReadonlySet<string>): Entry | undefined {
  const stuck = entries.filter((entry) => entry.state !== "waiting");
  const held: Entry[] = [...stuck];
  for (const entry of entries) {
    if (entry.state !== "waiting") continue;
    const needs = held.some((earlier) => earlier.key < entry.key && dependsOn(entry.operation, earlier.operation));
    if (!needs && !skip.has(entry.imageId)) return entry;
    held.push(entry);
  }
  return undefined;
}

/** The entry and, in order, everything that cannot live without it. */
export function withDependents(entries: readonly Entry[], key: number): Entry[] {
  const family: Entry[] = [];
  for (const entry of entries) {
    const belongs = family.some((earlier) => dependsOn(entry.operation, earlier.operation));
    if (entry.key === key || (belongs && entry.key > key)) family.push(entry);
  }
  return family;
}

/** The same operation for another annotation id: a conflicting mask that is kept beside the other one. */
export function renamed(operation: Operation, from: string, to: string): Operation {
  if (operation.kind === "complete") return operation;
  if (operation.kind !== "create") {
    return operation.annotationId === from ? { ...operation, annotationId: to } : operation;
  }
  const annotation = { ...operation.annotation };
  if (annotation.id === from) {
    annotation.id = to;
    annotation.supersedes_id = null;
  }
  if (annotation.supersedes_id === from) annotation.supersedes_id = to;
  if (annotation.parent_id === from) annotation.parent_id = to;
  return { kind: "create", annotation };
}
