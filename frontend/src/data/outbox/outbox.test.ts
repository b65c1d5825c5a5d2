import "fake-indexeddb/auto";
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { reachable, setOrigin, signedIn } from "../http";
import { json, startServer, type TestServer, until } from "../server.test-kit";
import type { AnnotationIn } from "../types";
import { deliver } from "./delivery";
import { NotSaved, Outbox } from "./outbox";
import { EntryStore, type NewEntry } from "./store";

let server: TestServer;
/** What the server holds, by annotation id: written as the real one does, by idempotent id. */
let held: Map<string, Record<string, unknown>>;
let name: string;
/** The lock that the tabs of one browser share. */
let turn: Promise<void>;
let opened: { outbox: Outbox; store: EntryStore }[];

function mask(id: string = randomUUID(), more: Partial<AnnotationIn> = {}): AnnotationIn {
  return { id, size: [2, 3], counts: "132", source: "click", prompts: [], ...more };
}

function save(body: Record<string, unknown>, response: ServerResponse): void {
  const id = String(body.id);
  const before = held.get(id);
  const row = before ?? { ...body, revision: 1, state: "accepted" };
  held.set(id, row);
  json(response, before ? 200 : 201, row);
}

/** Says late that an entry is on disk. */
class SlowStore extends EntryStore {
  held: Promise<void> | undefined;

  override async add(entry: NewEntry) {
    const { held } = this;
    await held;
    return super.add(entry);
  }
}

async function makeOutbox(actorId = "ada", store = new EntryStore(name)): Promise<Outbox> {
  const outbox = new Outbox({
    store,
    deliver: (entry) => deliver(entry),
    alone: (work) => {
      turn = turn.then(work);
      return turn;
    },
    tell: () => undefined,
  });
  opened.push({ outbox, store });
  await outbox.open(actorId);
  return outbox;
}

beforeEach(async () => {
  name = `outbox-${randomUUID()}`;
  turn = Promise.resolve();
  held = new Map();
  opened = [];
  reachable.value = true;
  signedIn.value = true;
  server = await startServer(({ body }, response) => save(body, response));
  setOrigin(server.url);
});

afterEach(async () => {
  for (const { outbox, store } of opened) {
    outbox.close();
    await store.close();
  }
  await server.stop();
});

describe("an accepted mask", () => {
  it("is on disk before the first request and leaves when the server has it", async () => {
    const outbox = await makeOutbox();
    const saved: string[] = [];
    outbox.onSaved((operation) => saved.push(operation.kind));
    let onDisk = 0;
    server.answer = async ({ body }, response) => {
      onDisk = (await new EntryStore(name).all()).length;
      save(body, response);
    };
    await outbox.accept("p", "i", mask("a"));
    expect(outbox.status.value).toEqual({ kind: "device", count: 1 });
    await until(() => outbox.status.value.kind === "saved");
    expect(onDisk).toBe(1);
    expect(saved).toEqual(["create"]);
    expect(server.calls[0]?.path).toBe("/api/images/i/annotations");
    expect(await new EntryStore(name).all()).toEqual([]);
  });

  it("waits while the server is away, survives a reload of the page, and is sent once when it is back", async () => {
    const { port } = server;
    await server.stop();
    const before = await makeOutbox();
    await before.accept("p", "i", mask("a"));
    await before.accept("p", "i", mask("b"));
    await until(() => before.status.value.kind === "waiting");
    expect(before.status.value).toEqual({ kind: "waiting", count: 2 });
    before.close();

    const after = await makeOutbox();
    expect(after.pendingFor("i").length).toBe(2);
    server = await startServer(({ body }, response) => save(body, response), port);
    await after.flush();
    expect(after.status.value).toEqual({ kind: "saved" });
    expect(server.calls.map(({ body }) => body.id)).toEqual(["a", "b"]);
  });

  it("is sent again under the same id when the reply was lost, and exists once", async () => {
    const outbox = await makeOutbox();
    let lost = 1;
    server.answer = ({ body }, response) => {
      if (lost-- <= 0) return save(body, response);
      held.set(String(body.id), { ...body, revision: 1 });
      response.destroy();
    };
    await outbox.accept("p", "i", mask("a"));
    await until(() => outbox.status.value.kind === "waiting");
    await outbox.flush();
    expect(server.calls.map(({ body }) => body.id)).toEqual(["a", "a"]);
    expect(held.size).toBe(1);
    expect(outbox.status.value).toEqual({ kind: "saved" });
  });

  it("retries by itself after a server error", async () => {
    const outbox = await makeOutbox();
    let failing = true;
    server.answer = ({ body }, response) => {
      if (!failing) return save(body, response);
      failing = false;
      json(response, 503, { error: "unavailable", detail: "restarting" });
    };
    await outbox.accept("p", "i", mask("a"));
    await until(() => held.size === 1 && outbox.status.value.kind === "saved");
    expect(server.calls.length).toBe(2);
  });

  it("stays when the session has ended and goes out after the sign-in", async () => {
    const outbox = await makeOutbox();
    server.answer = (_, response) => json(response, 401, { error: "sign_in_needed", detail: "" });
    await outbox.accept("p", "i", mask("a"));
    await until(() => !signedIn.value);
    await until(() => outbox.status.value.kind === "waiting");
    server.answer = ({ body }, response) => save(body, response);
    signedIn.value = true;
    await outbox.flush();
    expect(held.has("a")).toBe(true);
  });

  it("is never sent under another account", async () => {
    const { port } = server;
    await server.stop();
    const ada = await makeOutbox("ada");
    await ada.accept("p", "i", mask("a"));
    await until(() => ada.status.value.kind === "waiting");
    ada.close();
    server = await startServer(({ body }, response) => save(body, response), port);
    const bob = await makeOutbox("bob");
    await bob.flush();
    expect(server.calls).toEqual([]);
    expect(bob.foreignCount.value).toBe(1);
    expect(bob.status.value).toEqual({ kind: "saved" });
    await makeOutbox("ada");
    await until(() => held.has("a"));
  });
});

