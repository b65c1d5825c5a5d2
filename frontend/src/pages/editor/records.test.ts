import { describe, expect, it } from "vitest";
import { InvalidMask } from "../../core/rle";
import type { AnnotationIn } from "../../data/api";
import type { Entry, Operation } from "../../data/outbox";
import { annotationIn, overlay, recordOf } from "./records";

function mask(id: string, more: Partial<AnnotationIn> = {}): AnnotationIn {
  return { id, size: [4, 5], counts: "34=", source: "click", prompts: [], ...more };
}

function unsent(...operations: Operation[]): Entry[] {
  return operations.map((operation, key) => ({
    key,
    schema: 1,
    actorId: "ada",
    projectId: "p",
    imageId: "i",
    operation,
    state: "waiting",
    queuedAt: "2026-01-01T00:00:00Z",
  }));
}

describe("records", () => {
  it("keep what is sent and say what the mask measures", () => {
    const prompts = [{ kind: "point" as const, x: 1, y: 2, label: 1 as const, at_ms: 12 }];
    const record = recordOf(mask("a", { category_id: "c", prompts, predicted_iou: 0.8, chosen_candidate: 2 }));
    expect(record).toMatchObject({ area: 4, box: [0, 0, 2, 4], state: "accepted" });
    const sent = annotationIn(record, { stability: 0.9, activeSeconds: 1, wallSeconds: 2 });
    expect(sent).toMatchObject({ id: "a", size: [4, 5], counts: "34=", category_id: "c", prompts, stability: 0.9 });
    expect(recordOf(sent)).toEqual({ ...record, createdAt: expect.any(String) });
  });

  it("refuse a broken mask", () => expect(() => recordOf(mask("a", { counts: "3" }))).toThrow(InvalidMask));
});

describe("unsent edits over the server's list", () => {
  it("add, replace, remove and rename", () => {
    const shown = overlay(
      [mask("a"), mask("b"), mask("c")],
      unsent(
        { kind: "create", annotation: mask("d") },
        { kind: "create", annotation: mask("e", { supersedes_id: "a" }) },
        { kind: "remove", annotationId: "b" },
        { kind: "change", annotationId: "c", changes: { category_id: "cat" }, revision: 1 },
        { kind: "remove", annotationId: "d" },
      ),
    );
    expect(shown.map(({ id, category_id }) => [id, category_id])).toEqual([
      ["c", "cat"],
      ["e", undefined],
    ]);
  });
});
