import { describe, expect, it } from "vitest";
import { paths, routeOf } from "./router";

describe("routeOf", () => {
  it("reads every address that paths writes", () => {
    expect(routeOf(paths.projects())).toEqual({ page: "projects" });
    expect(routeOf(paths.project("a b/ü"))).toEqual({ page: "project", projectId: "a b/ü" });
    expect(routeOf(paths.editor("p", "i"))).toEqual({ page: "editor", projectId: "p", imageId: "i" });
    expect(routeOf(paths.rounds("p"))).toEqual({ page: "rounds", projectId: "p", number: undefined });
    expect(routeOf(paths.rounds("p", 12))).toEqual({ page: "rounds", projectId: "p", number: 12 });
    expect(routeOf(paths.automatic("p/q"))).toEqual({ page: "automatic", projectId: "p/q" });
    expect(routeOf(paths.quality("p"))).toEqual({ page: "quality", projectId: "p" });
    expect(routeOf(paths.audit("p", "a"))).toEqual({ page: "audit", projectId: "p", auditId: "a" });
    expect(routeOf(paths.rate("p", "t"))).toEqual({ page: "rate", projectId: "p", taskId: "t" });
  });

  it("knows nothing else", () => {
    for (const path of [
      "/projects",
      "/projects/p/images",
      "/projects/p/images/i/x",
      "/admin",
      "/projects/%zz/q",
      "/projects/p/rounds/0",
    ]) {
      expect(routeOf(path)).toEqual({ page: "unknown" });
    }
    expect(routeOf("/projects/%zz")).toEqual({ page: "project", projectId: "%zz" });
  });
});