describe("refusals", () => {
  it("keeps a conflict, lets the others go on, and holds back what builds on it", async () => {
    const outbox = await makeOutbox();
    server.answer = ({ body, method }, response) => {
      if (body.id === "a") return json(response, 409, { error: "superseded", detail: "Replaced by somebody else." });
      if (method === "DELETE") return json(response, 204);
      save(body, response);
    };
    await outbox.accept("p", "i", mask("a", { supersedes_id: "old" }));
    await outbox.remove("p", "i", "a");
    await outbox.accept("p", "i", mask("b"));
    await until(() => held.has("b"));
    await until(() => outbox.entries.value.length === 2);
    expect(outbox.status.value).toEqual({ kind: "attention", count: 1 });
    expect(outbox.entries.value[0]?.failure).toEqual({
      status: 409,
      code: "superseded",
      detail: "Replaced by somebody else.",
    });
    expect(server.calls.some(({ method }) => method === "DELETE")).toBe(false);
    expect((await new EntryStore(name).all()).map((entry) => entry.state)).toEqual(["conflict", "waiting"]);
  });

  it("keeps a conflicting mask beside the other one under a new id", async () => {
    const outbox = await makeOutbox();
    server.answer = ({ body }, response) => {
      if (body.supersedes_id === "old") return json(response, 409, { error: "superseded", detail: "" });
      save(body, response);
    };
    await outbox.accept("p", "i", mask("a", { supersedes_id: "old" }));
    await until(() => outbox.status.value.kind === "attention");
    await outbox.keepBeside(outbox.entries.value[0]?.key ?? -1);
    await until(() => outbox.status.value.kind === "saved");
    const [row] = [...held.values()];
    expect(row?.supersedes_id).toBeNull();
    expect(row?.id).not.toBe("a");
    expect(row?.counts).toBe("132");
  });

  it("discards with everything that builds on it, and can be undone", async () => {
    const outbox = await makeOutbox();
    server.answer = (_, response) => json(response, 422, { error: "invalid_mask", detail: "Runs do not sum up." });
    await outbox.accept("p", "i", mask("a"));
    await outbox.change("p", "i", { id: "a" }, { category_id: "c" });
    await until(() => outbox.status.value.kind === "attention");
    expect(outbox.entries.value[0]?.state).toBe("refused");
    const gone = await outbox.discard(outbox.entries.value[0]?.key ?? -1);
    expect(outbox.status.value).toEqual({ kind: "saved" });
    expect(await new EntryStore(name).all()).toEqual([]);
    await outbox.putBack(gone);
    expect(outbox.status.value).toEqual({ kind: "attention", count: 1 });
    server.answer = ({ body, method }, response) =>
      method === "POST" ? save(body, response) : json(response, 200, { id: "a", revision: 2 });
    await outbox.retry(outbox.entries.value[0]?.key ?? -1);
    await until(() => outbox.status.value.kind === "saved");
    expect(server.calls.at(-1)?.method).toBe("PATCH");
  });
});

