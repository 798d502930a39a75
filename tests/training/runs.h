// Whole trainings of the small learning problem, and what they leave.
#pragma once
#include <ATen/Parallel.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "training/synthetic.h"

namespace cocola::testing {

inline ModelCard small_card() {
  ModelCard card;
  card.model = small_model_config();
  card.feature_kind = "hps";
  card.feature_fingerprint = "0123456789abcdef";
  card.feature_settings = "{}";
  return card;
}

inline TrainingEnd train_in(const std::filesystem::path& directory, const TrainingConfig& config,
                            const TrainingData& data = synthetic_data(48, 16)) {
  at::set_num_threads(1);  // so small a network is slower on more
  CocolaModel model(small_model_config(), 2, config.seed);
  const auto world = open_solo_world();
  return train(model, data, config, small_card(), {directory, "run", "experiment: run\n"}, *world,
               *world);
}

inline std::string bytes_of(const std::filesystem::path& path) { return read_file(path, 1 << 28); }

// NaN in the anchors of one window.
class BrokenWindowSource : public SyntheticSource {
 public:
  explicit BrokenWindowSource(int64_t broken) : broken_(broken) {}
  void make_pair(int64_t window, int64_t epoch, std::span<float> anchor,
                 std::span<float> positive) override {
    SyntheticSource::make_pair(window, epoch, anchor, positive);
    if (window == broken_) anchor[7] = std::nanf("");
  }

 private:
  int64_t broken_;
};

inline TrainingData data_with_a_broken_window(int64_t window) {
  TrainingData data = synthetic_data(48, 16);
  data.make_train_source = [window] { return std::make_unique<BrokenWindowSource>(window); };
  return data;
}

}  // namespace cocola::testing
