// Embeddings of many windows, and how well their pairs are told apart.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "batches/pair_reader.h"
#include "comm/communicator.h"
#include "model/cocola_model.h"
#include "training/training_config.h"

namespace cocola {

struct WindowEmbeddings {
  at::Tensor anchors, positives;  // [n, D] float32 on the CPU, in the order of the windows
};

// Evaluates both views of the windows; the ranks share the work and all get the whole result.
// Empty tensors when give_up, asked between parts of the work, says so.
//
// Collective: every rank, with equal arguments; `host` moves host tensors. give_up is called by all
//             ranks at once and must answer all alike.
// Law:        the same for any world size; to the bit with equal numbers of operation threads.
WindowEmbeddings embed_windows(
    const CocolaModel& model, PairReader& reader, std::span<const int64_t> window_ids,
    Precision precision, Communicator& host,
    const std::function<bool()>& give_up = [] { return false; });
// The same of several models of one embedding size and device; features are made once for all. No
// entries after give_up.
std::vector<WindowEmbeddings> embed_windows(
    std::span<const CocolaModel* const> models, PairReader& reader,
    std::span<const int64_t> window_ids, Precision precision, Communicator& host,
    const std::function<bool()>& give_up = [] { return false; });

// Similarity of every anchor with every positive: [n, n], true pairs on the diagonal.
at::Tensor similarity_of(const WindowEmbeddings& embeddings, const CocolaModel& model);

struct ValidationReport {
  double loss = 0.0;      // mean cross entropy over blocks of num_candidates windows
  double accuracy = 0.0;  // expected accuracy at K = num_candidates
  int64_t num_candidates = 0;
  int64_t num_windows = 0;
};

// num_candidates: K, lowered to the number of windows when there are fewer.
ValidationReport validate(const WindowEmbeddings& embeddings, const CocolaModel& model,
                          int64_t num_candidates);

}  // namespace cocola
