#include "app/gl/heatmap.h"

#include <exception>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "app/gl/objects.h"
#include "app/ui/imgui_compat.h"
#include "shaders.h"

namespace nopeek::gl {

bool HeatmapSpec::operator==(const HeatmapSpec& o) const {
  const auto fields = [](const HeatmapSpec& s) {
    return std::tie(s.columns, s.rows, s.T, s.mapping, s.low, s.high, s.first_column, s.first_row, s.shown_columns,
                    s.shown_rows, s.width, s.height, s.gap, s.radius, s.hatch_pitch, s.hatch_width, s.origin.x,
                    s.origin.y, s.past, s.future, s.forbidden, s.hatch);
  };
  return fields(*this) == fields(o);
}

namespace {

using Rgb = std::array<float, 3>;
Rgb rgb(ImU32 color) {
  const auto channel = [color](int shift) { return static_cast<float>((color >> shift) & 255) / 255.0f; };
  return {channel(IM_COL32_R_SHIFT), channel(IM_COL32_G_SHIFT), channel(IM_COL32_B_SHIFT)};
}

}  // namespace

struct HeatmapRenderer::Impl {
  struct Picture {
    HeatmapSpec spec;
    std::optional<uint64_t> revision;
    std::vector<float> values;  // to be sent
    bool stale = false;
    Texture cells, target;
  };
  Program program{"heatmap", shaders::heatmap_vert, shaders::heatmap_frag};
  VertexArray vertices;
  Framebuffer framebuffer;
  std::map<int, Picture> pictures;
  std::exception_ptr failure;  // of the driver or for want of memory, to be told

  /// Runs `part` of a picture's way to the screen; the picture is blank if it fails.
  template <class Part>
  void attempt(Picture& picture, Part&& part) {
    try {
      part();
    } catch (const std::exception&) {
      picture.stale = false;
      picture.values = {};
      picture.target.set_blank();
      if (!failure) failure = std::current_exception();
    }
  }

  void set_color(const char* name, ImU32 color) { glUniform3fv(program.uniform(name), 1, rgb(color).data()); }
  void set_scale(const char* name, const std::array<ImU32, 5>& stops) {
    std::array<Rgb, 5> values;
    for (size_t i = 0; i < stops.size(); ++i) values[i] = rgb(stops[i]);
    glUniform3fv(program.uniform(name), 5, values[0].data());
  }

  void set_uniforms(const HeatmapSpec& spec) {
    glUniform1i(program.uniform("cells"), 0);
    glUniform2i(program.uniform("cell_count"), spec.columns, spec.rows);
    glUniform1i(program.uniform("matrix_size"), spec.T);
    glUniform1i(program.uniform("mapping"), static_cast<int>(spec.mapping));
    glUniform2f(program.uniform("range"), spec.low, spec.high);
    glUniform2f(program.uniform("first"), spec.first_column, spec.first_row);
    const bool all = spec.shown_columns <= 0 || spec.shown_rows <= 0;
    glUniform2f(program.uniform("shown"), all ? static_cast<float>(spec.columns) : spec.shown_columns,
                all ? static_cast<float>(spec.rows) : spec.shown_rows);
    glUniform2f(program.uniform("picture_size"), static_cast<float>(spec.width), static_cast<float>(spec.height));
    glUniform1f(program.uniform("gap"), spec.gap);
    glUniform1f(program.uniform("radius"), spec.radius);
    glUniform1f(program.uniform("hatch_pitch"), spec.hatch_pitch);
    glUniform1f(program.uniform("hatch_width"), spec.hatch_width);
    glUniform2f(program.uniform("window_origin"), spec.origin.x, spec.origin.y);
    set_scale("past", spec.past);
    set_scale("future", spec.future);
    set_color("forbidden", spec.forbidden);
    set_color("hatch", spec.hatch);
  }

  /// Texture row 0 is the picture's top row: the quad's y runs downwards, and ImGui's v does too.
  void render(Picture& picture) {
    const HeatmapSpec& spec = picture.spec;
    picture.stale = false;
    picture.target.set_colors(spec.width, spec.height);
    framebuffer.bind(picture.target);
    glViewport(0, 0, spec.width, spec.height);
    glDisable(GL_SCISSOR_TEST);
    glDisable(GL_BLEND);
    program.use();
    set_uniforms(spec);
    glActiveTexture(GL_TEXTURE0);
    glBindTexture(GL_TEXTURE_2D, picture.cells.name());
    vertices.bind();
    glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
    glBindVertexArray(0);
    glUseProgram(0);
    Framebuffer::unbind();
  }
};

HeatmapRenderer::HeatmapRenderer() : impl_(std::make_unique<Impl>()) {}
HeatmapRenderer::~HeatmapRenderer() = default;

ImTextureID HeatmapRenderer::draw(int key, const HeatmapSpec& spec, const float* values, uint64_t revision) {
  auto [it, fresh] = impl_->pictures.try_emplace(key);
  Impl::Picture& picture = it->second;
  const bool resized = picture.spec.columns != spec.columns || picture.spec.rows != spec.rows;
  if (fresh || resized || picture.revision != revision) {
    picture.revision.reset();  // until there is room for its values
    picture.values.assign(values, values + static_cast<size_t>(spec.columns) * static_cast<size_t>(spec.rows));
    picture.revision = revision;
    picture.stale = true;
  }
  if (picture.spec != spec) {
    picture.spec = spec;
    picture.stale = true;
  }
  return ui::texture_id(picture.target.name());
}

void HeatmapRenderer::forget_revisions() {
  for (auto& [key, picture] : impl_->pictures) picture.revision.reset();
}

void HeatmapRenderer::send() {
  for (auto& [key, picture] : impl_->pictures) {
    if (picture.values.empty()) continue;
    impl_->attempt(picture, [&] {
      picture.cells.set_floats(picture.spec.columns, picture.spec.rows, picture.values.data());
      picture.values = {};
    });
  }
}

void HeatmapRenderer::flush() {
  send();
  for (auto& [key, picture] : impl_->pictures) {
    if (picture.stale) impl_->attempt(picture, [&] { impl_->render(picture); });
  }
  if (impl_->failure) std::rethrow_exception(std::exchange(impl_->failure, nullptr));
}

}  // namespace nopeek::gl
