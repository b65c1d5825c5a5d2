/** Brush and eraser: a press paints until it is let go; the right button or Shift does the other one's work. */
import type { Point } from "../core/geometry";
import type { Act, Tool } from "./tool";

export type BrushState =
  | { readonly kind: "idle" }
  | { readonly kind: "painting"; readonly last: Point; readonly value: boolean };

const IDLE: BrushState = { kind: "idle" };

function machine(sets: boolean): Tool<BrushState> {
  return {
    idle: IDLE,
    step(state, event) {
      switch (event.kind) {
        case "down": {
          const value = sets !== (event.button === "right" || event.shift);
          const { image } = event.at;
          return [{ kind: "painting", last: image, value }, [paint(image, image, value, true)]];
        }
        case "move":
          if (state.kind === "idle") return [state, []];
          return [{ ...state, last: event.at.image }, [paint(state.last, event.at.image, state.value, false)]];
        case "up":
          return [IDLE, state.kind === "painting" ? [{ kind: "painted" }] : []];
        case "leave":
          return [state, []];
        case "cancel":
          return [IDLE, state.kind === "painting" ? [{ kind: "unpaint" }] : []];
      }
    },
  };
}

function paint(from: Point, to: Point, value: boolean, begins: boolean): Act {
  return { kind: "paint", from, to, value, begins };
}

export const brushTool = machine(true);
export const eraserTool = machine(false);
