// Measures the calibration of a model on a reference set, and stores it in the model's file.
#pragma once
#include <filesystem>

#include "config/run_config.h"
#include "eval/calibration.h"
#include "eval/measured_model.h"

namespace cocola {

// Mismatched pairs beyond which only some are scored.
inline constexpr int64_t kMostMismatched = 1'000'000;

// Scores windows as cocola_score does. True pairs are the pairs of accuracy; mismatched ones join
// an anchor with a positive of another song: all there are, or about kMostMismatched of them, as
// many of each anchor.
//
// Random: decided by evaluation.seed.
// Throws: Error when all windows are of one song, when the shards were made for other windows or
//         features, and for a score that is not finite.
// Law:    the same to the bit for any number of threads.
Calibration calibrate(const MeasuredModel& measured, const RunConfig& config);

// Replaces the calibration that the file holds, if any. Atomic: the file is the old or the new one;
// weights, their bytes and all else that it says stay.
//
// Throws: Error when the file now holds another model than the one that was calibrated.
void store_calibration(const std::filesystem::path& path, const Calibration& calibration);

}  // namespace cocola
