import { describe, expect, it } from "vitest";
import { commandOf, type KeyPress } from "./shortcuts";

const press = (key: string, held: Partial<KeyPress> = {}) =>
  commandOf({ key, ctrl: false, shift: false, alt: false, ...held });

describe("keys", () => {
  it.each([
    ["Enter", {}, { kind: "accept" }],
    ["Enter", { ctrl: true }, { kind: "complete-next" }],
    ["z", { ctrl: true }, { kind: "undo" }],
    ["Z", { ctrl: true, shift: true }, { kind: "redo" }],
    ["Tab", { shift: true }, { kind: "previous-candidate" }],
    ["C", { shift: true }, { kind: "tool", tool: "click" }],
    ["7", {}, { kind: "category", position: 7 }],
    ["0", {}, { kind: "no-category" }],
    ["e", {}, { kind: "tool", tool: "eraser" }],
    ["]", {}, { kind: "larger-brush" }],
    ["s", {}, { kind: "skip" }],
  ] as const)("%s with %j", (key, held, command) => expect(press(key, held)).toEqual(command));

  it.each([
    ["s", { ctrl: true }],
    ["ArrowLeft", { alt: true }],
    ["r", { ctrl: true }],
    ["Tab", { ctrl: true }],
    ["q", {}],
  ] as const)("leaves %s with %j to the browser", (key, held) => expect(press(key, held)).toBeNull());
});
