#include "eval/audio_embeddings.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "eval/score.h"
#include "eval/window_features.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// A file of a folder, with its context.
Waveform read_recording(const fs::path& file, const fs::path& folder, const AudioEmbedding& audio) {
  const int64_t rate = audio.model->card.sample_rate_hz;
  Waveform recording = read_waveform(file, rate);
  if (audio.context.empty()) return recording;
  const fs::path context_file = fs::path(audio.context) / file.lexically_relative(folder);
  if (!fs::exists(context_file)) {
    fail("embeddings", "{}: missing; it is the context of {}", context_file.string(),
         file.string());
  }
  const Waveform context = read_waveform(context_file, rate);
  recording.samples.resize(std::min(recording.samples.size(), context.samples.size()));
  for (size_t i = 0; i < recording.samples.size(); ++i) recording.samples[i] += context.samples[i];
  return recording;
}

}  // namespace

FileEmbeddings embed_file(const fs::path& file, const fs::path& folder,
                            const AudioEmbedding& audio) {
  const at::NoGradGuard no_grad;
  const TrainedModel& model = *audio.model;
  const Waveform recording = read_recording(file, folder, audio);
  const auto num_samples = static_cast<int64_t>(recording.samples.size());
  const int64_t length = model.window_samples();
  FeatureExtractor extractor(model.features);
  FileEmbeddings found;
  std::vector<at::Tensor> parts = {at::empty({0, model.card.model.embedding_size}, at::kFloat)};
  std::vector<std::vector<float>> windows;
  const auto embed_pending = [&] {
    if (windows.empty()) return;
    parts.push_back(model.model->embed(features_of(extractor, windows), EncoderCall{}));
    windows.clear();
  };
  for (const int64_t start : score_windows(num_samples, length, audio.hop)) {
    std::vector<float> window =
        excerpt(recording, start, std::min(length, num_samples - start), length);
    if (is_silent(window)) {
      ++found.num_silent_windows;
      continue;
    }
    windows.push_back(std::move(window));
    if (std::ssize(windows) == kWindowsPerCall) embed_pending();
  }
  embed_pending();
  found.rows = at::cat(parts).to(at::kDouble);
  return found;
}

}  // namespace cocola
