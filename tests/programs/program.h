// Runs our programs in a directory of their own, beside the music and shards that prepare.sh made.
#pragma once
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "support/python.h"
#include "support/temporary_directory.h"

namespace cocola::testing {

inline const std::filesystem::path kMusic = COCOLA_MUSIC;
inline const std::string kTiny = std::string(COCOLA_CONFIGS) + "/tiny.yaml";

// More ranks than cores must share them.
inline std::string mpirun_command(int ranks) {
  return "mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 -np " +
         std::to_string(ranks);
}

// A working directory that holds links to the shared data, shards and runs; what a test changes it
// copies first.
class Workplace {
 public:
  Workplace() {
    for (const char* name : {"data", "shards"}) {
      std::filesystem::create_directory_symlink(kMusic / name, directory_ / name);
    }
  }
  std::filesystem::path operator/(const std::string& name) const { return directory_ / name; }

  // Replaces a link by a copy that may be damaged.
  std::filesystem::path own(const std::string& name) const {
    std::filesystem::remove(directory_ / name);
    std::filesystem::copy(kMusic / name, directory_ / name,
                          std::filesystem::copy_options::recursive);
    return directory_ / name;
  }

  ProgramResult run(const std::string& program, const std::vector<std::string>& arguments) const {
    return in_directory({std::string(COCOLA_BIN) + "/" + program}, arguments);
  }

  ProgramResult run_ranks(int ranks, const std::string& program,
                          const std::vector<std::string>& arguments) const {
    std::istringstream words(mpirun_command(ranks));
    std::vector<std::string> command(std::istream_iterator<std::string>(words), {});
    command.push_back(std::string(COCOLA_BIN) + "/" + program);
    return in_directory(command, arguments);
  }

 private:
  ProgramResult in_directory(std::vector<std::string> command,
                             const std::vector<std::string>& arguments) const {
    command.insert(command.begin(), {"env", "-C", directory_.path().string()});
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_process(command);
  }

  TemporaryDirectory directory_;
};

inline std::string model_path() { return (kMusic / "runs/tiny/model.safetensors").string(); }

// The stems of the first songs, both by name.
inline std::vector<std::vector<std::filesystem::path>> stems_of_songs(size_t num_songs) {
  const auto sorted = [](const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> entries;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) entries.push_back(entry);
    std::sort(entries.begin(), entries.end());
    return entries;
  };
  std::vector<std::vector<std::filesystem::path>> stems;
  const auto songs = sorted(kMusic / "data/tiny");
  for (size_t i = 0; i < num_songs; ++i) stems.push_back(sorted(songs.at(i)));
  return stems;
}

// Two stems of the first song by name.
inline std::vector<std::string> two_stems() {
  const auto stems = stems_of_songs(1)[0];
  return {stems.at(0).string(), stems.at(1).string()};
}

// How many error messages programs printed.
inline int num_errors(const std::string& text) {
  int count = 0;
  for (size_t at = 0; (at = text.find("error: ", at)) != std::string::npos; ++at) ++count;
  return count;
}

}  // namespace cocola::testing
