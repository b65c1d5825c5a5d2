/** Masks by WebGL2: saved ones as cached textures at picture resolution, the draft straight from its logits. */
import type { Box, Size } from "../core/geometry";
import { decode } from "../core/rle";
import { stretchColumns, type Taps } from "../core/upsample";
import type { Viewport } from "../core/viewport";
import { NoGraphics, Program, Rectangles, Target, texture } from "./gl";
import { type Colour, type Draft, FILL, fillOf, type MaskPainter, type Screen, type ShownMask } from "./layers";
import { CONTOUR, COVERAGE, PLAIN, RECTANGLES } from "./shaders";
import { draftTiles, maskTiles } from "./tiles";

/** Free pixels around a cached mask, so that its contour closes. */
const RIM = 2;
const TAPS_WIDE = 2048;
const DASH = 9;
const STILL = -1;
/** Strength of the saved masks while one is being made. */
const BEHIND = 0.5;

/** Where to fill plainly and where to look for the contour. */
interface Areas {
  readonly inside: Rectangles;
  readonly edges: Rectangles;
}

interface CachedMask extends Areas {
  readonly runs: ShownMask["runs"];
  readonly box: Box;
  readonly texture: WebGLTexture;
}

interface Tools {
  readonly coverage: Program;
  readonly contour: Program;
  readonly plain: Program;
  readonly saved: Target;
  readonly draft: Target;
}

interface UploadedDraft extends Areas {
  readonly draft: Draft;
  readonly stretched: WebGLTexture;
}

interface UploadedTaps {
  readonly taps: Taps;
  readonly weights: WebGLTexture;
  readonly cells: WebGLTexture;
}

/** View in device pixels: scale, left, top. */
type DeviceView = readonly [scale: number, left: number, top: number];

export class WebglMasks implements MaskPainter {
  readonly kind = "webgl";
  private readonly gl: WebGL2RenderingContext;
  private tools: Tools | null;
  private size: Size = [1, 1];
  private masks: readonly ShownMask[] = [];
  private draft: Draft | null = null;
  private readonly cache = new Map<string, CachedMask>();
  private uploaded: UploadedDraft | null = null;
  private taps: UploadedTaps | null = null;
  private drawnKey = "";

  /** Throws NoGraphics when WebGL2 is not to be had. `redraw` is called when a lost context came back. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly redraw: () => void,
  ) {
    const gl = canvas.getContext("webgl2", { antialias: false, depth: false, premultipliedAlpha: true });
    if (!gl) throw new NoGraphics("This browser has no WebGL2.");
    this.gl = gl;
    this.tools = this.makeTools();
    canvas.addEventListener("webglcontextlost", this.lost);
    canvas.addEventListener("webglcontextrestored", this.restored);
  }

  setPicture(size: Size): void {
    this.size = size;
    this.setMasks([]);
    this.setDraft(null);
  }

  setMasks(masks: readonly ShownMask[]): void {
    this.masks = masks;
    this.drawnKey = "";
    const wanted = new Map(masks.map((mask) => [mask.id, mask.runs]));
    for (const [id, cached] of this.cache) {
      if (wanted.get(id) === cached.runs) continue;
      this.gl.deleteTexture(cached.texture);
      cached.inside.delete();
      cached.edges.delete();
      this.cache.delete(id);
    }
  }

  setDraft(draft: Draft | null): void {
    this.draft = draft;
  }

  draw(view: Viewport, screen: Screen, march: number | null): void {
    const { gl, tools, canvas } = this;
    if (!tools || gl.isContextLost()) return;
    const { ratio } = screen;
    const device: DeviceView = [view.scale * ratio, view.left * ratio, view.top * ratio];
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.drawSaved(tools, device, ratio, this.draft && !this.draft.preview ? BEHIND : 1);
    const draft = this.draft && this.drawCoverage(tools, this.draft, device);
    tools.saved.show();
    gl.viewport(0, 0, canvas.width, canvas.height);
    for (const mask of this.masks) if (mask.selected) this.drawMask(tools, mask, device, ratio, 1, march);
    if (this.draft && draft) this.drawDraft(tools, this.draft, draft, device, ratio);
  }

  dispose(): void {
    this.canvas.removeEventListener("webglcontextlost", this.lost);
    this.canvas.removeEventListener("webglcontextrestored", this.restored);
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  private get extent(): [number, number] {
    return [this.canvas.width, this.canvas.height];
  }

  private makeTools(): Tools {
    const { gl } = this;
    return {
      coverage: new Program(gl, RECTANGLES, COVERAGE),
      contour: new Program(gl, RECTANGLES, CONTOUR),
      plain: new Program(gl, RECTANGLES, PLAIN),
      saved: new Target(gl, "colour"),
      draft: new Target(gl, "coverage"),
    };
  }

  private readonly lost = (event: Event): void => {
    event.preventDefault();
    this.tools = null;
  };

  private readonly restored = (): void => {
    this.cache.clear();
    this.uploaded = null;
    this.taps = null;
    this.drawnKey = "";
    this.tools = this.makeTools();
    this.redraw();
  };

  /** All masks but the selected ones into one picture, which stays until the view or the masks change. */
  private drawSaved(tools: Tools, device: DeviceView, ratio: number, strength: number): void {
    const key = [...device, ...this.extent, strength].join(" ");
    if (key === this.drawnKey) return;
    this.drawnKey = key;
    tools.saved.begin(...this.extent);
    for (const mask of this.masks) if (!mask.selected) this.drawMask(tools, mask, device, ratio, strength, null);
  }

