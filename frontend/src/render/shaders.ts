/** Shaders of the mask layer. Positions are device pixels from the canvas's top left corner. */

/** A rectangle (left, top, right, bottom); gives its positions to the fragments. */
export const RECTANGLE = `#version 300 es
uniform vec2 canvas;
uniform vec4 rectangle;
out vec2 position;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  position = mix(rectangle.xy, rectangle.zw, corner);
  gl_Position = vec4(position / canvas * vec2(2, -2) + vec2(-1, 1), 0, 1);
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
float cell(int row, int x) {
  int rows = textureSize(stretched, 0).y;
  return texelFetch(stretched, ivec2((x / rows) * side + row, x % rows), 0).r;
}
void main() {
  ivec2 pixel = ivec2(floor((position - view.yz) / view.x));
  if (any(lessThan(pixel, ivec2(0))) || any(greaterThanEqual(pixel, size.yx))) { colour = vec4(0); return; }
  int wide = textureSize(weights, 0).x;
  ivec2 place = ivec2(pixel.y % wide, pixel.y / wide);
  vec4 weight = texelFetch(weights, place, 0);
  ivec4 row = texelFetch(cells, place, 0);
  float logit;
  logit = weight.x * cell(row.x, pixel.x);
  logit = logit + weight.y * cell(row.y, pixel.x);
  logit = logit + weight.z * cell(row.z, pixel.x);
  logit = logit + weight.w * cell(row.w, pixel.x);
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
  if (box.z == 0.0) {
    ivec2 texel = ivec2(floor(vec2(place.x, canvas.y - place.y)));
    if (any(lessThan(texel, ivec2(0))) || any(greaterThanEqual(texel, ivec2(canvas)))) return 0.0;
    return texelFetch(coverage, texel, 0).r;
  }
  vec2 inside = (place - view.yz) / view.x - box.xy;
  if (any(lessThan(inside, vec2(0))) || any(greaterThanEqual(inside, box.zw))) return 0.0;
  vec2 texels = vec2(textureSize(coverage, 0));
  if (view.x >= 1.0) return texelFetch(coverage, ivec2(floor(inside * texels / box.zw)), 0).r;
  return textureLod(coverage, inside / box.zw, lod).r;
}
bool plain(vec2 place, out float value) {
  if (box.z == 0.0) return false;
  vec2 inside = ((place - view.yz) / view.x - box.xy) / box.zw;
  value = textureLod(coverage, clamp(inside, 0.0, 1.0), lod + 3.0 + ratio).r;
  vec2 edge = min(inside, 1.0 - inside) * box.zw * view.x;
  return min(edge.x, edge.y) > 4.0 * ratio && (value == 0.0 || value == 1.0);
}
void main() {
  float near;
  if (plain(position, near)) { colour = vec4(hue, 1) * fill * near; return; }
  float reach = 2.25 * ratio;
  float centre = at(position);
  float outer = 0.0;
  for (int k = 0; k < 8; k++) outer += at(position + reach * RING[k]);
  if (outer == 8.0 * centre && (centre == 0.0 || centre == 1.0)) { colour = vec4(hue, 1) * fill * centre; return; }
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
  colour = base * (1.0 - shade * 0.6) + vec4(0, 0, 0, 1) * shade * 0.6;
}`;

/** Puts a rendered layer onto the canvas, fainter while something else is in front. */
export const COPY = `#version 300 es
precision highp float;
uniform sampler2D coverage;
uniform vec2 canvas;
uniform float opacity;
in vec2 position;
out vec4 colour;
void main() {
  colour = opacity * texelFetch(coverage, ivec2(floor(vec2(position.x, canvas.y - position.y))), 0);
}`;
