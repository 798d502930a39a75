// Runs small Python scripts that compare with independent tools. The interpreter is named by
// COCOLA_PYTHON_FOR_TESTS, else it is python3.
#pragma once
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

extern char** environ;

namespace cocola::testing {

struct ProgramResult {
  int status = 0;      // exit status, or 128 + signal
  std::string output;  // standard output
  std::string errors;  // standard error
};

// Runs a program by argument vector and collects what it prints.
inline ProgramResult run_process(const std::vector<std::string>& arguments) {
  std::string names[2];
  int fds[2];
  for (int i = 0; i < 2; ++i) {
    names[i] = "/tmp/cocola_output_XXXXXX";
    fds[i] = mkstemp(names[i].data());
    unlink(names[i].c_str());
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, fds[0], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fds[1], STDERR_FILENO);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ProgramResult result;
  if (error != 0) {
    result.status = 127;
  } else {
    int status = 0;
    waitpid(child, &status, 0);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string* const texts[2] = {&result.output, &result.errors};
  for (int i = 0; i < 2; ++i) {
    lseek(fds[i], 0, SEEK_SET);
    char block[4096];
    for (ssize_t n = 0; (n = read(fds[i], block, sizeof(block))) > 0;) {
      texts[i]->append(block, static_cast<size_t>(n));
    }
    close(fds[i]);
  }
  return result;
}

inline std::string python() {
  const char* chosen = std::getenv("COCOLA_PYTHON_FOR_TESTS");
  return chosen != nullptr && *chosen != '\0' ? chosen : "python3";
}

// True when the interpreter can import all the modules; tests that need them skip otherwise.
inline bool python_has(const std::vector<std::string>& modules) {
  std::string script;
  for (const std::string& module : modules) script += "import " + module + "\n";
  return run_process({python(), "-c", script}).status == 0;
}

// Standard output of a script. Throws with its standard error when it fails.
inline std::string run_python(const std::string& script,
                              const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {python(), "-c", script};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const ProgramResult result = run_process(all);
  if (result.status != 0) throw std::runtime_error("python failed: " + result.errors);
  return result.output;
}

}  // namespace cocola::testing
