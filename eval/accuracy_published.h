// The accuracies that the COCOLA paper prints, and which of its rows a training belongs to.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/run_config.h"

namespace cocola {

// Columns of the tables.
inline constexpr std::array<Layout, 4> kPublishedSets = {Layout::musdb18hq, Layout::moisesdb,
                                                         Layout::slakh2100, Layout::cocochorales};

struct PublishedRow {
  const char* table;  // "I" or "II"
  const char* model;  // named by its training data
  int64_t k;
  std::array<double, 4> accuracy;  // on kPublishedSets, in [0, 1]
};

// The model of the tables whose features, similarity and training data a run has; empty when none.
// "All" and "HPS All" were trained on the ensemble "random" of CocoChorales alone.
std::string published_model_of(const RunConfig& run);

// The layout of each data set of an evaluation, by the name that its tracks carry.
std::optional<Layout> layout_named(const std::string& dataset, const RunConfig& config);

// A row of the paper, and what was measured in its place: empty where nothing was.
struct ComparedRow {
  PublishedRow published;
  std::array<std::optional<double>, 4> ours;
  bool is_ours() const;
};
// All rows of Tables I and II in their order; what was measured stands in those of `model` alone.
//
// measured: accuracy on one of kPublishedSets at K, where there is one.
std::vector<ComparedRow> compare_with_published(
    const std::string& model,
    const std::function<std::optional<double>(Layout, int64_t k)>& measured);

// Both tables as text, in percent, ours in a line of its own beneath the row it belongs to.
std::string published_tables(const std::vector<ComparedRow>& rows);

}  // namespace cocola
