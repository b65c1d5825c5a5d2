import { describe, expect, it } from "vitest";
import { at, keptNumber, type NumberEntry, put, SECTIONS, shownNumber, wrongEntries } from "./policy-form";

const NUMBERS = SECTIONS.flatMap(({ entries }) => entries).filter((entry) => entry.kind === "number");

const POLICY = {
  trigger: { every_masks: null, schedule_hours: null },
  training: { mode: "auto", minutes: 5, human_weight: 10, sources: "all", include_older: true, held_out_share: 0.2 },
  gates: { held_out_images: 50, points: 0.5, clicks: 1, slice_points: 2, mask_count: 0.3 },
  promotion: "manual",
  proposals: { by_itself: true, points_per_side: null, min_box_score: 0.3 },
  stages: {
    advance: "manual",
    assisted_manual: { masks: 500, rounds: 1, acceptance: null, audit: null },
    semi_automatic: { masks: 1500, rounds: 1, acceptance: 0.9, audit: 0.94 },
  },
};

describe("paths", () => {
  it("read and write without touching what lies beside", () => {
    expect(at(POLICY, "stages.semi_automatic.audit")).toBe(0.94);
    expect(at(POLICY, "nowhere.at.all")).toBeUndefined();
    const changed = put(POLICY, "gates.points", 0.2);
    expect([at(changed, "gates.points"), at(POLICY, "gates.points")]).toEqual([0.2, 0.5]);
    expect(changed.stages).toBe(POLICY.stages);
  });

  it("name a field of the policy each, none twice", () => {
    const paths = SECTIONS.flatMap(({ entries }) => entries.map(({ path }) => path));
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths.filter((path) => at(POLICY, path) === undefined)).toEqual([]);
  });
});

describe("numbers", () => {
  it("come back as they were, shares through percent", () => {
    for (const entry of NUMBERS) {
      const value = at(POLICY, entry.path) as number | null;
      expect(keptNumber(entry, shownNumber(entry, value))).toBe(value);
    }
    const share = NUMBERS.find(({ path }) => path === "stages.semi_automatic.audit") as NumberEntry;
    expect(shownNumber(share, 0.94)).toBe(94);
    expect(keptNumber(share, 97.5)).toBe(0.975);
  });

  it("are refused when they are missing, out of bounds or broken", () => {
    const whole: NumberEntry = { kind: "number", path: "x", label: "x", least: 1, most: 9, step: 1 };
    expect([null, 0, 10, 2.5].map((value) => keptNumber(whole, value))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(keptNumber({ ...whole, optional: true }, null)).toBeNull();
    expect(wrongEntries(POLICY)).toEqual([]);
    expect(wrongEntries(put(POLICY, "training.minutes", 0))).toEqual(["Minutes"]);
  });
});