describe("changes", () => {
  it("follow the revisions that our own earlier edits made", async () => {
    const outbox = await makeOutbox();
    let revision = 0;
    const seen: unknown[] = [];
    server.answer = ({ body, method }, response) => {
      if (method === "PATCH") seen.push(body.revision);
      revision++;
      json(response, 200, { id: "a", revision });
    };
    await Promise.all([
      outbox.accept("p", "i", mask("a")),
      outbox.change("p", "i", { id: "a" }, { category_id: "x" }),
      outbox.change("p", "i", { id: "a" }, { category_id: "y" }),
    ]);
    await until(() => outbox.status.value.kind === "saved");
    expect(seen).toEqual([1, 2]);
  });

  it("follow them also when they were being stored while the earlier edit was confirmed", async () => {
    let revision = 1;
    server.answer = ({ body }, response) => {
      if (body.revision !== revision) return json(response, 409, { error: "stale_revision", detail: "Changed." });
      revision++;
      json(response, 200, { id: "a", revision, category_id: "x" });
    };
    const store = new SlowStore(name);
    const outbox = await makeOutbox("ada", store);
    await outbox.change("p", "i", { id: "a", revision: 1 }, { category_id: "x" });
    let release: () => void = () => undefined;
    store.held = new Promise((done) => {
      release = done;
    });
    const second = outbox.change("p", "i", { id: "a", revision: 1 }, { category_id: "y" });
    await until(() => revision === 2 && outbox.entries.value.length === 0);
    release();
    await second;
    await until(() => outbox.status.value.kind === "saved");
    expect(revision).toBe(3);
  });

  it("count as saved when the server already says the same, and as a conflict when it does not", async () => {
    const outbox = await makeOutbox();
    server.answer = ({ method }, response) => {
      if (method === "PATCH") return json(response, 409, { error: "stale_revision", detail: "Changed meanwhile." });
      json(response, 200, { annotations: [{ id: "a", category_id: "x", revision: 5 }] });
    };
    await outbox.change("p", "i", { id: "a", revision: 4 }, { category_id: "x" });
    await until(() => outbox.status.value.kind === "saved");
    await outbox.change("p", "i", { id: "a", revision: 4 }, { category_id: "z" });
    await until(() => outbox.status.value.kind === "attention");
    expect(outbox.entries.value[0]?.state).toBe("conflict");
  });

  it("of one image stay in order while another image's server error passes", async () => {
    const outbox = await makeOutbox();
    let broken = true;
    server.answer = ({ body, path }, response) => {
      if (broken && path.includes("/i1/")) return json(response, 500, { error: "internal", detail: "" });
      save(body, response);
    };
    await Promise.all([
      outbox.accept("p", "i1", mask("a")),
      outbox.accept("p", "i1", mask("b")),
      outbox.accept("p", "i2", mask("c")),
    ]);
    await until(() => held.has("c"));
    expect(held.has("b")).toBe(false);
    broken = false;
    await outbox.flush();
    expect([...held.keys()]).toEqual(["c", "a", "b"]);
  });
});

describe("this device's storage", () => {
  class FullStore extends EntryStore {
    override add(_: NewEntry): Promise<never> {
      return Promise.reject(new DOMException("full", "QuotaExceededError"));
    }
  }

  it("falls back to the server when it is full, and says so", async () => {
    const outbox = await makeOutbox("ada", new FullStore(name));
    await outbox.accept("p", "i", mask("a"));
    expect(held.has("a")).toBe(true);
    expect(outbox.status.value).toEqual({ kind: "unsafe" });
  });

  it("throws when the server does not take the edit either", async () => {
    server.answer = (_, response) => json(response, 503, { error: "unavailable", detail: "" });
    const outbox = await makeOutbox("ada", new FullStore(name));
    await expect(outbox.accept("p", "i", mask("a"))).rejects.toBeInstanceOf(NotSaved);
  });
});

describe("two tabs", () => {
  it("send every edit exactly once", async () => {
    const one = await makeOutbox();
    const two = await makeOutbox();
    const ids = Array.from({ length: 40 }, (_, index) => `m${index}`);
    await Promise.all(ids.map((id, index) => (index % 2 ? one : two).accept("p", `i${index % 3}`, mask(id))));
    await until(() => one.status.value.kind === "saved" && two.status.value.kind === "saved");
    expect(server.calls.map(({ body }) => body.id).sort()).toEqual([...ids].sort());
    expect(await new EntryStore(name).all()).toEqual([]);
  });
});
