#include "eval/embedding_source.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/zeros.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "audio/audio_file.h"
#include "base/error.h"
#include "base/progress.h"
#include "eval/npy_file.h"
#include "shards/real_matrix.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kStretchRows = 8192, kStretchValues = int64_t{1} << 26;

bool is_npy(const fs::path& path) { return path.extension() == ".npy"; }

int64_t rows_per_stretch(int64_t dimensions) {
  return std::clamp<int64_t>(kStretchValues / dimensions, 1, kStretchRows);
}

void require_finite(const at::Tensor& rows, int64_t first_row, const std::string& file) {
  const at::Tensor bad = at::isfinite(rows).all(1).logical_not().nonzero();
  if (bad.numel() == 0) return;
  fail("embeddings",
       "{}: NaN or infinity in {} of {} rows from row {} on, first in row {} (counted from 0)",
       file, bad.size(0), rows.size(0), first_row, first_row + bad[0].item<int64_t>());
}

// NpyMatrix and Hdf5Matrix alike.
template <typename Matrix>
void require_values(const Matrix& matrix, const std::string& file) {
  if (matrix.num_rows() > 0 && matrix.num_columns() > 0) return;
  fail("embeddings", "{}: {} rows of {} values; both must be 1 or more", file, matrix.num_rows(),
       matrix.num_columns());
}

template <typename Matrix>
PartCounts read_stretches(const Matrix& matrix, int64_t first, int64_t count,
                          const std::string& file, const EmbeddingSource::TakeRows& take) {
  const int64_t most = rows_per_stretch(matrix.num_columns());
  for (int64_t row = first; row < first + count; row += most) {
    const at::Tensor rows = matrix.read_rows(row, std::min(most, first + count - row));
    require_finite(rows, row, file);
    take(rows);
  }
  return {.num_rows = count, .num_silent_windows = 0};
}

struct Hdf5Matrix {
  RealMatrix stored;

  int64_t num_rows() const { return stored.num_rows(); }
  int64_t num_columns() const { return stored.num_columns(); }
  at::Tensor read_rows(int64_t first, int64_t count) const {
    const at::Tensor rows = at::empty({count, num_columns()}, at::kDouble);
    stored.read_rows(first, count,
                     {rows.data_ptr<double>(), static_cast<size_t>(count * num_columns())});
    return rows;
  }
};

template <typename Matrix>
class MatrixSource final : public EmbeddingSource {
 public:
  MatrixSource(const std::string& path, Matrix matrix)
      : EmbeddingSource(facts_of(path, matrix)), matrix_(std::move(matrix)) {}

  PartCounts read_part(int64_t part, const TakeRows& take) const override {
    const int64_t most = rows_per_stretch(facts().dimensions), first = part * most;
    return read_stretches(matrix_, first, std::min(most, matrix_.num_rows() - first), facts().path,
                          take);
  }

 private:
  static SourceFacts facts_of(const std::string& path, const Matrix& matrix) {
    require_values(matrix, path);
    const int64_t most = rows_per_stretch(matrix.num_columns());
    return {.path = path,
            .dimensions = matrix.num_columns(),
            .files = {},
            .num_parts = (matrix.num_rows() + most - 1) / most,
            .num_rows = matrix.num_rows(),
            .is_audio = false};
  }

  const Matrix matrix_;
};

// What folders have in common: a file is a part.
SourceFacts facts_of_folder(const fs::path& folder, const std::vector<fs::path>& files) {
  SourceFacts facts{
      .path = folder.string(), .files = {}, .num_parts = std::ssize(files), .num_rows = {}};
  for (const fs::path& file : files) {
    facts.files.push_back(file.lexically_relative(folder).string());
  }
  return facts;
}

class NpyFolder final : public EmbeddingSource {
 public:
  NpyFolder(const fs::path& folder, const std::vector<fs::path>& files)
      : EmbeddingSource(facts_of(folder, files)), files_(files) {}

  PartCounts read_part(int64_t part, const TakeRows& take) const override {
    const fs::path& file = files_[static_cast<size_t>(part)];
    const NpyMatrix matrix(file);
    return read_stretches(matrix, 0, matrix.num_rows(), file.string(), take);
  }

 private:
  static SourceFacts facts_of(const fs::path& folder, const std::vector<fs::path>& files) {
    SourceFacts facts = facts_of_folder(folder, files);
    facts.num_rows = 0;
    for (const fs::path& file : files) {
      const NpyMatrix matrix(file);
      require_values(matrix, file.string());
      if (file == files.front()) facts.dimensions = matrix.num_columns();
      if (matrix.num_columns() != facts.dimensions) {
        fail("embeddings", "{}: rows of {} values, those of {} have {}", file.string(),
             matrix.num_columns(), files.front().string(), facts.dimensions);
      }
      *facts.num_rows += matrix.num_rows();
    }
    return facts;
  }

