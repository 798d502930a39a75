// What `cocola_score --json` prints, read back from a file.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/json_fwd.h"

namespace cocola {

// A checked document: "scores" is an array of objects whose known keys have their types, the parts
// of a curve have one length, and harmonic and percussive are there together.
//
// Throws: Error naming file, place and value for anything else.
OrderedJson read_score_document(const std::filesystem::path& path);

// One document with the scores of all; pairs without a system get the name of their file, without
// extension, when there are several files. Other keys are those of the first.
//
// Requires: at least one path.
// Throws:   Error when the files are of different models or window settings, and what
//           read_score_document throws.
OrderedJson read_score_documents(const std::vector<std::filesystem::path>& paths);

// Systems of a checked document, in the order in which they appear.
std::vector<std::string> systems_of(const OrderedJson& document);

// Its "name"; without one, the file name of "b" without extension.
std::string name_of_pair(const OrderedJson& pair);

// The value of a key, null when it is missing.
const OrderedJson& value_or_null(const OrderedJson& object, const char* key);

}  // namespace cocola
