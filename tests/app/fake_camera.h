#pragma once
#include <doctest/doctest.h>

#include <vector>

#include "app/host/camera.h"
#include "core/base/error.h"

namespace nopeek::test {

/// Pictures without OpenGL: grey, of the size that was wished for. Notes what would have been rendered.
class FakeCamera final : public Camera {
 public:
  Picture window() override { return blank(4, 3); }
  Picture off_screen(ImDrawData& drawn) override {
    if (drawn.DisplaySize.x > 10000) throw Error("too large for this driver");
    REQUIRE(drawn.Valid);
    REQUIRE(drawn.CmdListsCount == 1);
    vertices.push_back(drawn.CmdLists[0]->VtxBuffer.Size);
    background = drawn.CmdLists[0]->VtxBuffer[0].col;
    for (const ImDrawCmd& command : drawn.CmdLists[0]->CmdBuffer) textures_ok &= command.GetTexID() != nullptr;
    pointer = ImGui::GetIO().MousePos;
    return blank(static_cast<int>(drawn.DisplaySize.x), static_cast<int>(drawn.DisplaySize.y));
  }

  std::vector<int> vertices;
  ImU32 background = 0;
  bool textures_ok = true;
  ImVec2 pointer{};

 private:
  static Picture blank(int width, int height) {
    return {width, height, std::vector<uint8_t>(static_cast<size_t>(3 * width * height), 7)};
  }
};

}  // namespace nopeek::test
