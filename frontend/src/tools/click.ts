/** Click: left adds, right or Shift subtracts, a drag makes a box. The box tool is the same machine that only takes boxes from the left button. */
import { cornersBetween, distance, insideImage, intoImage, rounded, type Size } from "../core/geometry";
import { type Act, type Pointer, type Tool, type ToolEvent, TREMBLE } from "./tool";

export type ClickState =
  | { readonly kind: "idle" }
  | { readonly kind: "pressed"; readonly from: Pointer; readonly label: 0 | 1; readonly left: boolean }
  | { readonly kind: "dragging"; readonly from: Pointer };

const IDLE: ClickState = { kind: "idle" };
type Outcome = readonly [ClickState, readonly Act[]];

function machine(leftClicks: boolean): Tool<ClickState> {
  return {
    idle: IDLE,
    step(state, event, size): Outcome {
      switch (event.kind) {
        case "down":
          return pressed(event, size);
        case "move":
          return moved(state, event.at, size, leftClicks);
        case "up":
          return released(state, event.at, size, leftClicks);
        case "leave":
          return state.kind === "idle" ? [state, [{ kind: "hover", point: null }]] : [state, []];
        case "cancel":
          return [IDLE, [{ kind: "no-band" }, { kind: "hover", point: null }]];
      }
    },
  };
}

export const clickTool = machine(true);
export const boxTool = machine(false);

function pressed({ at, button, shift }: ToolEvent & { kind: "down" }, size: Size): Outcome {
  if (button === "right" && !insideImage(at.image, size)) return [IDLE, []];
  return [{ kind: "pressed", from: at, label: button === "right" || shift ? 0 : 1, left: button === "left" }, []];
}

function moved(state: ClickState, at: Pointer, size: Size, leftClicks: boolean): Outcome {
  if (state.kind === "idle") {
    const point = leftClicks && insideImage(at.image, size) ? at.image : null;
    return [state, [{ kind: "hover", point }]];
  }
  const drags = state.kind === "dragging" || (state.left && distance(state.from.canvas, at.canvas) > TREMBLE);
  if (!drags) return [state, []];
  const band: Act = { kind: "band", from: intoImage(state.from.image, size), to: intoImage(at.image, size) };
  if (state.kind === "dragging") return [state, [band]];
  return [{ kind: "dragging", from: state.from }, [{ kind: "hover", point: null }, band]];
}

function released(state: ClickState, at: Pointer, size: Size, leftClicks: boolean): Outcome {
  if (state.kind === "dragging") {
    const corners = cornersBetween(state.from.image, at.image, size);
    return [IDLE, [{ kind: "no-band" }, ...(corners ? [{ kind: "box", corners } as const] : [])]];
  }
  if (state.kind === "idle" || !insideImage(state.from.image, size)) return [IDLE, []];
  if (!leftClicks && state.label === 1) return [IDLE, []];
  const { x, y } = state.from.image;
  return [IDLE, [{ kind: "click", point: intoImage({ x: rounded(x), y: rounded(y) }, size), label: state.label }]];
}
