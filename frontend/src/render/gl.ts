/** The little of WebGL2 that the mask layer needs. */

/** Thrown when the browser's graphics cannot do what the layer needs; the plain canvas then takes over. */
export class NoGraphics extends Error {
  override name = "NoGraphics";
}

export type Uniform = number | readonly number[];

/** A program with its uniforms looked up by name. */
export class Program {
  private readonly program: WebGLProgram;
  private readonly uniforms = new Map<string, { at: WebGLUniformLocation; type: number }>();

  constructor(
    private readonly gl: WebGL2RenderingContext,
    vertex: string,
    fragment: string,
  ) {
    this.program = gl.createProgram();
    for (const [type, source] of [
      [gl.VERTEX_SHADER, vertex],
      [gl.FRAGMENT_SHADER, fragment],
    ] as const) {
      const shader = gl.createShader(type);
      if (!shader) throw new NoGraphics("The graphics context is lost.");
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    if (!gl.getProgramParameter(this.program, gl.LINK_STATUS)) {
      throw new NoGraphics(gl.getProgramInfoLog(this.program) || "A shader could not be made.");
    }
    const count = gl.getProgramParameter(this.program, gl.ACTIVE_UNIFORMS) as number;
    for (let index = 0; index < count; index += 1) {
      const info = gl.getActiveUniform(this.program, index);
      const at = info && gl.getUniformLocation(this.program, info.name);
      if (info && at) this.uniforms.set(info.name, { at, type: info.type });
    }
  }

  /** Draws rectangles with these textures (bound in order) and uniforms. */
  draw(
    rectangles: Rectangles,
    textures: Readonly<Record<string, WebGLTexture>>,
    uniforms: Readonly<Record<string, Uniform>>,
  ): void {
    if (rectangles.count === 0) return;
    const { gl } = this;
    gl.useProgram(this.program);
    Object.entries(textures).forEach(([name, texture], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      this.set(name, unit);
    });
    for (const [name, value] of Object.entries(uniforms)) this.set(name, value);
    rectangles.bind();
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, rectangles.count);
  }

  private set(name: string, value: Uniform): void {
    const { gl } = this;
    const uniform = this.uniforms.get(name);
    if (!uniform) return;
    const list = typeof value === "number" ? [value] : [...value];
    const { at, type } = uniform;
    if (type === gl.FLOAT) gl.uniform1fv(at, list);
    else if (type === gl.FLOAT_VEC2) gl.uniform2fv(at, list);
    else if (type === gl.FLOAT_VEC3) gl.uniform3fv(at, list);
    else if (type === gl.FLOAT_VEC4) gl.uniform4fv(at, list);
    else if (type === gl.INT_VEC2) gl.uniform2iv(at, list);
    else gl.uniform1iv(at, list);
  }
}

/** A texture that is read by texel; `filter` makes it smooth with smaller copies. */
export function texture(gl: WebGL2RenderingContext, smooth = false): WebGLTexture {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, smooth ? gl.LINEAR_MIPMAP_NEAREST : gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, smooth ? gl.LINEAR : gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  return made;
}

/** Rectangles in the graphics' memory, four numbers each: x0, y0, x1, y1. */
export class Rectangles {
  count = 0;
  private readonly buffer: WebGLBuffer;

  constructor(
    private readonly gl: WebGL2RenderingContext,
    values: Float32Array = new Float32Array(),
  ) {
    this.buffer = gl.createBuffer();
    this.put(values);
  }

  put(values: Float32Array): void {
    const { gl } = this;
    this.count = values.length / 4;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
  }

  bind(): void {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 4, gl.FLOAT, false, 0, 0);
    gl.vertexAttribDivisor(0, 1);
  }

  delete(): void {
    this.gl.deleteBuffer(this.buffer);
  }
}

/** A picture that can be drawn into, as large as the canvas. */
export class Target {
  readonly texture: WebGLTexture;
  private readonly frame: WebGLFramebuffer;
  private width = 0;
  private height = 0;

  constructor(
    private readonly gl: WebGL2RenderingContext,
    private readonly format: "coverage" | "colour",
  ) {
    this.texture = texture(gl);
    this.frame = gl.createFramebuffer();
  }

  /** Makes it the place of the following draws, empty and as large as given. */
  begin(width: number, height: number): void {
    const { gl } = this;
    if (width !== this.width || height !== this.height) this.resize(width, height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  /** Copies it to the canvas, replacing what was there. */
  show(): void {
    const { gl, width, height } = this;
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, this.frame);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null);
    gl.blitFramebuffer(0, 0, width, height, 0, 0, width, height, gl.COLOR_BUFFER_BIT, gl.NEAREST);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  private resize(width: number, height: number): void {
    const { gl } = this;
    [this.width, this.height] = [width, height];
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    const [inner, outer] = this.format === "coverage" ? [gl.R8, gl.RED] : [gl.RGBA8, gl.RGBA];
    gl.texImage2D(gl.TEXTURE_2D, 0, inner, width, height, 0, outer, gl.UNSIGNED_BYTE, null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.texture, 0);
  }
}
