/** What the person is doing: click marks, the box, the rubber band, the cross-hair. Drawn over everything. */
import type { Corners, Point } from "../core/geometry";
import type { Prompt } from "../core/prompts";
import { toCanvas, type Viewport } from "../core/viewport";
import type { Screen } from "./layers";

export interface Interaction {
  readonly prompts: readonly Prompt[];
  /** A box being drawn, in picture pixels. */
  readonly band: Corners | null;
  /** Lines through this canvas point; null for none. */
  readonly crosshair: Point | null;
  readonly brush: Brush | null;
}

/** The round brush under the pointer, in picture pixels. */
export interface Brush {
  readonly centre: Point;
  readonly diameter: number;
  /** Whether it sets pixels or clears them. */
  readonly sets: boolean;
}

export interface MarkColours {
  readonly positive: string;
  readonly negative: string;
  readonly accent: string;
}

const RADIUS = 7;
const ARM = 3.5;

export class InteractionLayer {
  private readonly context: CanvasRenderingContext2D | null;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d");
  }

  draw(
    { prompts, band, crosshair, brush }: Interaction,
    view: Viewport,
    { ratio }: Screen,
    colours: MarkColours,
  ): void {
    const { context, canvas } = this;
    if (!context) return;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const [width, height] = [canvas.width / ratio, canvas.height / ratio];
    if (crosshair) {
      line(context, { x: crosshair.x, y: 0 }, { x: crosshair.x, y: height });
      line(context, { x: 0, y: crosshair.y }, { x: width, y: crosshair.y });
    }
    if (band) box(context, band, view, colours.accent, true);
    for (const prompt of prompts) if (prompt.kind === "box") box(context, prompt, view, colours.accent, false);
    for (const prompt of prompts) {
      if (prompt.kind !== "point") continue;
      mark(context, toCanvas(view, prompt), prompt.label, prompt.label ? colours.positive : colours.negative);
    }
    if (brush) ring(context, brush, view);
  }
}

/** A ring of the brush's true size, with a plus or a minus in its middle. */
function ring(context: CanvasRenderingContext2D, { centre, diameter, sets }: Brush, view: Viewport): void {
  const { x, y } = toCanvas(view, centre);
  context.beginPath();
  context.arc(x, y, Math.max((diameter / 2) * view.scale, 1), 0, 2 * Math.PI);
  outlined(context, "#ffffff", 1);
  context.beginPath();
  context.moveTo(x - ARM, y);
  context.lineTo(x + ARM, y);
  if (sets) {
    context.moveTo(x, y - ARM);
    context.lineTo(x, y + ARM);
  }
  outlined(context, "#ffffff", 1);
}

function line(context: CanvasRenderingContext2D, from: Point, to: Point): void {
  context.beginPath();
  context.moveTo(Math.round(from.x) + 0.5, Math.round(from.y) + 0.5);
  context.lineTo(Math.round(to.x) + 0.5, Math.round(to.y) + 0.5);
  outlined(context, "#ffffffcc", 1);
}

/** A stroke with a dark line on both sides, visible on any ground. */
function outlined(context: CanvasRenderingContext2D, colour: string, width: number): void {
  context.lineWidth = width + 2;
  context.strokeStyle = "#00000066";
  context.stroke();
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.stroke();
}

function box(
  context: CanvasRenderingContext2D,
  corners: Corners,
  view: Viewport,
  colour: string,
  dashed: boolean,
): void {
  const start = toCanvas(view, { x: corners.x0, y: corners.y0 });
  const end = toCanvas(view, { x: corners.x1, y: corners.y1 });
  context.save();
  context.setLineDash(dashed ? [5, 4] : []);
  context.beginPath();
  context.rect(start.x, start.y, end.x - start.x, end.y - start.y);
  outlined(context, colour, 1.5);
  context.restore();
}

/** A disc with a plus or a minus: the sign tells, not only the colour. */
function mark(context: CanvasRenderingContext2D, { x, y }: Point, label: 0 | 1, colour: string): void {
  context.beginPath();
  context.arc(x, y, RADIUS, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = "#ffffff";
  context.stroke();
  context.beginPath();
  context.arc(x, y, RADIUS + 1.25, 0, 2 * Math.PI);
  context.lineWidth = 1;
  context.strokeStyle = "#00000080";
  context.stroke();
  context.beginPath();
  context.moveTo(x - ARM, y);
  context.lineTo(x + ARM, y);
  if (label) {
    context.moveTo(x, y - ARM);
    context.lineTo(x, y + ARM);
  }
  context.lineWidth = 2;
  context.strokeStyle = "#ffffff";
  context.stroke();
}
