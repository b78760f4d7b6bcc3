#pragma once
#include <glad/gl.h>

#include <cstdint>
#include <string>
#include <vector>

/// OpenGL names that delete themselves. A context must be current from their making to their end.
namespace nopeek::gl {

/// A linked pair of shaders. Throws Error with the compiler's log, and the file's name, if they do not compile.
class Program {
 public:
  Program(const std::string& name, const char* vertex_source, const char* fragment_source);
  ~Program() { glDeleteProgram(name_); }
  Program(const Program&) = delete;

  void use() const { glUseProgram(name_); }
  GLint uniform(const char* name) const { return glGetUniformLocation(name_, name); }

 private:
  GLuint name_ = 0;
};

/// A two-dimensional texture, drawn with nearest filtering.
class Texture {
 public:
  Texture() { glGenTextures(1, &name_); }
  ~Texture() { glDeleteTextures(1, &name_); }
  Texture(const Texture&) = delete;

  GLuint name() const { return name_; }
  int width() const { return width_; }
  int height() const { return height_; }
  // Each throws Error if the driver refuses; the texture then holds nothing.
  /// (rows, columns) of floats in the red channel.
  void set_floats(int columns, int rows, const float* values);
  /// Room for width x height colours, to be drawn into.
  void set_colors(int width, int height);
  /// One transparent pixel, which a driver never refuses.
  void set_blank();

 private:
  void store(GLint internal, GLenum format, GLenum type, int width, int height, const void* data);
  void allocate(GLint internal, GLenum format, GLenum type, int width, int height, const void* data);
  GLuint name_ = 0;
  int width_ = 0, height_ = 0;
};

/// Draws into a texture while it is bound. Throws Error if the driver refuses.
class Framebuffer {
 public:
  Framebuffer() { glGenFramebuffers(1, &name_); }
  ~Framebuffer() { glDeleteFramebuffers(1, &name_); }
  Framebuffer(const Framebuffer&) = delete;

  void bind(const Texture& target) const;
  static void unbind() { glBindFramebuffer(GL_FRAMEBUFFER, 0); }

 private:
  GLuint name_ = 0;
};

/// The pixels of the framebuffer that is bound: (height, width, 3), the lowest row first.
std::vector<uint8_t> read_rgb(int width, int height);

class VertexArray {
 public:
  VertexArray() { glGenVertexArrays(1, &name_); }
  ~VertexArray() { glDeleteVertexArrays(1, &name_); }
  VertexArray(const VertexArray&) = delete;
  void bind() const { glBindVertexArray(name_); }

 private:
  GLuint name_ = 0;
};

}  // namespace nopeek::gl
