#include "support/peer_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "base/error.h"

extern char** environ;

namespace cocola::bench {

PeerProcess::PeerProcess(const std::vector<std::string>& arguments) : name_(arguments.at(0)) {
  signal(SIGPIPE, SIG_IGN);  // a peer that ended is an error of ask()
  int to_peer[2], from_peer[2];
  if (pipe2(to_peer, O_CLOEXEC) != 0 || pipe2(from_peer, O_CLOEXEC) != 0) {
    fail("bench", "no pipe to {}: {}", name_, std::strerror(errno));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_peer[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from_peer[1], STDOUT_FILENO);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int error = posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(to_peer[0]);
  close(from_peer[1]);
  input_ = fdopen(to_peer[1], "w");
  output_ = fdopen(from_peer[0], "r");
  if (error != 0) {
    fclose(input_);
    fclose(output_);
    fail("bench", "{} cannot be started: {}", name_, std::strerror(error));
  }
}

PeerProcess::~PeerProcess() {
  fclose(input_);
  fclose(output_);
  waitpid(pid_, nullptr, 0);
}

std::string PeerProcess::ask(const std::string& line) {
  std::string answer;
  if (fputs((line + "\n").c_str(), input_) >= 0 && fflush(input_) == 0) {
    for (int c = fgetc(output_); c != EOF; c = fgetc(output_)) {
      if (c == '\n') return answer;
      answer.push_back(static_cast<char>(c));
    }
  }
  fail("bench", "the peer {} ended before it answered \"{}\"", name_, line);
}

Peer open_peer(const std::vector<std::string>& arguments) {
  try {
    auto process = std::make_unique<PeerProcess>(arguments);
    const std::string answer = process->ask("ready?");
    if (answer != "ready") return {nullptr, answer};
    return {std::move(process), ""};
  } catch (const Error& e) {
    return {nullptr, e.what()};
  }
}

}  // namespace cocola::bench
