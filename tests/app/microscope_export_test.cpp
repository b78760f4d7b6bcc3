// What the Microscope writes into files: core's numbers to the last bit, and pictures of what is on the screen.
#include "app/scenes/microscope_export.h"

#include <doctest/doctest.h>

#include <bit>
#include <cfloat>
#include <cmath>
#include <limits>
#include <utility>

#include "app_host.h"
#include "core/nn/mask.h"
#include "decoded_gif.h"
#include "fake_camera.h"

namespace nopeek::test::microscope_export_test {
namespace {

/// Reads RFC 4180, quotes and all.
std::vector<std::vector<std::string>> parsed(const std::string& csv) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  std::string field;
  bool quoted = false;
  for (size_t i = 0; i < csv.size(); ++i) {
    const char c = csv[i];
    if (quoted && c == '"' && i + 1 < csv.size() && csv[i + 1] == '"') {
      field += c, ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ',' || c == '\n')) {
      row.push_back(std::exchange(field, {}));
      if (c == '\n') rows.push_back(std::exchange(row, {}));
    } else {
      field += c;
    }
  }
  CHECK_FALSE(quoted);
  CHECK(field.empty());  // it ends with a line break
  return rows;
}

bool same_bits(float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }

constexpr const char* kOpen = "scene Microscope\nwait until microscope.ready == true\n";

std::string exporting(const std::string& option) {
  return "click \"Microscope/Export\"\nclick \"Export/" + option + "\"\n";
}

}  // namespace

TEST_CASE("a table gives back every float to the last bit, and every label") {
  const float values[] = {0.1f,
                          1.0f / 3,
                          -0.0f,
                          FLT_MAX,
                          -FLT_MIN,
                          std::numeric_limits<float>::denorm_min(),
                          Mask::kForbidden,
                          std::numeric_limits<float>::infinity(),
                          16777217.0f,
                          -1e-30f,
                          0,
                          123456.789f};
  ExportedMatrix matrix;
  matrix.values.resize(3, 4);
  std::copy(std::begin(values), std::end(values), matrix.values.data());
  matrix.rows = {",", "\"", "a\nb"};
  matrix.columns = {"the", " agent", "x,\"y\"", "\r"};
  const auto table = parsed(table_of(matrix));
  REQUIRE(table.size() == 4);
  CHECK(table[0] == std::vector<std::string>{"query", "the", " agent", "x,\"y\"", "\r"});
  for (size_t i = 0; i < 3; ++i) {
    REQUIRE(table[i + 1].size() == 5);
    CHECK(table[i + 1][0] == matrix.rows[i]);
    for (size_t j = 0; j < 4; ++j) {
      CAPTURE(table[i + 1][j + 1]);
      CHECK(same_bits(std::strtof(table[i + 1][j + 1].c_str(), nullptr), values[4 * i + j]));
    }
  }
  CHECK(table[2][3] == "-inf");
  matrix.values(0, 0) = -std::numeric_limits<float>::quiet_NaN();
  CHECK(parsed(table_of(matrix))[1][1] == "nan");
}

TEST_CASE("the matrix of each step becomes a table of its numbers") {
  const TemporaryHome home;
  AppHost host;
  PLAY(host, kOpen);
  const std::string suffix = "-l1-h4-1.csv";
  const std::pair<const char*, const char*> stages[] = {{"scores", "scores"},
                                                        {"scaled", "scaled-scores"},
                                                        {"masked", "masked-scores"},
                                                        {"weights", "weights"},
                                                        {"output", "output"}};
  for (const auto& [stage, name] : stages) {
    CAPTURE(std::string(stage));
    const std::string file = "nopeek-" + std::string(name) + suffix;
    PLAY(host, "click \"" + std::string(stage) + "\"\nwait until microscope.stage == " + stage + "\n" +
                   exporting("Matrix as CSV") + "wait until message contains \"" + file + "\"");
    const auto table = parsed(read_file(home / file));
    const nlohmann::json f = host.figures()["microscope"];
    const auto row = f["query"].get<size_t>();
    const nlohmann::json& truth = f["row"][stage];
    REQUIRE(table.size() == f["tokens"].get<size_t>() + 1);
    REQUIRE(table[row + 1].size() == truth.size() + 1);
    for (size_t i = 0; i < truth.size(); ++i) {
      const float number = std::strtof(table[row + 1][i + 1].c_str(), nullptr);
      // JSON has no infinity.
      const float meant = truth[i].is_null() ? Mask::kForbidden : truth[i].get<float>();
      CHECK(same_bits(number, meant));
    }
  }
}

TEST_CASE("a picture is a PNG, the five steps are a GIF that stays longest at the mask") {
  const TemporaryHome home;
  FakeCamera camera;
  AppHost::Options options;
  options.camera = &camera;
  AppHost host(options);
  PLAY(host, kOpen + exporting("Matrix as PNG"));
  host.app().take_pictures();
  PLAY(host, "wait until message contains \"nopeek-masked-scores-l1-h4-1.png\"\n" + exporting("Steps as GIF"));
  host.app().take_pictures();
  PLAY(host, "wait until message contains \"nopeek-steps-l1-h4-1.gif\"");
  const Decoded gif = decoded(home / "nopeek-steps-l1-h4-1.gif");
  CHECK(gif.frames == 5);
  CHECK(gif.ms == std::vector<int>{1200, 1200, 2400, 1200, 1200});
  CHECK(gif.width > 500);
  REQUIRE(camera.vertices.size() == 6);
  CHECK(camera.vertices[0] == camera.vertices[3]);             // the same picture: masked scores
  for (const int count : camera.vertices) CHECK(count > 300);  // words and frames: there is no display for the cells
}

TEST_CASE("the pages export what they show") {
  const TemporaryHome home;
  AppHost host;
  const auto table_after = [&](const std::string& tour, const std::string& file) {
    PLAY(host, tour + exporting("Matrix as CSV") + "wait until message contains \"" + file + "\"");
    return parsed(read_file(home / file));
  };
  PLAY(host, kOpen);
  const auto mask = table_after("click \"Microscope/Mask\"\n", "nopeek-mask-1.csv");
  for (size_t query = 1; query < mask.size(); ++query) {
    for (size_t key = 1; key < mask.size(); ++key) CHECK(mask[query][key] == (key > query ? "-inf" : "0"));
  }
  const auto leak =
      table_after("click \"Microscope/Leak test\"\nwait until microscope.leaks == 0\n", "nopeek-leak-test-1.csv");
  CHECK(leak[0][0] == "output");
  for (size_t output = 1; output < leak.size(); ++output) {
    for (size_t token = 1; token < leak.size(); ++token) CHECK((leak[output][token] == "0") == (token > output));
  }
  const auto mean = table_after("click \"Microscope/Heads\"\n", "nopeek-mean-of-all-heads-1.csv");
  for (size_t query = 1; query < mean.size(); ++query) {
    double sum = 0;
    for (size_t key = 1; key < mean.size(); ++key) sum += std::stod(mean[query][key]);
    CHECK(sum == doctest::Approx(1));
  }
  const auto twins = table_after("click \"Microscope/Twins\"\nclick weights\nwait until microscope.stage == weights\n",
                                 "nopeek-difference-of-weights-l1-h4-1.csv");
  for (size_t query = 1; query < twins.size(); ++query) {
    double sum = 0;
    for (size_t key = 1; key < twins.size(); ++key) sum += std::stod(twins[query][key]);
    CHECK(std::abs(sum) < 1e-5);  // both rows sum to 1
  }
}

}  // namespace nopeek::test::microscope_export_test
