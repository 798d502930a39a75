#include "eval/embeddings.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "eval/npy_file.h"
#include "eval/window_features.h"
#include "shards/real_matrix.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr size_t kWindowsPerCall = 16;

bool is_npy(const fs::path& path) { return path.extension() == ".npy"; }

void require_finite(const at::Tensor& rows, const std::string& file) {
  const at::Tensor bad = at::isfinite(rows).all(1).logical_not().nonzero();
  if (bad.numel() == 0) return;
  fail("embeddings", "{}: NaN or infinity in {} of {} rows, first in row {} (counted from 0)", file,
       bad.size(0), rows.size(0), bad[0].item<int64_t>());
}

void require_values(const at::Tensor& rows, const std::string& file) {
  if (rows.numel() == 0) {
    fail("embeddings", "{}: {} rows of {} values; both must be 1 or more", file, rows.size(0),
         rows.size(1));
  }
  require_finite(rows, file);
}

at::Tensor read_hdf5_rows(const std::string& file, const std::string& dataset) {
  const RealMatrix matrix = read_real_matrix(file, dataset);
  const at::Tensor rows = at::empty({matrix.num_rows, matrix.num_columns}, at::kDouble);
  if (!matrix.values.empty()) {
    std::memcpy(rows.data_ptr<double>(), matrix.values.data(),
                matrix.values.size() * sizeof(double));
  }
  return rows;
}

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

// The embeddings of one recording's audible windows, [n, d]; n = 0 where all are silent.
at::Tensor embed_recording(const TrainedModel& model, const Waveform& recording, double hop,
                           int64_t& num_silent_windows) {
  const at::NoGradGuard no_grad;
  const auto num_samples = static_cast<int64_t>(recording.samples.size());
  const int64_t length = model.window_samples();
  FeatureExtractor extractor(model.features);
  std::vector<at::Tensor> parts = {at::empty({0, model.card.model.embedding_size}, at::kFloat)};
  std::vector<std::vector<float>> windows;
  const auto embed_pending = [&] {
    if (windows.empty()) return;
    parts.push_back(model.model->embed(features_of(extractor, windows), EncoderCall{}));
    windows.clear();
  };
  for (const int64_t start : score_windows(num_samples, length, hop)) {
    std::vector<float> window =
        excerpt(recording, start, std::min(length, num_samples - start), length);
    if (is_silent(window)) {
      ++num_silent_windows;
      continue;
    }
    windows.push_back(std::move(window));
    if (windows.size() == kWindowsPerCall) embed_pending();
  }
  embed_pending();
  return at::cat(parts).to(at::kDouble);
}

// Audio or .npy files below a folder, sorted.
std::vector<fs::path> list_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path& path = entry.path();
    if (path.filename().string().starts_with(".") || !entry.is_regular_file()) continue;
    if (has_audio_extension(path) || is_npy(path)) files.push_back(path);
  }
  if (files.empty()) {
    fail("embeddings", "{}: neither audio nor .npy files below this folder", folder.string());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    if (is_npy(file) != is_npy(files.front())) {
      fail("embeddings", "{}: both audio ({}) and .npy files ({}); keep one kind in a folder",
           folder.string(), (is_npy(file) ? files.front() : file).string(),
           (is_npy(file) ? file : files.front()).string());
    }
  }
  return files;
}

EmbeddingSet read_folder(const std::string& folder, const AudioEmbedding& audio) {
  EmbeddingSet set;
  set.path = folder;
  std::vector<at::Tensor> parts;
  const std::vector<fs::path> files = list_files(folder);
  set.is_audio = !is_npy(files.front());
  if (set.is_audio && audio.model == nullptr) {
    fail_usage("cocola_eval distance", "{} holds audio; name a model to embed it: --model FILE",
               folder);
  }
  int64_t num_rows = 0;
  for (const fs::path& file : files) {
    at::Tensor rows;
    if (set.is_audio) {
      rows = embed_recording(*audio.model, read_recording(file, folder, audio), audio.hop,
                             set.num_silent_windows);
      require_finite(rows, file.string());
    } else {
      rows = read_npy_matrix(file);
      require_values(rows, file.string());
    }
    if (!parts.empty() && rows.size(1) != parts.front().size(1)) {
      fail("embeddings", "{}: rows of {} values, those of {} have {}", file.string(), rows.size(1),
           files.front().string(), parts.front().size(1));
    }
    set.files.push_back({file.lexically_relative(folder).string(), num_rows, rows.size(0)});
    num_rows += rows.size(0);
    parts.push_back(rows);
  }
  set.rows = at::cat(parts);
  return set;
}

}  // namespace

EmbeddingSet read_embeddings(const std::string& path, const AudioEmbedding& audio) {
  EmbeddingSet set;
  set.path = path;
  const size_t colon = path.rfind(":/");
  if (fs::is_directory(path)) {
    set = read_folder(path, audio);
  } else if (is_npy(path)) {
    set.rows = read_npy_matrix(path);
  } else if (colon != std::string::npos) {
    set.rows = read_hdf5_rows(path.substr(0, colon), path.substr(colon + 1));
  } else if (!fs::exists(path)) {
    fail("embeddings", "{}: no such file or folder", path);
  } else {
    fail("embeddings",
         "{}: neither a folder, nor an .npy file, nor a matrix of an HDF5 file (FILE.h5:/dataset)",
         path);
  }
  if (!set.is_audio && !audio.context.empty()) {
    fail_usage("cocola_eval distance",
               "{} holds embeddings; a context can be mixed with audio alone", path);
  }
  if (set.is_audio && set.rows.size(0) == 0) {
    fail("embeddings", "{}: every window of its {} files is silent", path, set.files.size());
  }
  require_values(set.rows, path);
  return set;
}

}  // namespace cocola
