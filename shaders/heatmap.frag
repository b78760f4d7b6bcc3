#version 330 core
// Attention weights as cells. Key <= query takes the hue of the past, key > query that of the future, both at
// t = sqrt(weight): 2 % is visible and 90 % does not swamp it. A negative weight marks a cell that the mask forbids:
// hatched, because forbidden is a state and not a value.
in vec2 pixel_share;
out vec4 color;

uniform sampler2D cells;        // R32F, (rows, columns)
uniform ivec2 cell_count;       // columns, rows
uniform int matrix_size;        // T: several matrices may lie side by side
uniform vec2 picture_size;      // px
uniform float gap, radius;      // px
uniform float hatch_pitch;      // px along x; 0: forbidden cells are filled and not hatched
uniform float hatch_width;      // px
uniform vec2 window_origin;     // of the picture, px: the hatch's phase is fixed to the window
uniform vec3 past[5], future[5];
uniform vec3 forbidden, hatch;

vec3 scale_color(vec3 stops[5], float t) {
  float x = clamp(t, 0.0, 1.0) * 4.0;
  int i = min(3, int(x));
  return mix(stops[i], stops[i + 1], x - float(i));
}

vec3 forbidden_color(vec2 pixel) {
  if (hatch_pitch <= 0.0) return forbidden;
  vec2 p = window_origin + pixel;
  float across = abs(mod(p.x + p.y + 0.5 * hatch_pitch, hatch_pitch) - 0.5 * hatch_pitch) * 0.7071;
  return mix(hatch, forbidden, clamp(across - 0.5 * hatch_width + 0.5, 0.0, 1.0));
}

// 1 inside the rounded cell, 0 in the gap.
float coverage(vec2 in_cell, vec2 size) {
  vec2 half_size = 0.5 * (size - gap);
  vec2 q = abs(in_cell - half_size) - half_size + radius;
  float distance = length(max(q, 0.0)) + min(max(q.x, q.y), 0.0) - radius;
  return clamp(0.5 - distance, 0.0, 1.0);
}

void main() {
  vec2 pixel = pixel_share * picture_size;
  vec2 size = picture_size / vec2(cell_count);
  ivec2 cell = min(ivec2(pixel / size), cell_count - 1);
  float weight = texelFetch(cells, cell, 0).r;
  bool later = cell.x % matrix_size > cell.y % matrix_size;
  vec3 paint = weight < 0.0 ? forbidden_color(pixel) : later ? scale_color(future, sqrt(weight)) : scale_color(past, sqrt(weight));
  color = vec4(paint, gap > 0.0 || radius > 0.0 ? coverage(pixel - vec2(cell) * size, size) : 1.0);
}
