import "fake-indexeddb/auto";
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { annotationRecord } from "../../core/document.test-kit";
import type { Annotation } from "../../data/api";
import { setOrigin } from "../../data/http";
import { outbox } from "../../data/outbox";
import { json, startServer, type TestServer, until } from "../../data/server.test-kit";
import { Editing } from "./editing";

let server: TestServer;
let editing: Editing;
let warnings: string[];

const EXTRA = { stability: 1, activeSeconds: 1, wallSeconds: 2 };

const made = (supersedesId: string | null = null) =>
  annotationRecord(randomUUID(), { supersedesId, predictedIou: 0.5 });

function listed(id: string, counts = "34="): Annotation {
  return {
    id,
    size: [4, 5],
    counts,
    source: "click",
    prompts: [],
    state: "accepted",
    revision: 3,
    created_at: "2026-01-01T00:00:00Z",
  } as unknown as Annotation;
}

const shown = () => editing.records.value.map(({ id }) => id);
const saved = () => until(() => outbox.status.value.kind === "saved");
const said = () => server.calls.map(({ method, path }) => `${method} ${path.replace("/api/", "")}`);

beforeEach(async () => {
  // Node 20 has no navigator; without Web Locks the outbox sends all the same.
  vi.stubGlobal("navigator", {});
  server = await startServer(({ method, body }, response) => {
    if (method === "DELETE") return json(response, 204);
    json(response, 200, { revision: 4, ...body });
  });
  setOrigin(server.url);
  await outbox.open(randomUUID());
  warnings = [];
  editing = new Editing(
    "p",
    (words) => warnings.push(words),
    () => undefined,
  );
});

afterEach(async () => {
  editing.dispose();
  outbox.close();
  await server.stop();
  vi.unstubAllGlobals();
});

describe("edits of an image", () => {
  it("reach the server in order: a mask, its end, its return", async () => {
    editing.open("i", []);
    const record = made();
    editing.accept(record, EXTRA);
    editing.undo();
    editing.redo();
    await saved();
    expect(said()).toEqual([
      "POST images/i/annotations",
      `DELETE annotations/${record.id}`,
      `POST annotations/${record.id}/restore`,
    ]);
    expect(server.calls[0]?.body).toMatchObject({ id: record.id, size: [4, 5], counts: "34=", active_seconds: 1 });
    expect(shown()).toEqual([record.id]);
  });

  it("replace a refined mask and end its selection", async () => {
    editing.open("i", [listed("a")]);
    editing.selectedId.value = "a";
    const refined = made("a");
    editing.accept(refined, EXTRA);
    expect(shown()).toEqual([refined.id]);
    expect(editing.selectedId.value).toBeNull();
    editing.undo();
    await saved();
    expect(said().slice(1)).toEqual([`DELETE annotations/${refined.id}`, "POST annotations/a/restore"]);
  });

  it("name a mask by the revision that the server last told", async () => {
    editing.open("i", [listed("a")]);
    editing.categorise("a", "cat");
    await saved();
    expect(server.calls[0]).toMatchObject({ method: "PATCH", body: { category_id: "cat", revision: 3 } });
  });
});

describe("the list of the server", () => {
  it("leaves out a broken mask and says so", () => {
    editing.open("i", [listed("a"), listed("b", "3")]);
    expect(shown()).toEqual(["a"]);
    expect(warnings).toEqual([expect.stringContaining("cannot be shown")]);
  });

  it("may come anew without taking the undo away", async () => {
    editing.open("i", [listed("a")]);
    editing.remove("a");
    await saved();
    editing.refresh("i", []);
    editing.undo();
    expect(shown()).toEqual(["a"]);
    await saved();
    editing.refresh("other", []);
    expect(shown()).toEqual(["a"]);
  });

  it("is overlaid with what this device has not sent yet", async () => {
    await server.stop();
    editing.open("i", []);
    const record = made();
    editing.accept(record, EXTRA);
    await until(() => outbox.pendingFor("i").length === 1);
    editing.open("i", [listed("a")]);
    expect(shown().sort()).toEqual(["a", record.id].sort());
    server = await startServer(() => undefined);
  });
});
