/** The canvas of an audit: the picture, the mask, and a brush that changes exactly the pixels under it. */
import { effect, signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { brushCentre } from "../../core/brush";
import type { Point, Size } from "../../core/geometry";
import { bbox } from "../../core/rle";
import { fitted, panBy, toImage, type Viewport, zoomAt } from "../../core/viewport";
import { Stage } from "../../render/stage";
import { isTyping } from "../../ui/keys";
import { maskColour } from "../../ui/palette";
import type { Correction } from "./correction";

const WHEEL = 0.0015;
const LINE_HEIGHT = 16;
const MASK = { id: "corrected", colour: maskColour(0), proposed: false, selected: true, pointed: false } as const;

/** View of the picture, kept by the page so that its buttons can fit it. */
export class PadView {
  readonly view = signal<Viewport>({ scale: 1, left: 0, top: 0 });
  readonly shown = signal(true);
  private canvas: Size = [1, 1];
  private image: Size = [1, 1];

  open(image: Size): void {
    this.image = image;
    this.fit();
  }

  resize(canvas: Size): void {
    this.canvas = canvas;
    this.fit();
  }

  fit(): void {
    this.view.value = fitted(this.image, this.canvas);
  }

  zoom(at: Point, factor: number): void {
    this.view.value = zoomAt(this.view.peek(), at, factor, this.image, this.canvas);
  }

  pan(dx: number, dy: number): void {
    this.view.value = panBy(this.view.peek(), dx, dy, this.image, this.canvas);
  }
}

interface PadProps {
  picture: ImageBitmap;
  correction: Correction;
  pad: PadView;
  /** Hears of everything that the person does, to tell work from pauses. */
  note: () => void;
}

export function Pad({ picture, correction, pad, note }: PadProps) {
  const host = useRef<HTMLDivElement>(null);
  const surface = useRef<HTMLDivElement>(null);
  const pointer = useSignal<Point | null>(null);
  const hand = useHand();

  useEffect(() => {
    if (!host.current) return undefined;
    const stage = new Stage(host.current, (size) => pad.resize(size));
    stage.setPicture(picture, correction.size);
    pad.open(correction.size);
    const stops = [
      effect(() => {
        const runs = correction.runs.value;
        const masks = pad.shown.value ? [{ ...MASK, runs, box: bbox(runs, correction.size) }] : [];
        stage.setMasks(masks, true);
      }),
      effect(() => stage.setView(pad.view.value)),
      effect(() => {
        const at = hand.value ? null : pointer.value;
        const diameter = correction.diameter.value;
        const centre = at && brushCentre(toImage(pad.view.value, at), diameter);
        const brush = centre && { centre, diameter, sets: correction.tool.value === "brush" };
        stage.setInteraction({ prompts: [], band: null, crosshair: null, brush });
      }),
    ];
    return () => {
      for (const stop of stops) stop();
      stage.dispose();
    };
  }, [picture, correction, pad, pointer, hand]);
  useEffect(
    () => (surface.current ? listen(surface.current, correction, pad, { pointer, hand, note }) : undefined),
    [correction, pad, pointer, hand, note],
  );

  return (
    <div
      ref={surface}
      class={hand.value ? "pad hand" : "pad"}
      data-testid="pad"
      data-viewport={JSON.stringify({ scale: pad.view.value.scale, x: pad.view.value.left, y: pad.view.value.top })}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an application is interactive, and keys must reach it.
      tabIndex={0}
      role="application"
      aria-label="Image with the mask. Drag to paint."
    >
      <div class="layers" ref={host} />
    </div>
  );
}

/** Whether Space is held. */
function useHand() {
  const hand = useSignal(false);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== " " || isTyping(event) || event.target instanceof HTMLButtonElement) return;
      event.preventDefault();
      hand.value = event.type === "keydown";
    };
    const release = () => {
      hand.value = false;
    };
    window.addEventListener("keydown", press);
    window.addEventListener("keyup", press);
    window.addEventListener("blur", release);
    return () => {
      window.removeEventListener("keydown", press);
      window.removeEventListener("keyup", press);
      window.removeEventListener("blur", release);
    };
  }, [hand]);
  return hand;
}

interface Held {
  pointer: { value: Point | null };
  hand: { value: boolean };
  note: () => void;
}

function listen(surface: HTMLElement, correction: Correction, pad: PadView, { pointer, hand, note }: Held): () => void {
  let drags: "draw" | "pan" | null = null;
  let other = false;
  const place = (event: MouseEvent): Point => {
    const bounds = surface.getBoundingClientRect();
    return { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
  };
  const down = (event: PointerEvent) => {
    if (event.button > 2) return;
    surface.setPointerCapture(event.pointerId);
    drags = hand.value || event.button === 1 ? "pan" : "draw";
    other = event.button === 2 || event.shiftKey;
    if (drags === "draw") correction.draw(toImage(pad.view.peek(), place(event)), other);
  };
  const move = (event: PointerEvent) => {
    note();
    const at = place(event);
    if (drags === "pan" && pointer.value) pad.pan(at.x - pointer.value.x, at.y - pointer.value.y);
    if (drags === "draw") correction.draw(toImage(pad.view.peek(), at), other);
    pointer.value = at;
  };
  const up = () => {
    drags = null;
    correction.lift();
  };
  const leave = () => {
    if (!drags) pointer.value = null;
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_HEIGHT : 1;
    pad.zoom(place(event), Math.exp(-event.deltaY * lines * WHEEL));
  };
  const menu = (event: Event) => event.preventDefault();
  const controller = new AbortController();
  const { signal } = controller;
  surface.addEventListener("pointerdown", down, { signal });
  surface.addEventListener("pointermove", move, { signal });
  surface.addEventListener("pointerup", up, { signal });
  surface.addEventListener("pointercancel", up, { signal });
  surface.addEventListener("pointerleave", leave, { signal });
  surface.addEventListener("contextmenu", menu, { signal });
  surface.addEventListener("wheel", wheel, { signal, passive: false });
  return () => controller.abort();
}
