// Preloaded into cocola_ddp, makes reads of training shards hang once the first step is logged, as
// those of a network file system whose server is gone: in a process alone, or on rank 1.
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace {

bool server_is_gone() {
  struct stat facts {};
  return stat("runs/tiny/log.jsonl", &facts) == 0 && facts.st_size > 0;
}

bool is_training_shard(int file) {
  char target[4096] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  return readlink(link.c_str(), target, sizeof target - 1) > 0 &&
         std::string(target).find("/train-") != std::string::npos;
}

bool is_chosen_rank() {
  const char* const rank = getenv("OMPI_COMM_WORLD_RANK");
  return rank == nullptr || std::string(rank) == "1";
}

}  // namespace

extern "C" ssize_t pread(int file, void* out, size_t num_bytes, off_t offset) {
  while (is_chosen_rank() && is_training_shard(file) && server_is_gone()) pause();
  using Read = ssize_t (*)(int, void*, size_t, off_t);
  static const auto system_pread = reinterpret_cast<Read>(dlsym(RTLD_NEXT, "pread"));
  return system_pread(file, out, num_bytes, offset);
}
