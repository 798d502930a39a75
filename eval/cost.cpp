#include "eval/cost.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <span>
#include <vector>

#include "base/philox.h"
#include "eval/score.h"
#include "eval/window_features.h"

namespace cocola {
namespace {

constexpr int kRepetitions = 9;

double median_seconds(const std::function<void()>& work) {
  std::vector<double> seconds;
  for (int i = 0; i <= kRepetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    if (i > 0) seconds.push_back(passed.count());  // the first one warms up
  }
  std::ranges::nth_element(seconds, seconds.begin() + kRepetitions / 2);
  return seconds[kRepetitions / 2];
}

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::vector<float> noise(int64_t num_samples) {
  PhiloxStream stream(1, DrawPurpose::noise, 0, 0, 0);
  std::vector<float> samples;
  for (int64_t i = 0; i < num_samples; ++i) samples.push_back(0.1f * stream.next_normal());
  return samples;
}

}  // namespace

ModelCost measure_cost(const TrainedModel& model, const std::filesystem::path& path) {
  ModelCost cost;
  cost.num_parameters = model.model->state().num_parameters();
  cost.file_bytes = static_cast<int64_t>(std::filesystem::file_size(path));
  cost.processor = processor_name();
  cost.num_threads = at::get_num_threads();
  const std::vector<std::vector<float>> one = {noise(model.window_samples())};
  {
    const OperationThreads one_thread(1);
    FeatureExtractor extractor(model.features);
    at::Tensor features;
    cost.features_seconds = median_seconds([&] { features = features_of(extractor, one); });
    cost.embedding_seconds =
        median_seconds([&] { embed_features(model, features, ChannelMask::none); });
  }
  const std::vector<std::vector<float>> many(kRowsPerCall, one.front());
  const double busy = median_seconds([&] {
    share_work(cost.num_threads, [&](int64_t, int64_t) {
      FeatureExtractor extractor(model.features);
      embed_in_calls(model, features_of(extractor, many), ChannelMask::none);
    });
  });
  cost.busy_seconds = busy / static_cast<double>(cost.num_threads * kRowsPerCall);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  cost.peak_bytes = int64_t{usage.ru_maxrss} * 1024;
  return cost;
}

}  // namespace cocola
