import { describe, expect, it } from "vitest";
import { EffortClock } from "./effort";

describe("effort", () => {
  it("counts short pauses whole and long ones in part", () => {
    const clock = new EffortClock(1000);
    clock.note(3000);
    clock.note(63_000);
    expect(clock.take(64_000)).toEqual({ activeSeconds: 8, wallSeconds: 63 });
  });

  it("begins anew after each mask", () => {
    const clock = new EffortClock(0);
    clock.take(2000);
    expect(clock.take(3500)).toEqual({ activeSeconds: 1.5, wallSeconds: 1.5 });
  });
});
