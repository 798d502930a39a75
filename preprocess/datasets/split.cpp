#include "preprocess/datasets/split.h"

#include "base/digest.h"
#include "preprocess/datasets/python_shuffle.h"

namespace cocola {

std::string split_of_directory(const std::string& name) {
  if (name == "train" || name == "test") return name;
  const bool is_valid = name == "valid" || name == "validation" || name == "val" || name == "dev";
  return is_valid ? "valid" : "";
}

std::string split_by_hash(const std::string& name, const DatasetConfig& shares) {
  // The leading 53 bits of the digest as a number in [0, 1).
  const uint64_t bits = std::stoull(digest_of(name).substr(0, 16), nullptr, 16) >> 11;
  const double place = static_cast<double>(bits) * 0x1p-53;
  if (place < shares.train) return "train";
  return place < shares.train + shares.valid ? "valid" : "test";
}

std::vector<std::string> splits_by_recipe(size_t count, const DatasetConfig& shares) {
  constexpr uint32_t kPublishedSeed = 42;
  const auto part = [&](double share) {
    return static_cast<size_t>(share * static_cast<double>(count));
  };
  const size_t train_end = part(shares.train);
  const size_t valid_end =
      shares.test == 0.0 && shares.valid > 0.0 ? count : train_end + part(shares.valid);
  const std::vector<size_t> order = python_shuffle(count, kPublishedSeed);
  std::vector<std::string> splits(count, "test");
  for (size_t place = 0; place < valid_end; ++place) {
    splits[order[place]] = place < train_end ? "train" : "valid";
  }
  return splits;
}

}  // namespace cocola
