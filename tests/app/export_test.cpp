// What a scene asks to be exported becomes a file, and a message that says where it is. Without OpenGL: the camera is a
// stand-in that looks at what would be rendered.
#include "app/host/export.h"

#include <doctest/doctest.h>

#include <future>
#include <new>
#include <system_error>

#include "app/host/png.h"
#include "app/ui/registry.h"
#include "app/ui/text.h"
#include "app_host.h"
#include "core/base/error.h"
#include "fake_camera.h"

namespace nopeek::test::export_test {
namespace {

/// An exporter in a home of its own, beside a whole App that has set up theme and fonts.
struct Desk {
  TemporaryHome home;
  AppHost app;
  Messages messages;
  int woken = 0;
  std::function<void()> wake = [this] { ++woken; };
  FakeCamera camera;
};

Pictures two_words() {
  Pictures pictures{.name = "two words", .size = {60, 20}, .delays = {100, 300}};
  pictures.draw = [](int index) {
    ui::text({4, 10}, index == 0 ? "one" : "one and two", ui::Font::kLabel, ui::colors().text);
  };
  return pictures;
}

TEST_CASE("a table is written under a name that is free, also while others are still being written") {
  Desk desk;
  make_file(desk.home / "nopeek-attention-matrix-2.csv", "somebody's");
  Exporter exporter(desk.messages, desk.wake, nullptr);
  for (int i = 0; i < 3; ++i) exporter.table("attention matrix", [i] { return "a,b\n" + std::to_string(i) + ",1\n"; });
  exporter.wait();
  CHECK(read_file(desk.home / "nopeek-attention-matrix-1.csv") == "a,b\n0,1\n");
  CHECK(read_file(desk.home / "nopeek-attention-matrix-2.csv") == "somebody's");
  CHECK(read_file(desk.home / "nopeek-attention-matrix-3.csv") == "a,b\n1,1\n");
  CHECK(read_file(desk.home / "nopeek-attention-matrix-4.csv") == "a,b\n2,1\n");
  CHECK(desk.messages.newest().find("Written to ") == 0);
  CHECK(desk.woken == 3);
}

TEST_CASE("one frame is a PNG, several are a GIF; nothing happens before the window is drawn") {
  Desk desk;
  Exporter exporter(desk.messages, desk.wake, &desk.camera);
  Pictures still = two_words();
  still.delays = {0};
  exporter.pictures(still);
  exporter.pictures(two_words());
  exporter.window();
  CHECK(desk.camera.vertices.empty());
  exporter.take_pictures();
  exporter.take_pictures();  // nothing is left to take
  exporter.wait();
  CHECK(read_file(desk.home / "nopeek-two-words-1.png").substr(16, 8) == std::string("\0\0\0\x3c\0\0\0\x14", 8));
  CHECK(read_file(desk.home / "nopeek-two-words-1.gif").substr(0, 10) == std::string("GIF89a\x3c\0\x14\0", 10));
  CHECK(read_file(desk.home / "nopeek-picture-1.png").substr(16, 8) == std::string("\0\0\0\4\0\0\0\3", 8));
  // The background's 4 corners and 4 for each letter
  CHECK(desk.camera.vertices == std::vector<int>{4 + 3 * 4, 4 + 3 * 4, 4 + 9 * 4});
  CHECK(desk.camera.background == ui::colors().panel);
  CHECK(desk.camera.textures_ok);
}

TEST_CASE("what is drawn for a file is neither on the screen nor under the pointer") {
  Desk desk;
  desk.app.play("hover \"Play\"");
  const size_t items = ui::registry::items().size();
  const ImVec2 pointer = ImGui::GetIO().MousePos;
  Exporter exporter(desk.messages, desk.wake, &desk.camera);
  exporter.pictures(two_words());
  exporter.take_pictures();
  CHECK(ui::registry::items().size() == items);
  CHECK(ui::registry::enabled());
  CHECK(desk.camera.pointer.x == -FLT_MAX);
  CHECK(ImGui::GetIO().MousePos.x == pointer.x);
}

TEST_CASE("a picture whose frame was never drawn is not taken later, from what is there no more") {
  Desk desk;
  Exporter exporter(desk.messages, desk.wake, &desk.camera);
  exporter.forget_pictures();
  CHECK(desk.messages.newest().empty());
  exporter.pictures(two_words());
  exporter.forget_pictures();
  CHECK(desk.messages.newest().find("The picture was not taken") == 0);
  exporter.take_pictures();
  exporter.wait();
  CHECK(desk.camera.vertices.empty());
}

TEST_CASE("what a job lacks is said in words, whatever it throws") {
  Desk desk;
  Exporter exporter(desk.messages, desk.wake, &desk.camera);
  const auto said = [&](auto thrown) {
    exporter.run([thrown]() -> std::string { throw thrown; });
    exporter.wait();
    return desk.messages.newest();
  };
  CHECK(said(std::bad_alloc()) == "There is not enough memory.");
  CHECK(said(std::future_error(std::future_errc::broken_promise)) == "The task was cancelled before it finished.");
  CHECK(said(std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again)))
            .find("The system refused: ") == 0);
}

TEST_CASE("what is told once is told again when it is no longer on the screen") {
  Messages messages;
  messages.add_once("blank");
  messages.add("other");
  messages.add_once("blank");
  CHECK(messages.newest() == "other");
  for (const char* word : {"a", "b", "c"}) messages.add(word);
  messages.add_once("blank");
  CHECK(messages.newest() == "blank");
}

TEST_CASE("what cannot be drawn or written is said, and the next export works") {
  Desk desk;
  Exporter exporter(desk.messages, desk.wake, &desk.camera);
  Pictures huge = two_words();
  huge.size = {20000, 10};
  exporter.pictures(huge);
  exporter.take_pictures();
  CHECK(desk.messages.newest() == "too large for this driver");
  exporter.table("broken", []() -> std::string { throw Error("no such numbers"); });
  exporter.wait();
  CHECK(desk.messages.newest() == "no such numbers");
  exporter.pictures(two_words());
  exporter.take_pictures();
  exporter.wait();
  CHECK(std::filesystem::exists(desk.home / "nopeek-two-words-1.gif"));
}

TEST_CASE("without a window there is a message in place of pictures") {
  AppHost host;
  CHECK_MESSAGE(host.play("click \"Export\"\nclick \"Window as PNG\"\nwait until message contains \"no window\"\n"
                          "click \"Export\"\nclick \"Run as CSV\"\nwait until message contains \"nopeek-run-\""),
                host.failure());
}

}  // namespace
}  // namespace nopeek::test::export_test
