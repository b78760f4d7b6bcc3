#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/io/safetensors.h"
#include "core/nn/parameters.h"

namespace nopeek {

/// Reads the weights of a GPT-2, with or without the prefix "transformer.". Buffers of the ecosystem (attn.bias) and a
/// tied lm_head.weight are left out. Takes memory only when every tensor that `config` asks for is there, with its
/// shape. Throws Error (tensors missing, unknown, of the wrong shape, not finite), and what `count` throws.
///
/// `tied`: the output head is the token embeddings. If not, lm_head.weight must equal them, since NoPeek has no other.
Parameters<float> read_model_tensors(const std::filesystem::path& path, const ModelConfig& config, bool tied,
                                     const BytesRead& count = {});

/// A tensor's shape as files have it: vectors have one dimension.
SafetensorsReader::Shape shape_of(const TensorSpec& spec);

/// The table's tensors in `flat`, which must outlive the result; `prefix` goes before their names.
std::vector<TensorToWrite> tensors_of(const ModelConfig& config, ConstVectorMap<float> flat,
                                      const std::string& prefix = "");

}  // namespace nopeek
