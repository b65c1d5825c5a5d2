import { expect, it } from "vitest";
import { certaintyOf, type Figure, intervalWords, valueWords } from "./figures";

const SHARE: Figure = {
  name: "Over 90 %",
  value: 0.942,
  low: 0.91,
  high: 0.9638,
  n: 120,
  unit: "share",
  paper: "94 %",
};

it("says values in their units", () => {
  const values: [number, string, string][] = [
    [0.942, "share", "94.2 %"],
    [14.26, "seconds", "14 s"],
    [0.25, "hours", "15 min"],
    [20.04, "hours", "20.0 h"],
    [7.815, "score", "7.82"],
    [1204, "count", "1,204"],
    [4.126, "count", "4.13"],
    [41.26, "count", "41.3"],
  ];
  for (const [value, unit, words] of values) expect(valueWords({ value, unit })).toBe(words);
  expect(valueWords({ value: null, unit: "share" })).toBe("–");
});

it("says how sure a value is", () => {
  expect(intervalWords(SHARE)).toBe("91.0 % to 96.4 %");
  expect(intervalWords({ low: -0.05, high: 1.3, unit: "share" })).toBe("0.0 % to 100.0 %");
  expect(intervalWords({ low: -0.5, high: 5.1, unit: "seconds" })).toBe("0 s to 5.1 s");
  expect(certaintyOf(SHARE)).toBe("95 % certain: 91.0 % to 96.4 %, from 120 observed");
  expect(certaintyOf({ ...SHARE, low: null, high: null, n: 1 })).toBe("from 1 observed; too few for an interval");
  expect(certaintyOf({ ...SHARE, value: null })).toBe("Nothing was observed yet.");
});
