import { describe, expect, it } from "vitest";
import { brushTool, eraserTool } from "./brush";
import type { Act, Pointer, Tool, ToolEvent } from "./tool";

const at = (x: number, y: number): Pointer => ({ image: { x, y }, canvas: { x: 2 * x, y: 2 * y } });
const down = (button: "left" | "right" = "left", shift = false): ToolEvent => ({
  kind: "down",
  at: at(3, 4),
  button,
  shift,
});
const move: ToolEvent = { kind: "move", at: at(9, 4) };
const up: ToolEvent = { kind: "up", at: at(9, 4) };

function play<State>(tool: Tool<State>, ...events: ToolEvent[]): Act[] {
  let state = tool.idle;
  const acts: Act[] = [];
  for (const event of events) {
    const [next, more] = tool.step(state, event, [100, 200]);
    state = next;
    acts.push(...more);
  }
  return acts;
}

describe("brush and eraser", () => {
  it("paint from where they were to where they are", () => {
    expect(play(brushTool, move, down(), move, up, move)).toEqual([
      { kind: "paint", from: { x: 3, y: 4 }, to: { x: 3, y: 4 }, value: true, begins: true },
      { kind: "paint", from: { x: 3, y: 4 }, to: { x: 9, y: 4 }, value: true, begins: false },
      { kind: "painted" },
    ]);
  });

  it.each([
    [brushTool, down(), true],
    [brushTool, down("right"), false],
    [brushTool, down("left", true), false],
    [eraserTool, down(), false],
    [eraserTool, down("right"), true],
  ])("swap with the right button or Shift", (tool, press, value) => {
    expect(play(tool, press)).toMatchObject([{ kind: "paint", value }]);
  });

  it("go on outside of the canvas and take a broken stroke back", () => {
    const acts = play(brushTool, down(), { kind: "leave" }, move, { kind: "cancel" }, up);
    expect(acts.map(({ kind }) => kind)).toEqual(["paint", "paint", "unpaint"]);
  });
});
