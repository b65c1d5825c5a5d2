/** Select: a click picks the mask under the pointer, a drag moves the picture. */
import { distance } from "../core/geometry";
import { type Pointer, type Tool, TREMBLE } from "./tool";

export type SelectState =
  | { readonly kind: "idle" }
  | { readonly kind: "pressed"; readonly from: Pointer }
  | { readonly kind: "panning"; readonly last: Pointer };

export const selectTool: Tool<SelectState> = {
  idle: { kind: "idle" },
  step(state, event) {
    if (event.kind === "down") {
      return event.button === "left" ? [{ kind: "pressed", from: event.at }, []] : [state, []];
    }
    if (event.kind === "move" && state.kind !== "idle") {
      const last = state.kind === "pressed" ? state.from : state.last;
      if (state.kind === "pressed" && distance(last.canvas, event.at.canvas) <= TREMBLE) return [state, []];
      const { x, y } = event.at.canvas;
      return [{ kind: "panning", last: event.at }, [{ kind: "pan", dx: x - last.canvas.x, dy: y - last.canvas.y }]];
    }
    if (event.kind === "move") return [state, [{ kind: "hover", point: event.at.image }]];
    if (event.kind === "up" && state.kind === "pressed") {
      return [{ kind: "idle" }, [{ kind: "select", point: state.from.image }]];
    }
    if (event.kind === "leave" && state.kind !== "idle") return [state, []];
    return [{ kind: "idle" }, event.kind === "up" ? [] : [{ kind: "hover", point: null }]];
  },
};
