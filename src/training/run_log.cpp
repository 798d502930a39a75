#include "training/run_log.h"

#include <cmath>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// The rows that a run continued after `step` will not write again. A cut last line is no row.
std::string rows_up_to(const fs::path& path, int64_t step) {
  std::istringstream rows(read_file(path, uint64_t{1} << 32));
  std::string kept, row;
  while (std::getline(rows, row)) {
    const Json parsed = Json::parse(row, nullptr, false);
    if (!parsed.is_object()) continue;
    const int64_t of_row = parsed.value("step", int64_t{-1});
    const bool validation = parsed.value("kind", "") == "valid";
    if (of_row < step || (of_row == step && !validation)) kept += row + "\n";
  }
  return kept;
}

}  // namespace

RunLog::RunLog(const fs::path& directory, int64_t restored_step)
    : path_(directory / "log.jsonl"), tensorboard_(directory) {
  write_file_atomically(path_, fs::exists(path_) ? rows_up_to(path_, restored_step) : "");
  file_.open(path_, std::ios::app);
  if (!file_) fail("run_log", "{}: cannot be opened for writing", path_.string());
}

void RunLog::add(const std::string& kind, int64_t step, const Scalars& values,
                 const std::string& note) {
  OrderedJson row = {{"kind", kind}, {"step", step}};
  Scalars tagged;
  for (const auto& [name, value] : values) {
    row[name] = std::isfinite(value) ? OrderedJson(value) : OrderedJson(nullptr);
    tagged.emplace_back(kind + "/" + name, value);
  }
  if (!note.empty()) row["note"] = note;
  file_ << row.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) << "\n" << std::flush;
  if (!file_) fail("run_log", "{}: writing failed (is the disk full?)", path_.string());
  if (!tagged.empty()) tensorboard_.add(step, tagged);
}

}  // namespace cocola
