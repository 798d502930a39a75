// The world of a test program whose tests run on every rank at once.
#pragma once
#include <c10/core/Device.h>

#include "comm/communicator.h"

namespace cocola::testing {

// Collective tests use it alike on all ranks; opened once by the program's main. Moves host
// tensors, and those of test_device().
Communicator& test_world();

// Where models of these tests live: the GPU when the environment says COCOLA_TEST_DEVICE=cuda.
at::Device test_device();

}  // namespace cocola::testing
