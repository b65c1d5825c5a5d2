import { expect, it } from "vitest";
import { ago, baseName, bytes, count, left } from "./words";

it("counts", () => {
  expect(count(1, "image")).toBe("1 image");
  expect(count(1204, "image")).toBe("1,204 images");
  expect(count(0, "category", "categories")).toBe("0 categories");
});

it("measures bytes", () => {
  expect([1, 999, 1000, 1540, 999_499, 999_500, 2_690_000, 25e9, 3.2e12].map(bytes)).toEqual([
    "1 byte",
    "999 bytes",
    "1.0 kB",
    "1.5 kB",
    "999 kB",
    "1.0 MB",
    "2.7 MB",
    "25 GB",
    "3.2 TB",
  ]);
});

it("tells times", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  const before = (seconds: number) => ago(new Date(now - seconds * 1000).toISOString(), now);
  expect([2, 50, 600, 3000, 7200, 86_400, 5 * 86_400].map(before)).toEqual([
    "just now",
    "1 minute ago",
    "10 minutes ago",
    "1 hour ago",
    "2 hours ago",
    "yesterday",
    "5 days ago",
  ]);
  expect(before(60 * 86_400)).toBe("23 September 2026");
});

it("names files", () => {
  expect(baseName("a/b/c.jpg")).toBe("c.jpg");
  expect(baseName("c.jpg")).toBe("c.jpg");
});

it("estimates what is left", () => {
  expect([2, 11, 54, 60, 200, 3300, 9000].map(left)).toEqual([
    "a few seconds left",
    "about 20 seconds left",
    "about 60 seconds left",
    "about 1 minute left",
    "about 3 minutes left",
    "about 1 hour left",
    "about 3 hours left",
  ]);
});
