import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, it } from "vitest";
import { setOrigin } from "../../data/http";
import { json, startServer, type TestServer, until } from "../../data/server.test-kit";
import { Workspace } from "./workspace";

let server: TestServer;
let workspace: Workspace;
let active: string;
let held: ServerResponse | null;

const project = (active_version_id: string) => ({ id: "p", name: "P", image_count: 0, active_version_id });

beforeEach(async () => {
  active = "one";
  held = null;
  server = await startServer(({ path }, response) => {
    if (path.includes("/model-versions/")) return json(response, 200, { id: path.split("/").at(-1) });
    if (path.endsWith("/categories")) return json(response, 200, { categories: [] });
    if (active === "held") held = response;
    else json(response, 200, project(active));
  });
  setOrigin(server.url);
  workspace = new Workspace("p");
  await workspace.load();
});

afterEach(async () => {
  await server.stop();
});

it("keeps its version, and knows of the one that became active", async () => {
  active = "two";
  await workspace.lookForNewer();
  expect([workspace.version.value?.id, workspace.newer.value?.id]).toEqual(["one", "two"]);
  workspace.adoptNewer();
  expect([workspace.version.value?.id, workspace.newer.value]).toEqual(["two", null]);
});

it("asks one question after the other, and of many that wait one", async () => {
  active = "held";
  const early = workspace.lookForNewer();
  await until(() => held !== null);
  active = "one";
  const later = [workspace.lookForNewer(), workspace.lookForNewer(), workspace.lookForNewer()];
  const before = server.calls.length;
  json(held as unknown as ServerResponse, 200, project("two"));
  await early;
  expect(workspace.newer.value?.id).toBe("two");
  await Promise.all(later);
  expect(workspace.newer.value).toBeNull();
  expect(server.calls.slice(before).filter(({ path }) => path === "/api/projects/p").length).toBe(1);
});

it("does not offer the version that was adopted while the answer was under way", async () => {
  active = "two";
  await workspace.lookForNewer();
  active = "held";
  const asking = workspace.lookForNewer();
  await until(() => held !== null);
  workspace.adoptNewer();
  json(held as unknown as ServerResponse, 200, project("two"));
  await asking;
  expect([workspace.version.value?.id, workspace.newer.value]).toEqual(["two", null]);
});
