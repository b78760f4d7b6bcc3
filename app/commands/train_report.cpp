#include "app/commands/train_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "app/commands/json_stream.h"
#include "core/io/shown.h"
#include "core/text/utf8.h"

namespace nopeek {

namespace {

LaneReport report_on_lane(const LaneSnapshot& lane, const Tokenizer& tokenizer) {
  LaneReport report;
  report.name = lane.name;
  report.mask = lane.mask_name;
  report.step = lane.history_size;
  report.reported = lane.reported;
  report.honest = lane.measured.honest;
  report.future_attention = lane.measured.future_attention;
  report.writes = tokenizer.decode(lane.written);
  report.stopped = lane.stopped;
  return report;
}

std::string figure(double value) {
  if (std::isnan(value)) return "n/a";
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

/// `text` in one line that one can read at a glance.
std::string at_a_glance(const std::string& text) {
  constexpr int kMost = 100;  // characters
  const std::string line = one_line(text);
  size_t end = 0;
  for (int i = 0; i < kMost && end < line.size(); ++i) end += static_cast<size_t>(utf8::length(line[end]));
  return end < line.size() ? line.substr(0, end) + "…" : line;
}

const char* name_of(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::kWord:
      return "word";
    case TokenizerKind::kCharacter:
      return "char";
    case TokenizerKind::kBytePair:
      return "bpe";
  }
  return "";
}

void write_config(JsonStream& json, const RunConfig& config, const char* size) {
  const auto whole = [&](const char* name, int value) { json.key(name), json.number(int64_t{value}); };
  json.key("config"), json.open('{');
  json.key("size"), json.text(size);
  whole("d_model", config.model.channels), whole("layers", config.model.layers), whole("heads", config.model.heads);
  whole("context", config.model.context), whole("vocab", config.model.vocab), whole("batch", config.train.batch);
  json.key("lr"), json.number(config.train.learning_rate);
  json.key("dropout"), json.number(config.model.dropout);
  json.key("seed"), json.number(static_cast<int64_t>(config.seed));
  json.close('}');
}

void write_corpus(JsonStream& json, const Corpus& corpus) {
  json.key("corpus"), json.open('{');
  json.key("name"), json.text(corpus.name);
  json.key("tokenizer"), json.text(name_of(corpus.tokenizer.kind()));
  json.key("train_tokens"), json.number(static_cast<int64_t>(corpus.train.size()));
  json.key("validation_tokens"), json.number(static_cast<int64_t>(corpus.validation.size()));
  json.close('}');
}

void write_path(JsonStream& json, const char* name, const std::optional<std::filesystem::path>& path) {
  json.key(name), path ? json.text(path->string()) : json.null();
}

void write_lane(JsonStream& json, const LaneReport& lane, const TrainReport& report) {
  const auto number = [&](const char* name, auto value) { json.key(name), json.number(value); };
  json.open('{');
  json.key("name"), json.text(lane.name);
  json.key("mask"), json.text(lane.mask);
  json.key("step"), json.number(lane.step);
  number("reported", lane.reported), number("honest", lane.honest), number("validation", lane.validation);
  number("future_attention", lane.future_attention);
  json.key("writes"), json.text(lane.writes);
  json.key("stopped"), lane.stopped.empty() ? json.null() : json.text(lane.stopped);
  write_path(json, "model", report.saved ? std::optional(*report.saved / lane.name) : std::nullopt);
  json.close('}');
}

}  // namespace

TrainReport report_on(Lab& lab, ThreadPool& threads) {
  constexpr int kValidationWindows = 256;
  const Batch validation =
      consecutive_windows(lab.corpus()->validation, lab.config().model.context, kValidationWindows);
  const Snapshot last = lab.snapshot(threads);
  TrainReport report;
  report.config = lab.config();
  report.corpus = lab.corpus();
  report.step = last.step;
  for (size_t i = 0; i < last.lanes.size(); ++i) {
    report.lanes.push_back(report_on_lane(last.lanes[i], last.corpus->tokenizer));
    report.lanes.back().validation = lab.trainer(i).evaluate(validation);
  }
  return report;
}

void print_train_table(const TrainReport& report) {
  std::printf("%-10s %6s %10s %10s %12s %18s   writes\n", "lane", "step", "reported", "honest", "validation",
              "future attention");
  for (const LaneReport& lane : report.lanes) {
    std::printf("%-10s %6lld %10s %10s %12s %18s   %s\n", lane.name.c_str(), static_cast<long long>(lane.step),
                figure(lane.reported).c_str(), figure(lane.honest).c_str(), figure(lane.validation).c_str(),
                figure(lane.future_attention).c_str(), at_a_glance(lane.writes).c_str());
  }
}

void print_train_json(const TrainReport& report) {
  JsonStream json(stdout);
  json.open('{');
  write_config(json, report.config, preset_name(report.config).c_str());
  write_corpus(json, *report.corpus);
  json.key("steps"), json.number(report.steps);
  json.key("step"), json.number(report.step);
  json.key("interrupted"), json.boolean(report.interrupted);
  json.key("lanes"), json.open('[');
  for (const LaneReport& lane : report.lanes) write_lane(json, lane, report);
  json.close(']');
  write_path(json, "saved", report.saved);
  write_path(json, "log", report.log);
  json.close('}');
  json.finish();
}

}  // namespace nopeek
