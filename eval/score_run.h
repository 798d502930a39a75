// Scores a list of pairs, shared over the ranks of a world.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "comm/communicator.h"
#include "eval/pair_list.h"
#include "eval/score_set.h"

namespace cocola {

// The pairs of one rank, so that those with the same `a` are neighbours, on one rank where that is
// even.
//
// Law: over the ranks of a world, every pair once; numbers of pairs differ by at most 1.
std::vector<size_t> pairs_of_rank(const std::vector<NamedPair>& pairs, int64_t rank,
                                  int64_t world_size);

// Scores in the order of the pairs. Every file is opened before the first is decoded; then each is
// decoded once on a rank, all modes at once, and no more than one waveform is held.
//
// hop:        share of a window, range [0.01, 1].
// Collective: every rank, with equal pairs; each gets all scores.
// Throws:     Error on rank 0 naming file and pair when a file is missing or is no audio. What goes
//             wrong with one pair later, as in a damaged file, becomes its ScoredPair::problem.
// Law:        the same scores for any world size, and as score_pair(), to its rounding.
std::vector<ScoredPair> score_pairs(const TrainedModel& model, const std::vector<NamedPair>& pairs,
                                    double hop, Communicator& world);

}  // namespace cocola
