// Similarities that need no network: what accuracy can be had from the envelopes of a pair alone.
#pragma once
#include <ATen/core/Tensor.h>
#include <memory>
#include <span>
#include <vector>

#include "batches/pair_source.h"
#include "features/feature_config.h"

namespace cocola {

// How loud each frame is: the root of its mean power over channels and bands.
//
// Shapes: features [C, M, F] in dB, row-major; result [F].
std::vector<float> loudness_envelope(std::span<const float> features, const FeatureShape& shape);

// How much begins in each frame: the rises in dB since the frame before, summed over bands, of the
// percussive channel where there are two and of the only one elsewhere. 0 in the first frame.
//
// Shapes: as above.
std::vector<float> onset_envelope(std::span<const float> features, const FeatureShape& shape);

// Pearson's correlation of every anchor with every positive; 0 where one of the two is constant.
//
// Shapes: anchors, positives [n, F] float32; result [n, n] float32 in [-1, 1], to rounding.
at::Tensor correlations(const at::Tensor& anchors, const at::Tensor& positives);

// The envelopes of all windows, [num_windows, F] float32 each.
struct WindowEnvelopes {
  struct Views {
    at::Tensor anchors, positives;
  };
  Views loudness, onsets;

  WindowEnvelopes(int64_t num_windows, int64_t num_frames);
};

// Makes the pairs of `inner` and writes their envelopes to the windows' rows, so that features are
// made once for all that is measured. Channel masks come later and do not change envelopes.
std::unique_ptr<PairSource> recording_source(std::unique_ptr<PairSource> inner,
                                             const FeatureShape& shape,
                                             std::shared_ptr<WindowEnvelopes> envelopes);

}  // namespace cocola
