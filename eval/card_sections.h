// The sections of a card, for eval/card.cpp.
#pragma once
#include "eval/card.h"

namespace cocola {

DocumentSection accuracy_section(const CardFacts& facts);
DocumentSection calibration_section(const CardFacts& facts);
DocumentSection response_section(const CardFacts& facts);

}  // namespace cocola
