/** The canvas: feeds the stage from the editor's signals and the tools from the pointer. */
import { effect, useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { brushCentre } from "../../core/brush";
import type { Point, Size } from "../../core/geometry";
import { toImage } from "../../core/viewport";
import type { Brush } from "../../render/interaction";
import { Stage } from "../../render/stage";
import { brushTool, eraserTool } from "../../tools/brush";
import { boxTool, clickTool } from "../../tools/click";
import { panTool } from "../../tools/pan";
import { selectTool } from "../../tools/select";
import { isBrush, type Pointer, type Tool, type ToolEvent, type ToolName } from "../../tools/tool";
import { theme } from "../../ui/theme";
import type { Editor } from "./editor";
import { measureAnswer } from "./timing";

/** A second press this soon and this near belongs to a double click. */
const DOUBLE_MS = 350;
const DOUBLE_REACH = 5;
const WHEEL = 0.0015;
const PINCH = 0.01;
const LINE_HEIGHT = 16;

const TOOLS = { select: selectTool, click: clickTool, box: boxTool, brush: brushTool, eraser: eraserTool };

/** Runs the machines: one per tool, and pan over all of them. */
class ToolRunner {
  private name: ToolName = "click";
  private state: unknown = TOOLS.click.idle;
  private pan = panTool.idle;
  private panning = false;

  constructor(private readonly editor: Editor) {}

  /** `hand`: Space or the middle button move the picture, whatever the tool. `time`: of the event, for measuring. */
  feed(event: ToolEvent, hand: boolean, time = performance.now()): void {
    const { editor } = this;
    const size: Size = editor.picture.peek()?.size ?? [1, 1];
    if (event.kind === "down") this.panning = hand;
    if (this.panning || (hand && event.kind === "move")) {
      const [next, acts] = panTool.step(this.pan, event, size);
      this.pan = next;
      if (event.kind === "up" || event.kind === "cancel") this.panning = false;
      for (const act of acts) editor.act(act, time);
      return;
    }
    const tool = this.tool(editor.tool.peek());
    const [next, acts] = tool.step(this.state, event, size);
    this.state = next;
    for (const act of acts) editor.act(act, time);
  }

  /** A tool that is taken up begins anew, also when another one was put down in the middle of a press. */
  private tool(name: ToolName): Tool<unknown> {
    const tool = TOOLS[name] as Tool<unknown>;
    if (name !== this.name) this.state = tool.idle;
    this.name = name;
    return tool;
  }
}

export function Canvas({ editor, hand }: { editor: Editor; hand: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  const surface = useRef<HTMLDivElement>(null);
  const pointer = useSignal<Point | null>(null);
  const painter = useSignal("");
  const subtracts = useSignal(false);
  const holding = useRef(hand);
  holding.current = hand;
  const viewport = useComputed(() => {
    const { scale, left, top } = editor.view.value;
    return JSON.stringify({ scale, x: left, y: top });
  });

  useEffect(() => {
    if (!host.current) return undefined;
    const stage = new Stage(host.current, (size) => editor.sight.resize(size));
    painter.value = stage.painter;
    const stops = feedStage(stage, editor, { pointer, subtracts });
    return () => {
      for (const stop of stops) stop();
      stage.dispose();
    };
  }, [editor, pointer, subtracts, painter]);

  useEffect(
    () => (surface.current ? listen(surface.current, editor, { pointer, subtracts, holding }) : undefined),
    [editor, pointer, subtracts],
  );

  const cursor = hand ? "hand" : cursorOf(editor.tool.value, subtracts.value);
  return (
    <div
      class={`editor-canvas cursor-${cursor}`}
      ref={surface}
      data-testid="canvas"
      data-viewport={viewport.value}
      data-painter={painter.value}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an application is interactive, and keys must reach it.
      tabIndex={0}
      role="application"
      aria-label="Image. Click to make a mask."
    >
      <div class="editor-layers" ref={host} />
    </div>
  );
}

function cursorOf(tool: ToolName, subtracts: boolean): string {
  if (tool === "select") return "arrow";
  return isBrush(tool) ? "brush" : subtracts ? "subtract" : "add";
}

interface Hover {
  value: Point | null;
}

/** One effect per layer, so that a moving pointer redraws only its own. */
function feedStage(stage: Stage, editor: Editor, { pointer, subtracts }: Omit<Held, "holding">): (() => void)[] {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  return [
    effect(() => {
      const picture = editor.picture.value;
      stage.setPicture(picture?.source ?? null, picture?.size ?? [1, 1]);
      stage.setMasks(picture ? editor.shownMasks.peek() : [], still.matches);
      stage.setDraft(picture ? editor.shownDraft.peek() : null);
    }),
    effect(() => stage.setMasks(editor.picture.value ? editor.shownMasks.value : [], still.matches)),
    effect(() => stage.setDraft(editor.shownDraft.value)),
    effect(() => stage.setView(editor.view.value)),
    effect(() => {
      const answer = editor.prompting.answered.value;
      if (answer) stage.afterDraw(() => measureAnswer(answer));
    }),
    effect(() =>
      stage.setInteraction({
        prompts: editor.prompting.draft.value?.steps.at(-1)?.prompts ?? [],
        band: editor.band.value,
        // Only until there is something to look at.
        crosshair: editor.tool.value === "box" && !editor.band.value && !editor.hasDraft.value ? pointer.value : null,
        brush: brushToShow(editor, pointer.value, subtracts.value),
      }),
    ),
    effect(() => {
      if (!theme.value) return;
      const style = getComputedStyle(document.documentElement);
      const token = (name: string) => style.getPropertyValue(name).trim();
      stage.setColours({ positive: "#1f9d55", negative: "#d64545", accent: token("--accent") });
    }),
  ];
}

/** The brush under the pointer, where it would paint. */
function brushToShow({ tool, painting, picture, view }: Editor, pointer: Point | null, swapped: boolean): Brush | null {
  const size = picture.value?.size;
  if (!isBrush(tool.value) || !pointer || !size) return null;
  const diameter = painting.diameter(size);
  const centre = brushCentre(toImage(view.value, pointer), diameter);
  return { centre, diameter, sets: (tool.value === "brush") !== swapped };
}

interface Held {
  pointer: Hover;
  subtracts: { value: boolean };
  holding: { current: boolean };
}

/** Pointer, wheel and touch of the canvas; returns the way to stop. */
function listen(surface: HTMLElement, editor: Editor, { pointer, subtracts, holding }: Held): () => void {
  const runner = new ToolRunner(editor);
  let last: { time: number; at: Point } | null = null;
  const place = (event: MouseEvent): Pointer => {
    const bounds = surface.getBoundingClientRect();
    const canvas = { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
    return { canvas, image: toImage(editor.view.peek(), canvas) };
  };
  const hand = (event: PointerEvent) => holding.current || event.button === 1 || (event.buttons & 4) !== 0;

  const down = (event: PointerEvent) => {
    if (event.button > 2 || !editor.picture.peek()) return;
    surface.setPointerCapture(event.pointerId);
    const at = place(event);
    const double = last && event.timeStamp - last.time < DOUBLE_MS && near(last.at, at.canvas);
    last = { time: event.timeStamp, at: at.canvas };
    if (double && event.button === 0 && !isBrush(editor.tool.peek())) {
      editor.sight.fit();
      return;
    }
    runner.feed(
      { kind: "down", at, button: event.button === 2 ? "right" : "left", shift: event.shiftKey },
      hand(event),
    );
  };
  const move = (event: PointerEvent) => {
    const at = place(event);
    pointer.value = at.canvas;
    subtracts.value = event.shiftKey || (event.buttons & 2) !== 0;
    runner.feed({ kind: "move", at }, hand(event));
  };
  const up = (event: PointerEvent) => runner.feed({ kind: "up", at: place(event) }, false, event.timeStamp);
  const leave = () => {
    pointer.value = null;
    runner.feed({ kind: "leave" }, false);
  };
  const cancel = () => runner.feed({ kind: "cancel" }, false);
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_HEIGHT : 1;
    editor.sight.zoom(place(event).canvas, Math.exp(-event.deltaY * lines * (event.ctrlKey ? PINCH : WHEEL)));
  };
  const menu = (event: Event) => event.preventDefault();
  // A pressed canvas has the focus without a ring, also when keys follow; one that Tab went to shows it.
  const pressed = () => surface.classList.add("pressed");
  const blur = () => surface.classList.remove("pressed");

  const controller = new AbortController();
  const { signal } = controller;
  surface.addEventListener("pointerdown", down, { signal });
  surface.addEventListener("pointermove", move, { signal });
  surface.addEventListener("pointerup", up, { signal });
  surface.addEventListener("pointerleave", leave, { signal });
  surface.addEventListener("pointercancel", cancel, { signal });
  surface.addEventListener("mousedown", pressed, { signal });
  surface.addEventListener("blur", blur, { signal });
  surface.addEventListener("wheel", wheel, { signal, passive: false });
  surface.addEventListener("contextmenu", menu, { signal });
  return () => controller.abort();
}

function near(one: Point, other: Point): boolean {
  return Math.abs(one.x - other.x) <= DOUBLE_REACH && Math.abs(one.y - other.y) <= DOUBLE_REACH;
}
