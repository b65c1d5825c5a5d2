import { describe, expect, it } from "vitest";
import { paths, routeOf } from "./router";

describe("routeOf", () => {
  it("reads every address that paths writes", () => {
    expect(routeOf(paths.projects())).toEqual({ page: "projects" });
    expect(routeOf(paths.project("a b/ü"))).toEqual({ page: "project", projectId: "a b/ü" });
    expect(routeOf(paths.editor("p", "i"))).toEqual({ page: "editor", projectId: "p", imageId: "i" });
  });

  it("knows nothing else", () => {
    for (const path of ["/projects", "/projects/p/images", "/projects/p/images/i/x", "/admin", "/projects/%zz/q"]) {
      expect(routeOf(path)).toEqual({ page: "unknown" });
    }
    expect(routeOf("/projects/%zz")).toEqual({ page: "project", projectId: "%zz" });
  });
});
