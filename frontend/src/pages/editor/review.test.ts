import "fake-indexeddb/auto";
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Annotation } from "../../data/api";
import { setOrigin } from "../../data/http";
import { outbox } from "../../data/outbox";
import { json, startServer, type TestServer, until } from "../../data/server.test-kit";
import { Editing } from "./editing";
import { FLAGGED, Review } from "./review";

let server: TestServer;
let editing: Editing;
let review: Review;

/** The newest is listed first: d, c, b, a. */
function listed(id: string, state = "proposed", more: object = {}): Annotation {
  const made = { size: [4, 5], counts: "34=", source: "automatic", prompts: [], revision: 1, flag: null };
  return { id, state, ...made, created_at: `2026-01-01T00:00:0${id.charCodeAt(0) - 97}Z`, ...more } as never;
}

const said = () => server.calls.map(({ method, path }) => `${method} ${path.replace("/api/", "")}`);
const saved = () => until(() => outbox.status.value.kind === "saved");

beforeEach(async () => {
  vi.stubGlobal("navigator", {});
  let revision = 1;
  server = await startServer(({ method, path, body }, response) => {
    if (method === "DELETE" && !path.endsWith("/accept")) return json(response, 204);
    revision += 1;
    json(response, 200, { id: path.split("/")[3], revision, ...body });
  });
  setOrigin(server.url);
  await outbox.open(randomUUID());
  editing = new Editing(
    "p",
    () => undefined,
    () => undefined,
  );
  review = new Review(editing);
  editing.open("i", [listed("a"), listed("b", "accepted"), listed("c"), listed("d")]);
});

afterEach(async () => {
  editing.dispose();
  outbox.close();
  await server.stop();
  vi.unstubAllGlobals();
});

describe("proposals", () => {
  it("are gone through in the order of the list, past what is accepted, round and round", () => {
    const ids = [1, 1, 1, 1, -1, -1].map((by) => {
      review.step(by as 1 | -1);
      return editing.selectedId.value;
    });
    expect(ids).toEqual(["d", "c", "a", "d", "a", "c"]);
  });

  it("are accepted and rejected one after the other, and all of it can be undone", async () => {
    review.step(1);
    review.accept();
    expect(review.current.value?.id).toBe("c");
    review.reject();
    review.accept();
    expect(review.current.value).toBeNull();
    review.accept();
    expect(editing.records.value.map(({ id, state }) => [id, state])).toEqual([
      ["d", "accepted"],
      ["b", "accepted"],
      ["a", "accepted"],
    ]);
    for (let step = 0; step < 3; step += 1) editing.undo();
    expect(review.proposals.value.map(({ id }) => id)).toEqual(["d", "c", "a"]);
    await saved();
    expect(said()).toEqual([
      "POST annotations/d/accept",
      "DELETE annotations/c",
      "POST annotations/a/accept",
      "DELETE annotations/a/accept",
      "POST annotations/c/restore",
      "DELETE annotations/d/accept",
    ]);
  });

  it("that are confident are accepted in one step, except those that somebody flagged", async () => {
    review.confident.value = new Set(["a", "c", "gone"]);
    editing.selectedId.value = "c";
    review.toggleFlag();
    expect(editing.find("c")?.flag).toBe(FLAGGED);
    expect(review.acceptSure()).toBe(1);
    expect(review.proposals.value.map(({ id }) => id)).toEqual(["d", "c"]);
    editing.undo();
    expect(review.proposals.value).toHaveLength(3);
    await saved();
    expect(server.calls[0]).toMatchObject({ method: "PATCH", body: { flag: FLAGGED } });
    review.toggleFlag();
    expect(editing.find("c")?.flag).toBeNull();
  });
});

describe("the list", () => {
  it("shows what was asked for", () => {
    review.confident.value = new Set(["a", "b"]);
    const shown = (["proposed", "confident", "accepted", "flagged"] as const).map((filter) => {
      review.show(filter);
      return review.listed.value.map(({ id }) => id).join("");
    });
    expect(shown).toEqual(["dca", "a", "b", ""]);
    review.reset();
    expect(review.listed.value).toHaveLength(4);
    editing.selectedId.value = "d";
    review.show("proposed");
    expect(review.current.value?.id).toBe("d");
    review.show("confident");
    expect(editing.selectedId.value).toBeNull();
  });
});

describe("what others did", () => {
  it("is news unless this page did it itself", async () => {
    expect(editing.isNews("new", 1, "accepted")).toBe(true);
    expect(editing.isNews("a", 1, "proposed")).toBe(false);
    expect(editing.isNews("a", 2, "accepted")).toBe(true);
    expect(editing.isNews("a", 2, "rejected")).toBe(true);
    editing.selectedId.value = "a";
    review.reject();
    await saved();
    expect(editing.isNews("a", 2, "rejected")).toBe(false);
  });
});
