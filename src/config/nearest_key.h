// Help for a misspelt key.
#pragma once
#include <string>
#include <vector>

#include "config/config_fields.h"

namespace cocola {

// "did you mean training.pairs_per_step?" where a key is near in spelling, or has the same last
// word in another section; otherwise the keys of the section the unknown key was written in.
std::string suggest_key(const std::string& unknown, const std::vector<Field>& fields);

}  // namespace cocola
