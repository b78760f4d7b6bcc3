#include "app/commands/inspect_command.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "app/commands/interrupt.h"
#include "app/commands/json_stream.h"
#include "app/commands/mask_option.h"
#include "app/commands/prompt.h"
#include "core/base/error.h"
#include "core/decode/inspect.h"
#include "core/decode/sampling.h"
#include "core/io/model_folder.h"

namespace nopeek {

namespace {

void write_loss(JsonStream& json, const char* name, const std::optional<double>& loss) {
  json.key(name), json.number(loss.value_or(std::nan("")));
}

/// [L][NH][T][T]
void write_attention(JsonStream& json, const Inspection<float>& seen, const ModelConfig& config) {
  const auto T = static_cast<int>(seen.logits.rows());
  const float* head = seen.attention.data();
  json.key("attention"), json.open('[');
  for (int l = 0; l < config.layers; ++l) {
    json.open('[');
    for (int h = 0; h < config.heads; ++h, head += T * T) json.matrix(Eigen::Map<const Matrix<float>>(head, T, T));
    json.close(']');
  }
  json.close(']');
}

/// By name, in the tensor's shape: a list for a vector, a list of rows for a matrix.
void write_gradient(JsonStream& json, Parameters<float>* gradient) {
  json.key("grad");
  if (gradient == nullptr) return json.null();
  json.open('{');
  for (const TensorSpec& spec : gradient->table()) {
    const auto tensor = gradient->tensor(spec);
    json.key(spec.name);
    spec.is_matrix() ? json.matrix(tensor) : json.list(std::span(tensor.data(), spec.size()));
  }
  json.close('}');
}

void write_json(const Model& model, const char* mask, std::span<const TokenId> ids, const Inspection<float>& seen,
                bool with_gradient) {
  JsonStream json(stdout);
  json.open('{');
  write_what_was_read(json, model, ids, mask);
  write_loss(json, "reported_loss", seen.reported_loss);
  write_loss(json, "honest_loss", seen.honest_loss);
  json.key("logits"), json.matrix(seen.logits);
  write_attention(json, seen, model.config());
  if (with_gradient) write_gradient(json, seen.gradient.get());
  json.close('}');
  json.finish();
}

/// `text` as wide as a column; printf counts bytes, not characters.
std::string column(const std::string& text) {
  constexpr std::ptrdiff_t kWidth = 16;
  const auto continues = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; };
  const auto characters = std::ssize(text) - std::count_if(text.begin(), text.end(), continues);
  return text + std::string(static_cast<size_t>(std::max<std::ptrdiff_t>(1, kWidth - characters)), ' ');
}

/// What each position makes of what it sees, and the losses below.
void print_table(const Model& model, const char* mask, std::span<const TokenId> ids, const Inspection<float>& seen) {
  const auto label = [&](TokenId id) { return model.tokenizer->label(id); };
  const auto logits_at = [&](size_t t) {
    return std::span(seen.logits.row(static_cast<Eigen::Index>(t)).data(), static_cast<size_t>(seen.logits.cols()));
  };
  for (size_t t = 0; t < ids.size(); ++t) require_distribution(logits_at(t));  // before half a table is printed
  std::printf("%8s  %s%s%8s   likeliest next\n", "position", column("token").c_str(), column("next").c_str(), "nats");
  Distribution distribution;
  for (size_t t = 0; t < ids.size(); ++t) {
    distribution.set_logits(logits_at(t));
    std::string next, nats;
    if (t + 1 < ids.size()) {
      char text[32];
      std::snprintf(text, sizeof text, "%.4f", 0.0 - std::log(distribution.of(ids[t + 1]).p_model));
      next = label(ids[t + 1]), nats = text;
    }
    std::printf("%8zu  %s%s%8s  ", t, column(label(ids[t])).c_str(), column(next).c_str(), nats.c_str());
    for (size_t i = 0; i < std::min<size_t>(3, distribution.candidates().size()); ++i) {
      const Candidate& candidate = distribution.candidates()[i];
      std::printf(" %s %.3f", label(candidate.id).c_str(), candidate.p_model);
    }
    std::printf("\n");
  }
  if (seen.reported_loss)
    std::printf("reported loss %.4f   honest loss %.4f   ", *seen.reported_loss, *seen.honest_loss);
  std::printf("mask %s   (--json gives logits and attention, with --grad gradients)\n", mask);
}

}  // namespace

int run_inspect(const InspectCommand& command) {
  if (command.grad && !command.json) throw Error("--grad is part of --json: the gradient fills no table. Add --json.");
  require_utf8(command.text, "--text");
  const Model model = load_model(command.model, &interruptible());
  model.tokenizer->require_rows(command.text);  // before a pass that may take long
  const MaskOption mask = mask_option(command.mask, model);
  const std::vector<TokenId> ids = model.tokenizer->encode(command.text, &interruptible());
  const Inspection<float> seen = inspect<float>(*model.parameters, mask.mask, ids, command.grad, &interruptible());
  note_lacking(*model.tokenizer, command.text);
  command.json ? write_json(model, mask.name, ids, seen, command.grad) : print_table(model, mask.name, ids, seen);
  return 0;
}

}  // namespace nopeek