  private drawMask(
    tools: Tools,
    mask: ShownMask,
    device: DeviceView,
    ratio: number,
    strength: number,
    march: number | null,
  ): void {
    const cached = this.cached(mask);
    if (!this.inSight(cached.box, device)) return;
    const dash = mask.selected && march !== null ? [DASH, 0.5, march] : mask.proposed ? [DASH, 0.6, STILL] : [0, 1, 0];
    const fill = fillOf(mask);
    const onto = { canvas: this.extent, view: device };
    const lod = Math.max(0, Math.round(-Math.log2(device[0])));
    tools.plain.draw(cached.inside, {}, { ...onto, paint: faint(mask.colour, fill * strength) });
    tools.contour.draw(
      cached.edges,
      { coverage: cached.texture },
      { ...onto, box: cached.box, hue: mask.colour, fill, strength, ratio, lod, dash },
    );
  }

  private cached(mask: ShownMask): CachedMask {
    const kept = this.cache.get(mask.id);
    if (kept) return kept;
    const { gl } = this;
    const [x, y, width, height] = mask.box;
    const box: Box = [x - RIM, y - RIM, width + 2 * RIM, height + 2 * RIM];
    const made = texture(gl, true);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    const most = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
    const whole = decode(mask.runs, this.size, box);
    const { inside, edges } = maskTiles(whole, box, Math.max(...this.size));
    const { pixels, width: wide, height: high } = thinned(whole, box, most);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, wide, high, 0, gl.RED, gl.UNSIGNED_BYTE, pixels);
    gl.generateMipmap(gl.TEXTURE_2D);
    const areas = { inside: new Rectangles(gl, inside), edges: new Rectangles(gl, edges) };
    const cached = { runs: mask.runs, box, texture: made, ...areas };
    this.cache.set(mask.id, cached);
    return cached;
  }

  /** Paints where the draft is set, for the contour to be found in. */
  private drawCoverage(tools: Tools, draft: Draft, device: DeviceView): UploadedDraft {
    const { gl } = this;
    const uploaded = this.upload(draft);
    const { weights, cells } = this.uploadTaps(draft.plan.rows);
    const { stretched } = uploaded;
    const onto = { canvas: this.extent, view: device };
    tools.draft.begin(...this.extent);
    gl.disable(gl.BLEND);
    tools.plain.draw(uploaded.inside, {}, { ...onto, paint: [1, 1, 1, 1] });
    tools.coverage.draw(
      uploaded.edges,
      { stretched, weights, cells },
      { ...onto, size: draft.plan.size, side: draft.plan.cells },
    );
    gl.enable(gl.BLEND);
    return uploaded;
  }

  private drawDraft(tools: Tools, draft: Draft, { inside, edges }: Areas, device: DeviceView, ratio: number): void {
    const fill = draft.preview ? FILL.preview : FILL.draft;
    const onto = { canvas: this.extent, view: device };
    tools.plain.draw(inside, {}, { ...onto, paint: faint(draft.colour, fill) });
    tools.contour.draw(
      edges,
      { coverage: tools.draft.texture },
      { ...onto, box: [0, 0, 0, 0], hue: draft.colour, fill, strength: 1, ratio, lod: 0, dash: [0, 1, 0] },
    );
  }

  private upload(draft: Draft): UploadedDraft {
    if (this.uploaded?.draft === draft) return this.uploaded;
    const { gl } = this;
    const stretched = this.uploaded?.stretched ?? texture(gl);
    const { plan } = draft;
    const values = stretchColumns(draft.logits, plan);
    const width = plan.size[1];
    const rows = Math.min(width, gl.getParameter(gl.MAX_TEXTURE_SIZE) as number);
    const tiles = Math.ceil(width / rows);
    gl.bindTexture(gl.TEXTURE_2D, stretched);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, plan.cells * tiles, rows, 0, gl.RED, gl.FLOAT, null);
    for (let tile = 0; tile < tiles; tile += 1) {
      const count = Math.min(rows, width - tile * rows);
      const part = values.subarray(tile * rows * plan.cells, (tile * rows + count) * plan.cells);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, tile * plan.cells, 0, plan.cells, count, gl.RED, gl.FLOAT, part);
    }
    const areas = draftTiles(draft.logits, plan);
    const inside = this.uploaded?.inside ?? new Rectangles(gl);
    const edges = this.uploaded?.edges ?? new Rectangles(gl);
    inside.put(areas.inside);
    edges.put(areas.edges);
    this.uploaded = { draft, stretched, inside, edges };
    return this.uploaded;
  }

  private uploadTaps(taps: Taps): UploadedTaps {
    if (this.taps?.taps === taps) return this.taps;
    const { gl } = this;
    const count = taps.weight.length / 4;
    const wide = Math.min(count, TAPS_WIDE);
    const high = Math.ceil(count / wide);
    const weight = new Float32Array(wide * high * 4);
    weight.set(taps.weight);
    const index = new Int32Array(wide * high * 4);
    index.set(taps.index);
    const weights = this.taps?.weights ?? texture(gl);
    gl.bindTexture(gl.TEXTURE_2D, weights);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, wide, high, 0, gl.RGBA, gl.FLOAT, weight);
    const cells = this.taps?.cells ?? texture(gl);
    gl.bindTexture(gl.TEXTURE_2D, cells);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32I, wide, high, 0, gl.RGBA_INTEGER, gl.INT, index);
    this.taps = { taps, weights, cells };
    return this.taps;
  }

  private inSight([x, y, width, height]: Box, [scale, left, top]: DeviceView): boolean {
    const [wide, high] = this.extent;
    const [x0, y0] = [x * scale + left, y * scale + top];
    return x0 < wide && y0 < high && x0 + width * scale > 0 && y0 + height * scale > 0;
  }
}

/** A colour as the canvas holds it: multiplied by its opacity. */
function faint([red, green, blue]: Colour, fill: number): number[] {
  return [red * fill, green * fill, blue * fill, fill];
}

interface Pixels {
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Every n-th pixel of a mask that is longer than the graphics can hold (8192 pixels and more); others as they are. */
function thinned(pixels: Uint8Array, [, , width, height]: Box, most: number): Pixels {
  const every = Math.ceil(Math.max(width, height) / most);
  if (every === 1) return { pixels, width, height };
  const [wide, high] = [Math.ceil(width / every), Math.ceil(height / every)];
  const thin = new Uint8Array(wide * high);
  for (let y = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1) thin[y * wide + x] = pixels[y * every * width + x * every] as number;
  }
  return { pixels: thin, width: wide, height: high };
}
