/** Between the annotations of the API and the records of the document. */
import { type AnnotationRecord, geometryOf, type TimedPrompt } from "../../core/document";
import type { Annotation, AnnotationIn } from "../../data/api";
import type { Entry } from "../../data/outbox";

/** An annotation as this device or the server has it. */
type Known = AnnotationIn & Partial<Omit<Annotation, keyof AnnotationIn>>;

/** A record of what the server listed or this device still holds; throws InvalidMask when its mask is broken. */
export function recordOf(annotation: Known): AnnotationRecord {
  return {
    id: annotation.id,
    ...geometryOf(annotation.counts, annotation.size),
    categoryId: annotation.category_id ?? null,
    supersedesId: annotation.supersedes_id ?? null,
    source: annotation.source,
    state: annotation.state === "proposed" ? "proposed" : "accepted",
    modelVersionId: annotation.model_version_id ?? null,
    prompts: annotation.prompts as TimedPrompt[],
    chosenCandidate: annotation.chosen_candidate ?? null,
    predictedIou: annotation.predicted_iou ?? null,
    flag: annotation.flag ?? null,
    createdAt: annotation.created_at ?? new Date().toISOString(),
    actorId: annotation.actor_id ?? null,
  };
}

/** What the page knows of a finished mask beyond its record. */
export interface Extra {
  readonly stability?: number;
  readonly brushEdits?: number;
  readonly activeSeconds: number;
  readonly wallSeconds: number;
}

export function annotationIn(record: AnnotationRecord, extra: Extra): AnnotationIn {
  return {
    id: record.id,
    size: [record.size[0], record.size[1]],
    counts: record.counts,
    category_id: record.categoryId,
    supersedes_id: record.supersedesId,
    source: record.source,
    model_version_id: record.modelVersionId,
    prompts: [...record.prompts],
    chosen_candidate: record.chosenCandidate,
    predicted_iou: record.predictedIou,
    stability: extra.stability ?? null,
    brush_edits: extra.brushEdits ?? 0,
    active_seconds: extra.activeSeconds,
    wall_seconds: extra.wallSeconds,
  };
}

/** What the person should see: the server's list with this device's unsent edits laid over it, in order. */
export function overlay(listed: readonly Known[], unsent: readonly Entry[]): Known[] {
  const shown = new Map<string, Known>(listed.map((annotation) => [annotation.id, annotation]));
  for (const { operation } of unsent) {
    if (operation.kind === "create") {
      const { supersedes_id: replaced } = operation.annotation;
      if (replaced) shown.delete(replaced);
      shown.set(operation.annotation.id, operation.annotation);
    } else if (operation.kind === "remove") {
      shown.delete(operation.annotationId);
    } else if (operation.kind === "decide") {
      const before = shown.get(operation.annotationId);
      if (before) shown.set(before.id, { ...before, state: operation.accepted ? "accepted" : "proposed" });
    } else if (operation.kind === "change") {
      const before = shown.get(operation.annotationId);
      if (before) shown.set(before.id, { ...before, ...operation.changes });
    }
  }
  return [...shown.values()];
}
