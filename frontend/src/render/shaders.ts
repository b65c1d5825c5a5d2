/** Shaders of the mask layer. Positions are device pixels from the canvas's top left corner. */

/** Rectangles (x0, y0, x1, y1) of one kind of pixels, which `view` (scale, left, top) brings to the canvas. */
export const RECTANGLES = `#version 300 es
uniform vec2 canvas;
uniform vec3 view;
layout(location = 0) in vec4 rectangle;
out vec2 position;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  position = mix(rectangle.xy, rectangle.zw, corner) * view.x + view.yz;
  gl_Position = vec4(position / canvas * vec2(2, -2) + vec2(-1, 1), 0, 1);
}`;

/** One colour: where a mask has no edge near. */
export const PLAIN = `#version 300 es
precision highp float;
uniform vec4 paint;
out vec4 colour;
void main() {
  colour = paint;
}`;

/**
 * Second half of core/upsample: the picture pixel under this device pixel from the logits stretched along columns, four
 * taps down the rows, added in the same order; set where the result is above zero, exactly as it is saved.
 */
export const COVERAGE = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp isampler2D;
uniform sampler2D stretched;
uniform sampler2D weights;
uniform isampler2D cells;
uniform vec3 view;
uniform ivec2 size;
uniform int side;
in vec2 position;
out vec4 colour;
void main() {
  ivec2 pixel = ivec2(floor((position - view.yz) / view.x));
  if (any(lessThan(pixel, ivec2(0))) || any(greaterThanEqual(pixel, size.yx))) { colour = vec4(0); return; }
  int wide = textureSize(weights, 0).x;
  ivec2 place = ivec2(pixel.y, 0);
  if (pixel.y >= wide) place = ivec2(pixel.y % wide, pixel.y / wide);
  vec4 weight = texelFetch(weights, place, 0);
  ivec4 row = texelFetch(cells, place, 0);
  int rows = textureSize(stretched, 0).y;
  ivec2 column = ivec2(0, pixel.x);
  if (pixel.x >= rows) column = ivec2((pixel.x / rows) * side, pixel.x % rows);
  float logit;
  logit = weight.x * texelFetch(stretched, column + ivec2(row.x, 0), 0).r;
  logit = logit + weight.y * texelFetch(stretched, column + ivec2(row.y, 0), 0).r;
  logit = logit + weight.z * texelFetch(stretched, column + ivec2(row.z, 0), 0).r;
  logit = logit + weight.w * texelFetch(stretched, column + ivec2(row.w, 0), 0).r;
  colour = vec4(logit > 0.0 ? 1.0 : 0.0);
}`;

/**
 * Fill and contour of a mask given as coverage: either of the screen itself (box.z = 0) or of a picture box at picture
 * resolution. The contour lies just inside the edge, a thin dark line just outside it keeps it visible on any ground.
 */
export const CONTOUR = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D coverage;
uniform vec2 canvas;
uniform vec3 view;
uniform vec4 box;
uniform vec3 hue;
uniform float fill;
uniform float strength;
uniform float ratio;
uniform float lod;
uniform vec3 dash;
in vec2 position;
out vec4 colour;
const vec2 RING[8] = vec2[8](
  vec2(0.92388, 0.38268), vec2(0.38268, 0.92388), vec2(-0.38268, 0.92388), vec2(-0.92388, 0.38268),
  vec2(-0.92388, -0.38268), vec2(-0.38268, -0.92388), vec2(0.38268, -0.92388), vec2(0.92388, -0.38268));
const vec2 HALF[8] = vec2[8](
  vec2(0.5, 0.0), vec2(0.35355, 0.35355), vec2(0.0, 0.5), vec2(-0.35355, 0.35355),
  vec2(-0.5, 0.0), vec2(-0.35355, -0.35355), vec2(0.0, -0.5), vec2(0.35355, -0.35355));
float at(vec2 place) {
  if (box.z == 0.0) return textureLod(coverage, vec2(place.x, canvas.y - place.y) / canvas, 0.0).r;
  vec2 inside = ((place - view.yz) / view.x - box.xy) / box.zw;
  vec2 texels = vec2(textureSize(coverage, 0));
  if (view.x >= 1.0) inside = (floor(inside * texels) + 0.5) / texels;
  return textureLod(coverage, inside, lod).r;
}
void main() {
  float reach = 2.25 * ratio;
  float centre = at(position);
  float far = 0.92 * reach;
  float corners = at(position + vec2(far, far)) + at(position + vec2(-far, far))
    + at(position + vec2(-far, -far)) + at(position + vec2(far, -far));
  bool even = corners == 4.0 * centre && (centre == 0.0 || centre == 1.0);
  if (even) { colour = vec4(hue, 1) * fill * centre * strength; return; }
  float outer = 0.0;
  for (int k = 0; k < 8; k++) outer += at(position + reach * RING[k]);
  float inner = 0.0;
  for (int k = 0; k < 8; k++) inner += at(position + reach * HALF[k]);
  float share = (centre * 2.0 + inner + outer) / 18.0;
  float inward = (share - 0.5) * 2.2 * reach;
  float soft = 0.5;
  float line = smoothstep(-soft, soft, inward) * (1.0 - smoothstep(1.5 * ratio - soft, 1.5 * ratio + soft, inward));
  float shade = (1.0 - smoothstep(-soft, soft, inward)) * smoothstep(-1.25 * ratio - soft, -1.25 * ratio + soft, inward);
  float phase = fract((position.x + position.y) / (dash.x * ratio) - dash.z);
  bool gap = dash.x > 0.0 && phase > dash.y;
  vec3 stroke = gap && dash.z >= 0.0 ? vec3(1) : hue;
  if (gap && dash.z < 0.0) { line = 0.0; shade = 0.0; }
  vec4 base = vec4(hue, 1) * fill * smoothstep(-soft, soft, inward);
  base = base * (1.0 - line) + vec4(stroke, 1) * line;
  colour = (base * (1.0 - shade * 0.6) + vec4(0, 0, 0, 1) * shade * 0.6) * strength;
}`;
