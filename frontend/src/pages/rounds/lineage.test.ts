import { describe, expect, it } from "vitest";
import { ancestorsOf, historyOf, type MovePart, served } from "./lineage";

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

function round(number: number, base: string | null, candidate: string | null) {
  return {
    id: `r${number}`,
    number,
    base_version: base ? { id: base } : null,
    candidate_version: candidate ? { id: candidate } : null,
    started_at: at(10 * number),
  };
}

function move(id: string, minute: number, from: string | null, to: string, part: Partial<MovePart> = {}): MovePart {
  return {
    id,
    kind: "promotion",
    round_id: null,
    from_version_id: from,
    to_version_id: to,
    created_at: at(minute),
    ...part,
  };
}

const ROUNDS = [round(1, "start", "one"), round(2, "one", "two"), round(3, "one", "three"), round(4, "three", null)];
const MOVES = [
  move("first", 0, null, "start", { kind: "manual" }),
  move("m1", 15, "start", "one", { round_id: "r1" }),
  move("m3", 35, "one", "three", { round_id: "r3", kind: "override" }),
  move("back", 45, "three", "one", { kind: "rollback" }),
];

describe("historyOf", () => {
  it("puts a promotion with its round and other moves where they happened, newest first", () => {
    const rows = historyOf(ROUNDS, MOVES);
    expect(rows.map(({ key }) => key)).toEqual(["back", "r4", "r3", "r2", "r1", "first"]);
    expect(rows.map(({ rail }) => rail)).toEqual(["active", "side", "past", "side", "past", "past"]);
    expect(rows.map(({ move }) => move?.id)).toEqual(["back", undefined, "m3", undefined, "m1", "first"]);
  });

  it("shows a second promotion of one round by itself", () => {
    const again = [...MOVES, move("again", 60, "one", "three", { round_id: "r3", kind: "override" })];
    const rows = historyOf(ROUNDS, again);
    expect(rows.filter(({ move: shown }) => shown?.round_id === "r3").map(({ key }) => key)).toEqual(["again", "r3"]);
    expect(rows[0]?.rail).toBe("active");
    expect(rows.filter(({ rail }) => rail === "active")).toHaveLength(1);
  });

  it("has every round and every move exactly once, in whatever order they come", () => {
    const rows = historyOf([...ROUNDS].reverse(), [...MOVES].reverse());
    expect(rows).toEqual(historyOf(ROUNDS, MOVES));
    expect(rows.filter((row) => row.move)).toHaveLength(MOVES.length);
    expect(historyOf([], [])).toEqual([]);
  });
});

describe("ancestorsOf and served", () => {
  it("follows the bases and survives a circle", () => {
    expect(ancestorsOf("three", ROUNDS)).toEqual(["one", "start"]);
    expect(ancestorsOf("start", ROUNDS)).toEqual([]);
    expect(ancestorsOf("a", [round(1, "b", "a"), round(2, "a", "b")])).toEqual(["b"]);
  });

  it("offers for a rollback what served before, the last first", () => {
    expect(served(MOVES, "one")).toEqual(["three", "start"]);
    expect(served([], "one")).toEqual([]);
  });
});
