#pragma once
#include <string>
#include <vector>

#include "core/io/weight_files.h"
#include "core/nn/parameters.h"

namespace nopeek {

/// Reads the weights of a GPT-2, with or without the prefix "transformer.". Buffers of the ecosystem (attn.bias) are
/// left out. Takes memory only when every tensor that `config` asks for is there, with its shape. Throws Error (tensors
/// missing, unknown, of the wrong shape, not finite), and what `count` throws.
///
/// Where `config` says that the output head is tied and lm_head.weight differs from the token embeddings, the head is
/// one of its own, as transformers has it from version 5 on: the result's config is then not tied. Of a tied pair, one
/// is enough.
Parameters<float> read_model_tensors(WeightFiles& files, ModelConfig config, const BytesRead& count = {});

/// A tensor's shape as files have it: vectors have one dimension.
SafetensorsReader::Shape shape_of(const TensorSpec& spec);

/// The table's tensors in `flat`, which must outlive the result; `prefix` goes before their names.
std::vector<TensorToWrite> tensors_of(const ModelConfig& config, ConstVectorMap<float> flat,
                                      const std::string& prefix = "");

}  // namespace nopeek