  const std::vector<fs::path> files_;
};

class AudioFolder final : public EmbeddingSource {
 public:
  AudioFolder(const fs::path& folder, const std::vector<fs::path>& files,
              const AudioEmbedding& audio)
      : EmbeddingSource(facts_of(folder, files, audio)),
        folder_(folder),
        files_(files),
        audio_(audio) {}

  PartCounts read_part(int64_t part, const TakeRows& take) const override {
    const fs::path& file = files_[static_cast<size_t>(part)];
    const FileEmbeddings found = embed_file(file, folder_, audio_);
    require_finite(found.rows, 0, file.string());
    take(found.rows);
    return {found.rows.size(0), found.num_silent_windows};
  }

 private:
  static SourceFacts facts_of(const fs::path& folder, const std::vector<fs::path>& files,
                              const AudioEmbedding& audio) {
    if (audio.model == nullptr) {
      fail_usage("cocola_eval distance", "{} holds audio; name a model to embed it: --model FILE",
                 folder.string());
    }
    SourceFacts facts = facts_of_folder(folder, files);
    facts.dimensions = audio.model->card.model.embedding_size;
    facts.is_audio = true;
    return facts;
  }

  const fs::path folder_;
  const std::vector<fs::path> files_;
  const AudioEmbedding audio_;
};

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

std::unique_ptr<EmbeddingSource> open_source(const std::string& path, const AudioEmbedding& audio) {
  const size_t colon = path.rfind(":/");
  if (fs::is_directory(path)) {
    const std::vector<fs::path> files = list_files(path);
    if (is_npy(files.front())) return std::make_unique<NpyFolder>(path, files);
    return std::make_unique<AudioFolder>(path, files, audio);
  }
  if (is_npy(path)) return std::make_unique<MatrixSource<NpyMatrix>>(path, NpyMatrix(path));
  if (colon != std::string::npos) {
    return std::make_unique<MatrixSource<Hdf5Matrix>>(
        path, Hdf5Matrix{RealMatrix(path.substr(0, colon), path.substr(colon + 1))});
  }
  if (!fs::exists(path)) fail("embeddings", "{}: no such file or folder", path);
  fail("embeddings",
       "{}: neither a folder, nor an .npy file, nor a matrix of an HDF5 file (FILE.h5:/dataset)",
       path);
}

// One line each, for comparison between ranks.
std::string describe(const SourceFacts& facts) {
  return fmt::format("{} parts, {} rows of {} values\n{}\n", facts.num_parts,
                     facts.num_rows.value_or(-1), facts.dimensions, fmt::join(facts.files, "\n"));
}

}  // namespace

std::unique_ptr<EmbeddingSource> open_embeddings(const std::string& path,
                                                 const AudioEmbedding& audio) {
  std::unique_ptr<EmbeddingSource> source = open_source(path, audio);
  if (!source->facts().is_audio && !audio.context.empty()) {
    fail_usage("cocola_eval distance",
               "{} holds embeddings; a context can be mixed with audio alone", path);
  }
  return source;
}

std::vector<PartCounts> read_in_turn(const EmbeddingSource& source, Communicator& world,
                                     const std::function<PartCounts(int64_t part)>& read) {
  const SourceFacts& facts = source.facts();
  require_equal_everywhere(world, facts.path, describe(facts));
  const at::Tensor table = at::zeros({facts.num_parts, 2}, at::kLong);
  auto* const cells = table.mutable_data_ptr<int64_t>();
  Progress progress("embedding", "files", facts.num_parts,
                    world.is_rank_zero() && facts.is_audio && facts.num_parts > 1);
  for (int64_t part = world.rank(); part < facts.num_parts; part += world.world_size()) {
    const PartCounts counts = read(part);
    cells[2 * part] = counts.num_rows;
    cells[2 * part + 1] = counts.num_silent_windows;
    progress.update(std::min(part + world.world_size(), facts.num_parts));
  }
  world.all_reduce_sum(table);

  std::vector<PartCounts> counts;
  int64_t num_rows = 0;
  for (int64_t part = 0; part < facts.num_parts; ++part) {
    counts.push_back({cells[2 * part], cells[2 * part + 1]});
    num_rows += counts.back().num_rows;
  }
  if (num_rows == 0 && world.is_rank_zero()) {
    fail("embeddings", "{}: every window of its {} files is silent", facts.path,
         facts.files.size());
  }
  world.barrier();
  return counts;
}

}  // namespace cocola
