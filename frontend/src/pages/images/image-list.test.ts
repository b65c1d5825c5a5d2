import { afterEach, beforeEach, expect, it } from "vitest";
import { setOrigin } from "../../data/http";
import { json, startServer, type TestServer, until } from "../../data/server.test-kit";
import { ImageList } from "./image-list";

let server: TestServer;
let images: { id: string; state: string }[];

/** Pages by position, as the real server does. */
function page(path: string): unknown {
  const query = new URL(path, "http://x").searchParams;
  const from = Number(query.get("after") ?? 0);
  const to = from + Number(query.get("limit"));
  const state = query.get("state");
  const chosen = images.filter((image) => !state || image.state === state);
  return { images: chosen.slice(from, to), next: to < chosen.length ? String(to) : null, total: chosen.length };
}

beforeEach(async () => {
  images = Array.from({ length: 250 }, (_, index) => ({ id: `i${index}`, state: index < 200 ? "ready" : "queued" }));
  server = await startServer(({ path }, response) => json(response, 200, page(path)));
  setOrigin(server.url);
});

afterEach(() => server.stop());

it("loads page by page until the end, each once", async () => {
  const list = new ImageList("p", "");
  await list.loadMore();
  expect(list.images.value?.length).toBe(100);
  await Promise.all([list.loadMore(), list.loadMore()]);
  expect(list.images.value?.length).toBe(200);
  await list.loadMore();
  expect(list.more).toBe(false);
  await list.loadMore();
  expect(list.images.value?.map(({ id }) => id)).toEqual(images.map(({ id }) => id));
  expect(server.calls.length).toBe(3);
});

it("shows what changed after an event, without losing the pages that were loaded", async () => {
  const list = new ImageList("p", "");
  await list.loadMore();
  await list.loadMore();
  images[150] = { id: "i150", state: "failed" };
  for (let event = 0; event < 50; event++) {
    expect(list.take({ id: "1", kind: "image.failed", subjectId: "i150", payload: {} })).toBe(true);
  }
  await until(() => list.images.value?.[150]?.state === "failed");
  expect(list.images.value?.length).toBe(200);
  expect(server.calls.map(({ path }) => new URL(path, "http://x").searchParams.get("after"))).toEqual([
    null,
    "100",
    "100",
  ]);
  expect(list.take({ id: "2", kind: "export.ready", subjectId: "e", payload: {} })).toBe(false);
  list.stop();
});

it("asks for one state only and keeps the last answer when the server fails", async () => {
  const list = new ImageList("p", "queued");
  await list.loadMore();
  expect(list.total.value).toBe(50);
  server.answer = (_, response) => json(response, 500, { error: "internal", detail: "Something broke." });
  await list.refresh();
  expect(list.error.value?.message).toBe("Something broke.");
  expect(list.images.value?.length).toBe(50);
});

it("finds images that were added at the end, and everything again when events may have been missed", async () => {
  const list = new ImageList("p", "");
  for (let page = 0; page < 3; page++) await list.loadMore();
  images.push({ id: "new", state: "queued" });
  list.take({ id: "1", kind: "image.ready", subjectId: "new", payload: {} });
  await until(() => list.images.value?.length === 251);
  expect(server.calls.length).toBe(4);
  images[0] = { id: "i0", state: "failed" };
  list.refreshSoon();
  await until(() => list.images.value?.[0]?.state === "failed");
  expect(server.calls.length).toBe(7);
});

it("follows changes within a filter", async () => {
  const list = new ImageList("p", "queued");
  await list.loadMore();
  images[200] = { id: "i200", state: "ready" };
  list.take({ id: "1", kind: "image.ready", subjectId: "i200", payload: {} });
  await until(() => list.images.value?.length === 49);
});
