// A program whose last rank fails while the others wait for it: the whole job must end with its
// status.
#include <cstdio>
#include <exception>

#include "base/error.h"
#include "comm/communicator.h"

int main() {
  try {
    const auto world = cocola::open_host_world({});
    if (world->rank() == world->world_size() - 1) cocola::fail("test", "this rank fails");
    world->barrier();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    cocola::abort_world(7);
    return 7;
  }
}
