/** Brings one edit to the server. Each may be repeated after a lost reply: the second time changes nothing and answers the same. */
import { ApiError, api } from "../api";
import type { Annotation, AnnotationChanges, Image } from "../types";
import type { Entry } from "./entry";

export type Reply = Annotation | Image | undefined;

/** Throws ApiError. `keepalive` is for a page that is going away. */
export async function deliver({ imageId, operation }: Entry, keepalive = false): Promise<Reply> {
  switch (operation.kind) {
    case "create":
      return api.createAnnotation(imageId, operation.annotation, keepalive);
    case "change":
      return change(imageId, operation, keepalive);
    case "remove":
      return remove(operation.annotationId, keepalive);
    case "restore":
      return api.restoreAnnotation(operation.annotationId, keepalive);
    case "decide":
      return operation.accepted
        ? api.acceptAnnotation(operation.annotationId, keepalive)
        : api.reconsiderAnnotation(operation.annotationId, keepalive);
    case "complete":
      return api.setComplete(imageId, operation.complete, keepalive);
  }
}

async function change(
  imageId: string,
  { annotationId, changes, revision }: { annotationId: string; changes: AnnotationChanges; revision: number },
  keepalive: boolean,
): Promise<Annotation> {
  try {
    return await api.changeAnnotation(annotationId, changes, revision, keepalive);
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.status !== 409) throw cause;
    // Our own first attempt may have arrived and only its reply been lost: then the server already says what we want.
    const now = (await api.annotations(imageId)).find((annotation) => annotation.id === annotationId);
    if (now && says(now, changes)) return now;
    throw cause;
  }
}

function says(annotation: Annotation, changes: AnnotationChanges): boolean {
  const sameCategory = changes.category_id === undefined || (annotation.category_id ?? null) === changes.category_id;
  const sameAttributes =
    changes.attributes === undefined || JSON.stringify(annotation.attributes) === JSON.stringify(changes.attributes);
  const sameFlag = changes.flag === undefined || annotation.flag === changes.flag;
  return sameCategory && sameAttributes && sameFlag;
}

async function remove(annotationId: string, keepalive: boolean): Promise<undefined> {
  try {
    await api.deleteAnnotation(annotationId, keepalive);
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.status !== 404) throw cause;
  }
}
