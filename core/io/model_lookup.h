#pragma once
#include <filesystem>
#include <string>

namespace nopeek {

/// Where the files of a model are: `folder` itself, or, if it is a model of Hugging Face's cache (models--owner--name),
/// the snapshot in it that refs/main names, or the only one. Throws Error with one line that says what else the folder
/// is (a run, a cache of many models, weights in a format that NoPeek does not read) and what to do.
std::filesystem::path locate_model(const std::filesystem::path& folder);

/// What a model is called that has no name of its own: its folder, or the model of the cache that it is a snapshot of.
std::string model_name(const std::filesystem::path& folder);

}  // namespace nopeek
