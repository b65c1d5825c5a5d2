import { expect, it } from "vitest";
import { isMoving, isUnfinished, startsWords, versionName } from "./words";

it("says when rounds start and who promotes", () => {
  const words = (every_masks: number | null, schedule_hours: number | null, promotion = "manual") =>
    startsWords({ trigger: { every_masks, schedule_hours }, promotion });
  expect(words(null, null)).toBe("Rounds start by hand; somebody promotes.");
  expect(words(200, 24, "automatic")).toBe(
    "Rounds also start by themselves after 200 new masks or 24 hours after the last one; " +
      "a candidate that passes serves at once.",
  );
});

it("knows what goes on by itself, and what a new round has to wait for", () => {
  const states = ["frozen", "training", "trained", "evaluating", "judged", "promoted", "failed"];
  expect(states.filter(isMoving)).toEqual(["frozen", "training", "evaluating"]);
  expect(states.filter(isUnfinished)).toEqual(["frozen", "training", "trained", "evaluating"]);
});

it("names versions", () => {
  expect([versionName({ name: "starter", version: "1.2" }), versionName(null)]).toEqual(["starter 1.2", "none"]);
});
