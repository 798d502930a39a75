// Reads and writes safetensors files: tensors by name and a map of strings, nothing that can
// execute.
#pragma once
#include <ATen/core/Tensor.h>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cocola {

struct SafetensorsFile {
  std::vector<std::pair<std::string, at::Tensor>> tensors;  // on the CPU, contiguous, in file order
  std::map<std::string, std::string> metadata;

  bool has(const std::string& name) const;
  // Throws: Error naming the tensor when absent.
  const at::Tensor& get(const std::string& name) const;
};

// Metadata key of the digest of the whole file (computed with the digest's own digits set to '0').
inline constexpr const char* kSafetensorsDigestKey = "cocola_digest";

// Strict: every rule of the format is checked, sizes by checked arithmetic, ranges contiguous and
// complete, and the digest when present. origin of errors is the path. Throws: Error naming the
// file and the broken rule.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

// Atomic and durable; adds the digest to the metadata. Supported types: float64, float32, float16,
// bfloat16, int64, int32, uint8, bool.
void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& content);

}  // namespace cocola
