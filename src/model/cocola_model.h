// The whole network: EfficientNet trunk, projection, LayerNorm and tanh, and the similarity.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>
#include <memory>
#include <utility>

#include "model/efficientnet.h"
#include "model/model_config.h"
#include "model/state.h"

namespace cocola {

// 4,926,300 parameters with two channels at width and depth 1 and the bilinear form; 4,926,012 with
// one.
//
// Random: initial weights are decided by (seed, name) alone: PyTorch's default laws, W as
// configured. Not thread-safe while training; embed() in evaluation changes nothing, and several
// threads may call it at once.
class CocolaModel {
 public:
  CocolaModel(const ModelConfig& config, int64_t in_channels, uint64_t seed);
  ~CocolaModel();
  CocolaModel(const CocolaModel&) = delete;
  CocolaModel& operator=(const CocolaModel&) = delete;

  const ModelConfig& config() const;
  int64_t in_channels() const;
  ModelState& state();
  const ModelState& state() const;
  // Moves every tensor; parameters keep requires_grad.
  void to(at::Device device);
  void to(at::ScalarType dtype);  // float32 or float64 (tests)
  at::Device device() const;

  // features [R, C, M, F] -> [R, D]. bilinear: tanh(LayerNorm(Linear(...))); cosine: L2-normalised
  // Linear(...). The head (after pooling) runs outside autocast on float32 or wider values; its
  // products are TF32 where the process allows that for float32.
  at::Tensor embed(const at::Tensor& features, const EncoderCall& call) const;

  // Training: the draws of dropout and drop-connect for pairs in groups, one encoder call each. On
  // the CPU.
  KeptRows draw_kept_rows(const RowDraws& draws, int64_t pairs_per_group) const;

  // Training: both views of B pairs, in batch-norm groups of g = pairs_per_group consecutive pairs;
  // each group is one encoder call of 2 g rows. Returns anchors' and positives' embeddings, [B, D]
  // each, with graph. statistics as in EncoderCall; weight per group = 1 / groups_per_step. `kept`:
  // of these pairs, on the model's device.
  std::pair<at::Tensor, at::Tensor> embed_pairs(const at::Tensor& anchors,
                                                const at::Tensor& positives,
                                                int64_t pairs_per_group, int64_t groups_per_step,
                                                const at::Tensor& statistics,
                                                const KeptRows& kept) const;

  // W [D, D] of the bilinear form; undefined for cosine.
  at::Tensor bilinear_weight() const;
  // 1 for bilinear, 1 / temperature for cosine.
  double similarity_scale() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cocola
