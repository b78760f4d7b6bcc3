#include "app/gl/objects.h"

#include <array>

#include "core/base/error.h"

namespace nopeek::gl {
namespace {

GLuint compile(GLenum kind, const std::string& name, const char* source) {
  const GLuint shader = glCreateShader(kind);
  glShaderSource(shader, 1, &source, nullptr);
  glCompileShader(shader);
  GLint ok = 0;
  glGetShaderiv(shader, GL_COMPILE_STATUS, &ok);
  if (ok) return shader;
  std::array<char, 2048> log{};
  glGetShaderInfoLog(shader, static_cast<GLsizei>(log.size()), nullptr, log.data());
  glDeleteShader(shader);
  throw Error("the shader " + name + " does not compile: " + log.data());
}

/// Those of before, whoever made them. A lost context would report one for ever.
void forget_errors() {
  for (int i = 0; i < 16 && glGetError() != GL_NO_ERROR; ++i) {
  }
}

}  // namespace

Program::Program(const std::string& name, const char* vertex_source, const char* fragment_source) {
  const GLuint vertex = compile(GL_VERTEX_SHADER, name + ".vert", vertex_source);
  const GLuint fragment = compile(GL_FRAGMENT_SHADER, name + ".frag", fragment_source);
  name_ = glCreateProgram();
  glAttachShader(name_, vertex);
  glAttachShader(name_, fragment);
  glLinkProgram(name_);
  glDeleteShader(vertex);
  glDeleteShader(fragment);
  GLint ok = 0;
  glGetProgramiv(name_, GL_LINK_STATUS, &ok);
  if (ok) return;
  std::array<char, 2048> log{};
  glGetProgramInfoLog(name_, static_cast<GLsizei>(log.size()), nullptr, log.data());
  glDeleteProgram(name_);
  throw Error("the shaders of " + name + " do not fit together: " + log.data());
}

void Texture::allocate(GLint internal, GLenum format, GLenum type, int width, int height, const void* data) {
  const bool has_room = width == width_ && height == height_;  // then the driver is not asked, which may have to wait
  if (!has_room) forget_errors();
  store(internal, format, type, width, height, data);
  if (has_room || glGetError() == GL_NO_ERROR) return;
  width_ = height_ = 0;
  throw Error("The graphics driver has no room for a picture of " + std::to_string(width) + " x " +
              std::to_string(height) + " px.");
}

void Texture::store(GLint internal, GLenum format, GLenum type, int width, int height, const void* data) {
  glBindTexture(GL_TEXTURE_2D, name_);
  glPixelStorei(GL_UNPACK_ALIGNMENT, 4);
  glPixelStorei(GL_UNPACK_ROW_LENGTH, 0);
  if (width == width_ && height == height_ && data) {
    glTexSubImage2D(GL_TEXTURE_2D, 0, 0, 0, width, height, format, type, data);
  } else {
    glTexImage2D(GL_TEXTURE_2D, 0, internal, width, height, 0, format, type, data);
    for (GLenum filter : {GL_TEXTURE_MIN_FILTER, GL_TEXTURE_MAG_FILTER})
      glTexParameteri(GL_TEXTURE_2D, filter, GL_NEAREST);
    for (GLenum wrap : {GL_TEXTURE_WRAP_S, GL_TEXTURE_WRAP_T}) glTexParameteri(GL_TEXTURE_2D, wrap, GL_CLAMP_TO_EDGE);
  }
  width_ = width;
  height_ = height;
}

void Texture::set_floats(int columns, int rows, const float* values) {
  allocate(GL_R32F, GL_RED, GL_FLOAT, columns, rows, values);
}

void Texture::set_colors(int width, int height) {
  if (width != width_ || height != height_) allocate(GL_RGBA8, GL_RGBA, GL_UNSIGNED_BYTE, width, height, nullptr);
}

void Texture::set_blank() {
  const uint32_t nothing = 0;
  store(GL_RGBA8, GL_RGBA, GL_UNSIGNED_BYTE, 1, 1, &nothing);
}

void Framebuffer::bind(const Texture& target) const {
  glBindFramebuffer(GL_FRAMEBUFFER, name_);
  glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, target.name(), 0);
  if (glCheckFramebufferStatus(GL_FRAMEBUFFER) == GL_FRAMEBUFFER_COMPLETE) return;
  unbind();
  throw Error("The graphics driver cannot draw a picture of " + std::to_string(target.width()) + " x " +
              std::to_string(target.height()) + " px.");
}

std::vector<uint8_t> read_rgb(int width, int height) {
  std::vector<uint8_t> rgb(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  glPixelStorei(GL_PACK_ALIGNMENT, 1);
  glReadPixels(0, 0, width, height, GL_RGB, GL_UNSIGNED_BYTE, rgb.data());
  return rgb;
}

}  // namespace nopeek::gl
