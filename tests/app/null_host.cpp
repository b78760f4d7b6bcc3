#include "null_host.h"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

#include "app/ui/fonts.h"
#include "app/ui/imgui_compat.h"
#include "app/ui/registry.h"

namespace nopeek::test {

namespace {

void make_font_texture() {
  unsigned char* pixels = nullptr;
  int width = 0, height = 0;
  ImGuiIO& io = ImGui::GetIO();
  io.Fonts->GetTexDataAsAlpha8(&pixels, &width, &height);
  io.Fonts->SetTexID(reinterpret_cast<ImTextureID>(1));
}

}  // namespace

NullHost::NullHost(ImVec2 size) {
  ui::create_context();
  ImGuiIO& io = ImGui::GetIO();
  configure_imgui(io);
  io.DisplaySize = size;
  io.BackendFlags |= ImGuiBackendFlags_RendererHasVtxOffset;  // as OpenGL 3.3 has it: large frames are drawn in parts
  io.DeltaTime = 1 / 60.0f;
  ui::forget_fonts();
  make_font_texture();
  ui::registry::set_enabled(true);
}

NullHost::~NullHost() {
  ui::registry::set_enabled(false);
  ImGui::DestroyContext();
}

void NullHost::frame() {
  if (prepare()) make_font_texture();
  input_.apply(ImGui::GetIO());
  for (const auto& file : input_.take_dropped()) drop(file);
  ImGui::NewFrame();
  draw();
  ImGui::Render();
  present();
}

void NullHost::frames(int count) {
  while (count-- > 0) frame();
}

bool NullHost::play(const std::string& tour, int patience) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  tour::Player player("test", tour::parse(tour, "test"), *this, {.watched = false, .patience = patience});
  while (player.status() == tour::Player::Status::kPlaying) {
    player.tick(std::chrono::duration<double>(Clock::now() - begin).count());
    frame();
    if (player.waiting()) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // for training
  }
  failure_ = player.failure();
  return failure_.empty();
}

void NullHost::resize(int width, int height) {
  ImGui::GetIO().DisplaySize = ImVec2(static_cast<float>(width), static_cast<float>(height));
}

TemporaryFolder::TemporaryFolder() {
  static int made = 0;
  path_ = std::filesystem::temp_directory_path() /
          ("nopeek-test-" + std::to_string(getpid()) + "-" + std::to_string(++made));
  std::filesystem::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void make_file(const std::filesystem::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary) << content;
}

}  // namespace nopeek::test
