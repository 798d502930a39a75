// The other side of a comparison: a program that answers one line to each line, kept running so
// that both sides are timed in turns in the same run.
#pragma once
#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace cocola::bench {

class PeerProcess {
 public:
  // Starts arguments[0], looked up in PATH, with these arguments. No shell is involved.
  // Throws: Error when it cannot be started.
  explicit PeerProcess(const std::vector<std::string>& arguments);
  // Closes its input and waits for its end.
  ~PeerProcess();
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  // Sends one line, returns the line it answers. Throws: Error when the peer has ended.
  std::string ask(const std::string& line);

 private:
  std::string name_;
  pid_t pid_ = 0;
  FILE* input_ = nullptr;
  FILE* output_ = nullptr;
};

// A peer whose packages may be missing.
struct Peer {
  std::unique_ptr<PeerProcess> process;  // null when it is missing
  std::string missing;                   // why
};
// Starts a peer that answers its first line with "ready", or with what it lacks.
Peer open_peer(const std::vector<std::string>& arguments);

}  // namespace cocola::bench
