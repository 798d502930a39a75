// The world of a test program whose tests run on every rank at once.
#pragma once
#include "comm/communicator.h"

namespace cocola::testing {

// Collective tests use it alike on all ranks; opened once by the program's main.
Communicator& test_world();

}  // namespace cocola::testing
