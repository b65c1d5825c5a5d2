/** Tools are small state machines: events of the pointer in, acts on the prompt, the selection or the view out. */
import type { Corners, Point, Size } from "../core/geometry";

export type ToolName = "select" | "click" | "box" | "brush" | "eraser";

/** Whether a tool changes pixels. */
export function isBrush(tool: ToolName): boolean {
  return tool === "brush" || tool === "eraser";
}

/** One pointer in both frames: picture pixels and CSS pixels of the canvas. */
export interface Pointer {
  readonly image: Point;
  readonly canvas: Point;
}

export type ToolEvent =
  | { readonly kind: "down"; readonly at: Pointer; readonly button: "left" | "right"; readonly shift: boolean }
  | { readonly kind: "move"; readonly at: Pointer }
  | { readonly kind: "up"; readonly at: Pointer }
  /** The pointer left the canvas. */
  | { readonly kind: "leave" }
  /** Esc, or the browser took the pointer away: as if the button had never been pressed. */
  | { readonly kind: "cancel" };

export type Act =
  | { readonly kind: "click"; readonly point: Point; readonly label: 0 | 1 }
  | { readonly kind: "box"; readonly corners: Corners }
  | { readonly kind: "select"; readonly point: Point }
  /** Where a preview is wanted; null for none. */
  | { readonly kind: "hover"; readonly point: Point | null }
  /** A box being drawn; null when it is over. */
  | { readonly kind: "band"; readonly from: Point; readonly to: Point }
  | { readonly kind: "no-band" }
  /** The brush went straight from one place to another, setting or clearing; `begins`: of a new stroke. */
  | {
      readonly kind: "paint";
      readonly from: Point;
      readonly to: Point;
      readonly value: boolean;
      readonly begins: boolean;
    }
  /** The stroke is over. */
  | { readonly kind: "painted" }
  /** The stroke is to be as if it had never begun. */
  | { readonly kind: "unpaint" }
  | { readonly kind: "pan"; readonly dx: number; readonly dy: number };

export interface Tool<State> {
  readonly idle: State;
  step(state: State, event: ToolEvent, size: Size): readonly [State, readonly Act[]];
}

/** Canvas pixels that a pressed pointer may tremble before it counts as a drag. */
export const TREMBLE = 4;
