#include "eval/score_pictures.h"

#include <algorithm>

#include "audio/audio_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "config/command_line.h"
#include "eval/comparison.h"
#include "eval/score_document.h"

namespace cocola {

int64_t parse_num_pictures(const std::string& text) {
  return whole_number_of("--spectrograms", text, 0, kMostSpectrogramPairs);
}

std::vector<PairPicture> draw_pictures(const OrderedJson& document, const TrainedModel& model,
                                       int64_t most) {
  const OrderedJson& scores = document["scores"];
  std::vector<PairPicture> pictures;
  for (size_t i = 0; i < std::min(scores.size(), static_cast<size_t>(most)); ++i) {
    PairPicture picture;
    try {
      const auto read = [&](const char* key) {
        return read_waveform(scores[i][key].get<std::string>(), model.card.sample_rate_hz);
      };
      const Waveform a = read("a"), b = read("b");
      picture.spectrograms = draw_spectrograms(a, b, model.features);
    } catch (const Error& error) {
      picture.problem = error.what();
      log_warning("no spectrograms of pair {}: {}", name_of_pair(scores[i]), error.what());
    }
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

void add_comparison(OrderedJson& document) {
  document.erase("comparison");
  if (systems_of(document).size() < 2) return;
  try {
    document["comparison"] = compare_systems(document).to_json();
  } catch (const Error& error) {
    document["comparison"] = {{"problem", error.what()}};
    log_warning("the systems cannot be compared: {}", error.what());
  }
}

}  // namespace cocola
