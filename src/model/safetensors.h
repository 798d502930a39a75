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

// Metadata keys of the digest of the whole file (computed with the digest's own digits set to '0')
// and of how it is made. Either one demands the other, so that no flipped byte can hide the digest.
inline constexpr const char* kSafetensorsDigestKey = "cocola_digest";
inline constexpr const char* kSafetensorsDigestMethodKey = "cocola_digest_method";

// Strict: every rule of the format is checked, sizes by checked arithmetic before any allocation,
// ranges contiguous and complete, and the digest when present. Types as for writing.
// Throws: Error naming the file and the broken rule.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

// Atomic and durable; adds the digest to the metadata. Tensors lie in the file by falling element
// size, so that each is aligned, and among equals in the given order. Supported types: float64,
// float32, float16, bfloat16, int64, int32, uint8, bool.
// Throws: Error for an unsupported type, a name given twice, text that is not UTF-8, a full disk.
void write_safetensors(const std::filesystem::path& path, const SafetensorsFile& content);

// The digest (base/digest.h) of the whole file that would be written.
// Throws: Error for what cannot be written.
std::string digest_as_written(const SafetensorsFile& content);

}  // namespace cocola
