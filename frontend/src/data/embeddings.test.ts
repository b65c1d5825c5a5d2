import { describe, expect, it } from "vitest";
import { ByteCache } from "./embeddings";

describe("ByteCache", () => {
  it("forgets the least recently used first and never exceeds its capacity by more than the newest", () => {
    const cache = new ByteCache(100);
    cache.set("a", new ArrayBuffer(40));
    cache.set("b", new ArrayBuffer(40));
    expect(cache.get("a")?.byteLength).toBe(40);
    cache.set("c", new ArrayBuffer(40));
    expect(cache.get("b")).toBeUndefined();
    expect(cache.get("a")).toBeDefined();
    cache.set("d", new ArrayBuffer(500));
    expect(cache.get("a")).toBeUndefined();
    expect(cache.get("d")?.byteLength).toBe(500);
  });

  it("counts a replaced buffer once", () => {
    const cache = new ByteCache(100);
    for (let turn = 0; turn < 5; turn++) cache.set("a", new ArrayBuffer(60));
    cache.set("b", new ArrayBuffer(40));
    expect(cache.get("a")).toBeDefined();
  });
});
