import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setOrigin } from "../../data/http";
import { json, startServer, type TestServer, until } from "../../data/server.test-kit";
import { Holding } from "./holding";

const BOB = { actor_id: "bob", name: "Bob" };

let server: TestServer;
let holding: Holding;
let holder: typeof BOB | null;

beforeEach(async () => {
  holder = null;
  server = await startServer(({ method, path, body }, response) => {
    const image_id = path.split("/")[3];
    if (method === "POST" && holder && !(body as { take_over: boolean }).take_over)
      return json(response, 409, { error: "held", detail: "Bob is working on this image." });
    if (method === "POST") holder = null;
    if (method === "DELETE") return json(response, 204);
    json(response, 200, { image_id, holder, mine: holder === null, lease_expires_at: null });
  });
  setOrigin(server.url);
  holding = new Holding();
});

afterEach(async () => {
  holding.dispose();
  await server.stop();
});

const said = () => server.calls.map(({ method, path }) => `${method} ${path.replace("/api/images/", "")}`);

describe("an open image", () => {
  it("is taken, and given back when another one is opened", async () => {
    await holding.open("a");
    await holding.open("b");
    expect(holding.other.value).toBeNull();
    await until(() => said().length === 3);
    expect(said().sort()).toEqual(["DELETE a/assignment", "POST a/assignment", "POST b/assignment"]);
  });

  it("that somebody holds names that person, and is not given back by us", async () => {
    holder = BOB;
    await holding.open("a");
    expect(holding.other.value).toEqual(BOB);
    holding.release();
    expect(holding.other.value).toBeNull();
    expect(said()).toEqual(["POST a/assignment", "GET a/assignment"]);
  });

  it("is ours when the other person leaves, or when we take it over", async () => {
    holder = BOB;
    await holding.open("a");
    holder = null;
    holding.heard("other", null, "me");
    expect(holding.other.value).toEqual(BOB);
    holding.heard("a", null, "me");
    await until(() => holding.other.value === null);
    holder = BOB;
    holding.heard("a", "bob", "me");
    await until(() => holding.other.value !== null);
    await holding.takeOver();
    expect(holding.other.value).toBeNull();
  });

  it("stays quiet about our own lease and about a server that does not answer", async () => {
    await holding.open("a");
    holding.heard("a", "me", "me");
    expect(said()).toEqual(["POST a/assignment"]);
    await server.stop();
    await holding.open("b");
    expect(holding.other.value).toBeNull();
    server = await startServer(() => undefined);
  });
});
