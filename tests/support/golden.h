// Reference arrays for tests: read from the folder named by COCOLA_GOLDEN, else from tests/golden.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <string>

#include "model/safetensors.h"

namespace cocola::testing {

inline std::filesystem::path golden_directory() {
  const char* chosen = std::getenv("COCOLA_GOLDEN");
  return chosen != nullptr && *chosen != '\0' ? chosen : COCOLA_GOLDEN_DEFAULT;
}

inline SafetensorsFile golden(const std::string& name) {
  return read_safetensors(golden_directory() / (name + ".safetensors"));
}

}  // namespace cocola::testing
