/** Pan: with Space or the middle button, whatever the tool; every move of the pressed pointer moves the picture. */
import type { Pointer, Tool } from "./tool";

/** Where the pointer was last while it is pressed. */
export type PanState = Pointer | null;

export const panTool: Tool<PanState> = {
  idle: null,
  step(last, event) {
    switch (event.kind) {
      case "down":
        return [event.at, []];
      case "move": {
        if (!last) return [null, []];
        const { x, y } = event.at.canvas;
        return [event.at, [{ kind: "pan", dx: x - last.canvas.x, dy: y - last.canvas.y }]];
      }
      case "leave":
        return [last, []];
      default:
        return [null, []];
    }
  },
};
