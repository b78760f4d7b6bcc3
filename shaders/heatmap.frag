#version 330 core
// A matrix as cells. Key <= query takes the hue of the past, key > query that of the future; how a value becomes a place
// on its scale is said by `mapping`. -inf marks a cell that the mask forbids: hatched, because forbidden is a state and
// not a value.
in vec2 pixel_share;
out vec4 color;

uniform sampler2D cells;        // R32F, (rows, columns)
uniform ivec2 cell_count;       // columns, rows
uniform int matrix_size;        // T: several matrices may lie side by side; 0: no cell is the future
uniform int mapping;            // see Mapping in heatmap.h
uniform vec2 range;             // low, high
uniform vec2 first, shown;      // the part that is shown, in cells
uniform vec2 picture_size;      // px
uniform float gap, radius;      // px
uniform float hatch_pitch;      // px along x; 0: forbidden cells are filled and not hatched
uniform float hatch_width;      // px
uniform vec2 window_origin;     // of the picture, px: the hatch's phase is fixed to the window
uniform vec3 past[5], future[5];
uniform vec3 forbidden, hatch;

const float kForbidden = -1e30;  // and below
const int kMostCells = 16;       // along each side of one pixel

vec3 scale_color(vec3 stops[5], float t) {
  float x = clamp(t, 0.0, 1.0) * 4.0;
  int i = min(3, int(x));
  return mix(stops[i], stops[i + 1], x - float(i));
}

float place(float v) {
  if (mapping == 0) return sqrt(max(v, 0.0));
  if (mapping == 1) return 0.12 + 0.88 * pow(clamp((v - range.x) / max(range.y - range.x, 1e-20), 0.0, 1.0), 1.3);
  if (mapping == 2) return 0.06 + 0.80 * abs(v) / max(range.y, 1e-20);
  if (mapping == 3) return sqrt(abs(v) / max(range.y, 1e-20));
  if (v <= 0.0) return 0.0;
  return 0.2 + 0.8 * clamp((log2(v) * 0.30103 - range.x) / max(range.y - range.x, 1e-20), 0.0, 1.0);
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
  vec2 pitch = picture_size / shown;  // px a cell
  vec2 at = first + pixel / pitch;
  ivec2 cell = clamp(ivec2(at), ivec2(0), cell_count - 1);
  ivec2 covered = clamp(ivec2(ceil(1.0 / pitch)), ivec2(1), ivec2(kMostCells));

  float best = -1.0;
  vec3 paint = forbidden_color(pixel);
  for (int y = 0; y < covered.y; ++y) {
    for (int x = 0; x < covered.x; ++x) {
      ivec2 c = min(cell + ivec2(x, y), cell_count - 1);
      float v = texelFetch(cells, c, 0).r;
      if (v < kForbidden) continue;
      float t = place(v);
      if (t <= best) continue;
      best = t;
      bool later = mapping == 3 ? v < 0.0 : matrix_size > 0 && c.x % matrix_size > c.y % matrix_size;
      paint = later ? scale_color(future, t) : scale_color(past, t);
    }
  }
  color = vec4(paint, gap > 0.0 || radius > 0.0 ? coverage((at - vec2(cell)) * pitch, pitch) : 1.0);
}
