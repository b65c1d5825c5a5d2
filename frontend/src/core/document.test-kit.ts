/** Annotations for tests. */
import { type AnnotationRecord, geometryOf } from "./document";

/** An accepted mask of 4 x 5 pixels. */
export function annotationRecord(id: string, fields: Partial<AnnotationRecord> = {}): AnnotationRecord {
  return {
    id,
    ...geometryOf("34=", [4, 5]),
    categoryId: null,
    supersedesId: null,
    source: "click",
    state: "accepted",
    modelVersionId: null,
    prompts: [],
    chosenCandidate: null,
    predictedIou: null,
    flag: null,
    createdAt: "2026-01-01T00:00:00Z",
    actorId: null,
    ...fields,
  };
}
