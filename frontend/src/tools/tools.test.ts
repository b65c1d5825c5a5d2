import { describe, expect, it } from "vitest";
import type { Size } from "../core/geometry";
import { boxTool, clickTool } from "./click";
import { panTool } from "./pan";
import { selectTool } from "./select";
import type { Act, Pointer, Tool, ToolEvent } from "./tool";

const size: Size = [100, 200];
const at = (x: number, y: number): Pointer => ({ image: { x: x / 2, y: y / 2 }, canvas: { x, y } });
const down = (x: number, y: number, button: "left" | "right" = "left", shift = false): ToolEvent => ({
  kind: "down",
  at: at(x, y),
  button,
  shift,
});
const move = (x: number, y: number): ToolEvent => ({ kind: "move", at: at(x, y) });
const up = (x: number, y: number): ToolEvent => ({ kind: "up", at: at(x, y) });
const leave: ToolEvent = { kind: "leave" };
const cancel: ToolEvent = { kind: "cancel" };

function play<State>(tool: Tool<State>, ...events: ToolEvent[]): Act[] {
  let state = tool.idle;
  const acts: Act[] = [];
  for (const event of events) {
    const [next, more] = tool.step(state, event, size);
    state = next;
    acts.push(...more);
  }
  return acts;
}

describe("click", () => {
  it("adds with the left button, where it was pressed", () => {
    expect(play(clickTool, down(20, 30), move(22, 31), up(23, 31))).toEqual([
      { kind: "click", point: { x: 10, y: 15 }, label: 1 },
    ]);
  });

  it.each([down(20, 30, "right"), down(20, 30, "left", true)])("subtracts with the right button or Shift", (press) => {
    expect(play(clickTool, press, up(20, 30))).toEqual([{ kind: "click", point: { x: 10, y: 15 }, label: 0 }]);
  });

  it("makes a box of a drag, from any corner, cut to the picture", () => {
    const acts = play(clickTool, down(60, 80), move(40, 50), move(-40, 20), up(-40, 20));
    expect(acts.filter((act) => act.kind === "band")).toHaveLength(2);
    expect(acts.at(-2)).toEqual({ kind: "no-band" });
    expect(acts.at(-1)).toEqual({ kind: "box", corners: { x0: 0, y0: 10, x1: 30, y1: 40 } });
  });

  it("makes nothing of a drag that leaves no area", () => {
    const acts = play(clickTool, down(-60, -80), move(-40, -50), up(-40, -50));
    expect(acts.some((act) => act.kind === "box" || act.kind === "click")).toBe(false);
  });

  it("previews inside the picture only, and not while pressed", () => {
    expect(play(clickTool, move(20, 20), move(20, 300), leave)).toEqual([
      { kind: "hover", point: { x: 10, y: 10 } },
      { kind: "hover", point: null },
      { kind: "hover", point: null },
    ]);
    expect(play(clickTool, down(20, 20), move(21, 20), leave)).toEqual([]);
  });

  it("ignores presses outside the picture", () => {
    expect(play(clickTool, down(20, 300), up(20, 300), down(20, 300, "right"), up(20, 300))).toEqual([]);
  });

  it("forgets a cancelled drag", () => {
    const acts = play(clickTool, down(10, 10), move(50, 50), cancel, up(60, 60));
    expect(acts.some((act) => act.kind === "box" || act.kind === "click")).toBe(false);
    expect(acts).toContainEqual({ kind: "no-band" });
  });
});

describe("box", () => {
  it("takes drags, and right clicks to subtract, but no left clicks and no previews", () => {
    expect(play(boxTool, down(20, 20), move(60, 60), up(60, 60)).at(-1)).toEqual({
      kind: "box",
      corners: { x0: 10, y0: 10, x1: 30, y1: 30 },
    });
    expect(play(boxTool, down(20, 20), up(20, 20))).toEqual([]);
    expect(play(boxTool, down(20, 20, "right"), up(20, 20))).toEqual([
      { kind: "click", point: { x: 10, y: 10 }, label: 0 },
    ]);
    expect(play(boxTool, move(20, 20))).toEqual([{ kind: "hover", point: null }]);
  });
});

describe("select", () => {
  it("picks with a click", () => {
    expect(play(selectTool, down(20, 20), up(21, 20))).toEqual([{ kind: "select", point: { x: 10, y: 10 } }]);
  });

  it("moves the picture with a drag, without a jump at its start", () => {
    const acts = play(selectTool, down(20, 20), move(30, 20), move(30, 25), up(30, 25));
    expect(acts).toEqual([
      { kind: "pan", dx: 10, dy: 0 },
      { kind: "pan", dx: 0, dy: 5 },
    ]);
  });
});

describe("pan", () => {
  it("follows the pressed pointer also outside the canvas, until it is released", () => {
    expect(play(panTool, move(5, 5), down(10, 10), move(12, 9), leave, move(20, 9), up(20, 9), move(90, 90))).toEqual([
      { kind: "pan", dx: 2, dy: -1 },
      { kind: "pan", dx: 8, dy: 0 },
    ]);
  });
});
