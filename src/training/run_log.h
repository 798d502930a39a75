// What a run leaves to read: log.jsonl and TensorBoard scalars. Rank 0 only.
#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cocola {

using Scalars = std::vector<std::pair<std::string, double>>;

// TensorBoard event file with scalar summaries.
class TensorBoardWriter {
 public:
  explicit TensorBoardWriter(const std::filesystem::path& directory);
  void add(int64_t step, const Scalars& scalars);  // flushed

 private:
  void record(const std::string& payload);
  std::ofstream file_;
  std::filesystem::path path_;
};

// CRC-32C (Castagnoli), reflected, as TensorBoard frames use it: "123456789" -> 0xe3069283.
uint32_t crc32c(std::string_view bytes);

// Appends to <directory>/log.jsonl, one object a line, flushed per line. On resume, rows after the
// restored step are dropped, and its validation, which is made again: every step appears once.
class RunLog {
 public:
  RunLog(const std::filesystem::path& directory, int64_t restored_step);
  // kind: "train", "valid", "event". Values become keys of the object; TensorBoard tags are
  // "<kind>/<name>".
  void add(const std::string& kind, int64_t step, const Scalars& values,
           const std::string& note = "");

 private:
  std::ofstream file_;
  std::filesystem::path path_;
  TensorBoardWriter tensorboard_;
};

}  // namespace cocola
