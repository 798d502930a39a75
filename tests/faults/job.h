// A training of several ranks that a test disturbs while it runs.
#pragma once
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/atomic_file.h"
#include "programs/program.h"

namespace cocola::testing {

// Looks every few milliseconds. False when the time is up first.
inline bool wait_for(const std::function<bool()>& condition, double seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// Started in the directory of a Workplace, by which its processes are known in the process table.
class Job {
 public:
  Job(const Workplace& place, const std::vector<std::string>& command)
      : directory_(std::filesystem::canonical(place / "")), errors_(place / "errors.txt") {
    std::vector<std::string> words = {"env", "-C", directory_.string()};
    words.insert(words.end(), command.begin(), command.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors_.c_str(), flags, 0644);
    const int error = posix_spawnp(&launcher_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("the job did not start");
  }
  ~Job() {
    for (const auto& [pid, rank] : processes()) kill(pid, SIGKILL);
    if (!status_) waitpid(launcher_, nullptr, 0);
  }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  pid_t launcher() const { return launcher_; }

  // The process of a rank; none before it started and after it ended.
  std::optional<pid_t> rank(const std::string& rank) const {
    for (const auto& [pid, its_rank] : processes()) {
      if (its_rank == rank) return pid;
    }
    return std::nullopt;
  }

  // Living processes and the ranks they are; the launcher's is empty.
  std::map<pid_t, std::string> processes() const {
    std::map<pid_t, std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const pid_t pid = std::atoi(entry.path().filename().c_str());
      std::error_code gone;
      if (pid <= 0 || std::filesystem::read_symlink(entry.path() / "cwd", gone) != directory_) {
        continue;
      }
      found[pid] = rank_of(entry.path() / "environ");
    }
    return found;
  }

  // The exit status, or 128 + signal; none when it still runs after that time.
  std::optional<int> wait(double seconds) {
    wait_for(
        [&] {
          int status = 0;
          if (!status_ && waitpid(launcher_, &status, WNOHANG) == launcher_) {
            status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
          }
          return status_.has_value();
        },
        seconds);
    return status_;
  }

  // What the job has written on standard error so far.
  std::string errors() const { return read_file(errors_, 1 << 24); }

 private:
  static std::string rank_of(const std::filesystem::path& environment) {
    std::ifstream file(environment, std::ios::binary);
    const std::string name = "OMPI_COMM_WORLD_RANK=";
    for (std::string variable; std::getline(file, variable, '\0');) {
      if (variable.starts_with(name)) return variable.substr(name.size());
    }
    return "";
  }

  const std::filesystem::path directory_, errors_;
  pid_t launcher_ = 0;
  std::optional<int> status_;
};

// cocola_ddp in steps so small that most of the time goes into files.
inline std::vector<std::string> small_training(const std::vector<std::string>& settings,
                                               int ranks = 2) {
  std::istringstream words(mpirun_command(ranks));
  std::vector<std::string> command(std::istream_iterator<std::string>(words), {});
  command.insert(command.end(), {COCOLA_BIN "/cocola_ddp", "--config", kTiny});
  std::vector<std::string> all = {"training.source=features",  "training.augment.noise_std=0",
                                  "training.pairs_per_step=4", "training.validation_windows=4",
                                  "training.device=cpu",       "training.recompute_statistics=1"};
  all.insert(all.end(), settings.begin(), settings.end());
  for (const std::string& setting : all) command.insert(command.end(), {"--set", setting});
  return command;
}

// Lines of the log that tell of steps.
inline int64_t logged_steps(const Workplace& place) {
  std::ifstream file(place / "runs/tiny/log.jsonl");
  int64_t steps = 0;
  for (std::string line; std::getline(file, line);) steps += line.starts_with(R"({"kind":"train")");
  return steps;
}

}  // namespace cocola::testing
