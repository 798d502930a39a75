#include "eval/score_document.h"

#include <algorithm>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"

namespace cocola {
namespace {

constexpr uint64_t kLargestBytes = uint64_t{256} << 20;
constexpr const char* kScoreKeys[] = {"both", "harmonic", "percussive"};

// A place in a document, for errors.
struct Place {
  const std::string& file;
  std::string path;

  Place operator/(const std::string& key) const { return {file, path + "/" + key}; }
};

void require(bool condition, const Place& place, const OrderedJson& value, const char* expected) {
  if (condition) return;
  std::string text = value.dump();
  if (text.size() > 60) text = text.substr(0, 60) + "...";
  fail("score_document", "{}: {} is {}; expected {}, as `cocola_score --json` prints it",
       place.file, place.path, text, expected);
}

void check_number(const OrderedJson& object, const char* key, const Place& place) {
  const OrderedJson& value = value_or_null(object, key);
  require(value.is_null() || value.is_number(), place / key, value, "a number or null");
}

void check_text(const OrderedJson& object, const char* key, const Place& place) {
  const OrderedJson& value = value_or_null(object, key);
  require(value.is_null() || value.is_string(), place / key, value, "text or null");
}

void check_count(const OrderedJson& object, const char* key, const Place& place) {
  const OrderedJson& value = value_or_null(object, key);
  require(value.is_null() || value.is_number_unsigned(), place / key, value, "a whole number");
}

void check_curve(const OrderedJson& pair, const Place& place) {
  const OrderedJson& curve = value_or_null(pair, "curve");
  if (curve.is_null()) return;
  require(curve.is_object(), place / "curve", curve, "an object or null");
  const OrderedJson& starts = value_or_null(curve, "start_seconds");
  const Place at = place / "curve";
  const auto check_part = [&](const char* key) {
    const OrderedJson& values = value_or_null(curve, key);
    if (values.is_null() && key != std::string("start_seconds")) return;
    require(
        values.is_array() && values.size() == starts.size() &&
            std::ranges::all_of(values, [](const auto& v) { return v.is_number() || v.is_null(); }),
        at / key, values, "numbers or null, one for each start");
  };
  check_part("start_seconds");
  require(std::ranges::all_of(starts, [](const auto& v) { return v.is_number(); }),
          at / "start_seconds", starts, "numbers");
  for (const char* key : kScoreKeys) check_part(key);
}

void check_percentile(const OrderedJson& pair, const Place& place) {
  const OrderedJson& percentile = value_or_null(pair, "percentile");
  if (percentile.is_null()) return;
  const Place at = place / "percentile";
  require(percentile.is_object(), at, percentile, "an object or null");
  for (const char* key : kScoreKeys) {
    const OrderedJson& mode = value_or_null(percentile, key);
    if (mode.is_null()) continue;
    require(mode.is_object(), at / key, mode, "an object or null");
    for (const char* set : {"true_pairs", "mismatched"}) check_number(mode, set, at / key);
  }
}

void check_pair(const OrderedJson& pair, const Place& place) {
  require(pair.is_object(), place, pair, "an object");
  for (const char* key : {"a", "b"}) {
    const OrderedJson& value = value_or_null(pair, key);
    require(value.is_string(), place / key, value, "the path of a recording");
  }
  for (const char* key : {"name", "system", "reason"}) check_text(pair, key, place);
  for (const char* key : kScoreKeys) check_number(pair, key, place);
  for (const char* key : {"windows", "silent_windows"}) check_count(pair, key, place);
  const OrderedJson& spread = value_or_null(pair, "spread");
  require(spread.is_null() || spread.is_object(), place / "spread", spread, "an object or null");
  for (const char* key : kScoreKeys) check_number(spread, key, place / "spread");
  check_curve(pair, place);
  check_percentile(pair, place);
}

void check_unmatched(const OrderedJson& document, const Place& place) {
  const OrderedJson& unmatched = value_or_null(document, "unmatched");
  if (unmatched.is_null()) return;
  require(unmatched.is_object(), place, unmatched, "an object or null");
  for (const char* key : {"a", "b"}) {
    const OrderedJson& names = value_or_null(unmatched, key);
    const bool are_texts =
        names.is_array() && std::ranges::all_of(names, [](const auto& n) { return n.is_string(); });
    require(names.is_null() || are_texts, place / key, names, "a list of names");
  }
}

void check_document(const OrderedJson& document, const std::string& file) {
  const Place place{file, ""};
  require(document.is_object(), {file, "/"}, document, "an object");
  const OrderedJson& scores = value_or_null(document, "scores");
  require(scores.is_array() && !scores.empty(), place / "scores", scores, "a list of pairs");
  for (size_t i = 0; i < scores.size(); ++i) {
    check_pair(scores[i], place / "scores" / std::to_string(i));
  }
  for (const char* key : {"model", "model_digest"}) check_text(document, key, place);
  for (const char* key : {"hop", "window_seconds"}) check_number(document, key, place);
  check_unmatched(document, place / "unmatched");
}

void check_alike(const OrderedJson& first, const OrderedJson& other, const std::string& first_file,
                 const std::string& other_file) {
  for (const char* key : {"model_digest", "hop", "window_seconds"}) {
    const OrderedJson &x = value_or_null(first, key), &y = value_or_null(other, key);
    if (x.is_null() || y.is_null() || x == y) continue;
    fail("score_document",
         "{} has {} {}, {} has {}; scores of different models or windows cannot be compared",
         first_file, key, x.dump(), other_file, y.dump());
  }
}

}  // namespace

const OrderedJson& value_or_null(const OrderedJson& object, const char* key) {
  static const OrderedJson kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

OrderedJson read_score_document(const std::filesystem::path& path) {
  OrderedJson document =
      OrderedJson(parse_json_strictly(read_file(path, kLargestBytes), path.string()));
  check_document(document, path.string());
  return document;
}

OrderedJson read_score_documents(const std::vector<std::filesystem::path>& paths) {
  OrderedJson all = read_score_document(paths.front());
  if (paths.size() == 1) return all;
  OrderedJson scores = OrderedJson::array();
  for (const std::filesystem::path& path : paths) {
    OrderedJson document = read_score_document(path);
    check_alike(all, document, paths.front().string(), path.string());
    for (OrderedJson& pair : document["scores"]) {
      if (value_or_null(pair, "system").is_null()) pair["system"] = path.stem().string();
      scores.push_back(std::move(pair));
    }
  }
  all["scores"] = std::move(scores);
  return all;
}

std::vector<std::string> systems_of(const OrderedJson& document) {
  std::vector<std::string> systems;
  for (const OrderedJson& pair : document["scores"]) {
    const OrderedJson& system = value_or_null(pair, "system");
    if (system.is_null()) continue;
    const auto name = system.get<std::string>();
    if (std::ranges::find(systems, name) == systems.end()) systems.push_back(name);
  }
  return systems;
}

std::string name_of_pair(const OrderedJson& pair) {
  const OrderedJson& name = value_or_null(pair, "name");
  if (!name.is_null()) return name.get<std::string>();
  return std::filesystem::path(pair["b"].get<std::string>()).stem().string();
}

}  // namespace cocola
