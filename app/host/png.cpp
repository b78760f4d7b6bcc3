#include "app/host/png.h"

#include <stb_image_write.h>

#include "core/base/error.h"
#include "core/io/file.h"

namespace nopeek {

void write_png(const std::filesystem::path& file, const Picture& picture) {
  const int row = picture.width * 3;
  const auto append = [](void* to, void* data, int size) {
    static_cast<std::string*>(to)->append(static_cast<char*>(data), static_cast<size_t>(size));
  };
  std::string png;
  // Last row first, by a negative stride: OpenGL counts rows from the bottom.
  const uint8_t* top = picture.rgb.data() + static_cast<size_t>(row) * (picture.height - 1);
  if (!stbi_write_png_to_func(append, &png, picture.width, picture.height, 3, top, -row)) {
    throw Error("cannot encode the picture " + file.string());
  }
  write_file(file, png);
}

std::future<std::string> write_png_async(std::filesystem::path file, Picture picture) {
  return std::async(std::launch::async, [file = std::move(file), picture = std::move(picture)]() -> std::string {
    try {
      write_png(file, picture);
      return {};
    } catch (const std::exception& e) {
      return e.what();
    }
  });
}

}  // namespace nopeek
