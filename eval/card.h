// The reference card of a model: what it was made from, what it measures and what it costs, in one
// document.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "eval/accuracy_table.h"
#include "eval/calibration.h"
#include "eval/cost.h"
#include "eval/document.h"
#include "eval/measured_model.h"
#include "eval/response.h"

namespace cocola {

struct CardFacts {
  const MeasuredModel& measured;
  const RunConfig& config;            // of the evaluation
  std::optional<RunConfig> training;  // of the model; empty where its file does not say
  ModelCost cost;
  AccuracyTables accuracy;
  Calibration calibration;
  bool is_calibration_stored = false;      // in the model file; else measured for the card
  std::optional<ResponseReport> response;  // empty where the shards hold no stems
};

// Measures all of it. The calibration of the file is taken where it is of these shards, split and
// seed.
//
// Throws: what measure_accuracy, calibrate and measure_response throw.
CardFacts measure_card(const MeasuredModel& measured, const RunConfig& config,
                       int64_t num_response_windows);

Document card_of(const CardFacts& facts);

// What somebody who relies on the model should know, as sentences; each follows from the facts.
std::vector<std::string> known_limits(const CardFacts& facts);

}  // namespace cocola
