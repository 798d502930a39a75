// JSON as the programs of this folder write it: what is unknown is null, names need not be UTF-8.
#pragma once
#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "base/json.h"
#include "metrics/confidence.h"

namespace cocola {

template <typename Value>
OrderedJson or_null(const std::optional<Value>& value) {
  return value ? OrderedJson(*value) : OrderedJson(nullptr);
}

// Appends "low" and "high".
inline void append_interval(const std::optional<Interval>& interval, OrderedJson& json) {
  json["low"] = interval ? OrderedJson(interval->low) : OrderedJson(nullptr);
  json["high"] = interval ? OrderedJson(interval->high) : OrderedJson(nullptr);
}

inline OrderedJson estimate_to_json(const MeanEstimate& mean) {
  OrderedJson json = {{"value", mean.value}};
  append_interval(mean.interval, json);
  return json;
}

// One document on standard output.
inline void print_json(const OrderedJson& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, OrderedJson::error_handler_t::replace));
}

}  // namespace cocola
