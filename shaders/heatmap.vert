#version 330 core
// One quad over the whole framebuffer, made of nothing but the vertex's number.
out vec2 pixel_share;  // 0..1 across the picture, y downwards as on the screen

void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  pixel_share = corner;
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}
