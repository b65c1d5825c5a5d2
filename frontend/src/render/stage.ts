/** The canvas: three layers over each other, drawn on the next frame and only if something changed. */
import type { Size } from "../core/geometry";
import type { Viewport } from "../core/viewport";
import { NoGraphics } from "./gl";
import { ImageLayer } from "./image";
import { type Interaction, InteractionLayer, type MarkColours } from "./interaction";
import type { Draft, MaskPainter, Screen, ShownMask } from "./layers";
import { WebglMasks } from "./masks";
import { PlainMasks } from "./masks2d";

const MARCH_MS = 90;
const MARCH_STEP = 0.08;

/** Frames longer than this, so many in a row, mean that this machine paints masks too slowly to follow every move. */
const SLOW_MS = 45;
const SLOW_FRAMES = 2;
/** The view counts as still when it has not changed for so long. */
const REST_MS = 90;

type Layer = "image" | "masks" | "interaction";

export class Stage {
  private readonly canvases: Record<Layer, HTMLCanvasElement>;
  private readonly image: ImageLayer;
  private readonly masks: MaskPainter;
  private readonly interaction: InteractionLayer;
  private readonly dirty = new Set<Layer>();
  private readonly observer: ResizeObserver;
  private screen: Screen = { size: [1, 1], ratio: 1 };
  private view: Viewport = { scale: 1, left: 0, top: 0 };
  private acting: Interaction = { prompts: [], band: null, crosshair: null, brush: null };
  private colours: MarkColours = { positive: "green", negative: "red", accent: "blue" };
  private readonly waiting: (() => void)[] = [];
  private frame = 0;
  private march = 0;
  /** The view for which the masks were painted last; until they are painted again the browser moves and scales them. */
  private painted: Viewport | null = null;
  private resting: ReturnType<typeof setTimeout> | undefined;
  private slowFrames = 0;
  private marching: ReturnType<typeof setInterval> | undefined;

  /** `resized` hears the size of the canvas in CSS pixels, at first and whenever it changes. */
  constructor(
    private readonly host: HTMLElement,
    private readonly resized: (size: Size) => void,
  ) {
    this.canvases = { image: canvasIn(host), masks: canvasIn(host), interaction: canvasIn(host) };
    this.image = new ImageLayer(this.canvases.image);
    this.masks = this.makePainter();
    this.interaction = new InteractionLayer(this.canvases.interaction);
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(host);
    this.measure();
  }

  get painter(): MaskPainter["kind"] {
    return this.masks.kind;
  }

  setPicture(picture: CanvasImageSource | null, size: Size): void {
    this.image.setPicture(picture, size);
    this.masks.setPicture(size);
    this.touch("image", "masks");
  }

  setMasks(masks: readonly ShownMask[], still: boolean): void {
    this.masks.setMasks(masks);
    this.touch("masks");
    const marches = !still && masks.some((mask) => mask.selected);
    if (marches === (this.marching !== undefined)) return;
    clearInterval(this.marching);
    this.marching = marches ? setInterval(() => this.advance(), MARCH_MS) : undefined;
  }

  setDraft(draft: Draft | null): void {
    this.masks.setDraft(draft);
    this.touch("masks");
  }

  setInteraction(acting: Interaction): void {
    this.acting = acting;
    this.touch("interaction");
  }

  setColours(colours: MarkColours): void {
    this.colours = colours;
    this.touch("interaction");
  }

  /** Calls back when the next frame has been drawn and handed to the browser. */
  afterDraw(drawn: () => void): void {
    this.waiting.push(drawn);
    this.touch();
  }

  setView(view: Viewport): void {
    this.view = view;
    if (this.slowFrames < SLOW_FRAMES || !this.painted) {
      this.touch("image", "masks", "interaction");
      this.timeFrame();
      return;
    }
    this.touch("image", "interaction");
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.touch("masks"), REST_MS);
  }

  dispose(): void {
    clearInterval(this.marching);
    clearTimeout(this.resting);
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.masks.dispose();
    this.host.replaceChildren();
  }

  private makePainter(): MaskPainter {
    try {
      return new WebglMasks(this.canvases.masks, () => this.touch("masks"));
    } catch (error) {
      if (!(error instanceof NoGraphics)) throw error;
      console.warn(`Masks are drawn without WebGL2: ${error.message}`);
      const plain = document.createElement("canvas");
      this.canvases.masks.replaceWith(plain);
      this.canvases.masks = plain;
      return new PlainMasks(plain);
    }
  }

  private advance(): void {
    if (this.slowFrames >= SLOW_FRAMES) return;
    this.timeFrame();
    this.march = (this.march + MARCH_STEP) % 1;
    this.touch("masks");
  }

  /** How long the browser takes for the frame that follows a change of the view. */
  private timeFrame(): void {
    const began = performance.now();
    requestAnimationFrame(() =>
      requestAnimationFrame((now) => {
        this.slowFrames = now - began > SLOW_MS ? this.slowFrames + 1 : 0;
      }),
    );
  }

  private measure(): void {
    const { clientWidth, clientHeight } = this.host;
    const ratio = globalThis.devicePixelRatio || 1;
    const size: Size = [Math.max(1, clientHeight), Math.max(1, clientWidth)];
    for (const canvas of Object.values(this.canvases)) {
      canvas.width = Math.max(1, Math.round(size[1] * ratio));
      canvas.height = Math.max(1, Math.round(size[0] * ratio));
    }
    this.screen = { size, ratio };
    this.painted = null;
    this.touch("image", "masks", "interaction");
    this.resized(size);
  }

  private touch(...layers: Layer[]): void {
    for (const layer of layers) this.dirty.add(layer);
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.frame = 0;
    if ((globalThis.devicePixelRatio || 1) !== this.screen.ratio) this.measure();
    const { view, screen, dirty } = this;
    if (dirty.has("image")) this.image.draw(view, screen);
    if (dirty.has("masks")) {
      this.masks.draw(view, screen, this.marching === undefined ? null : this.march);
      this.painted = view;
    }
    this.canvases.masks.style.transform = moved(this.painted, view);
    if (dirty.has("interaction")) this.interaction.draw(this.acting, view, screen, this.colours);
    dirty.clear();
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const drawn = this.waiting.splice(0);
    if (drawn.length === 0) return;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      for (const call of drawn) call();
    };
    port2.postMessage(null);
  }
}

function canvasIn(host: HTMLElement): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  host.append(canvas);
  return canvas;
}

/** The CSS transform that brings what was painted for one view to where another has it. */
function moved(from: Viewport | null, to: Viewport): string {
  if (!from || from === to) return "";
  const factor = to.scale / from.scale;
  const [dx, dy] = [to.left - from.left * factor, to.top - from.top * factor];
  return `translate(${dx}px, ${dy}px) scale(${factor})`;
}
