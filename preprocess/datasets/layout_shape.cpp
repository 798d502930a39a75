#include "preprocess/datasets/layout_shape.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "preprocess/datasets/dataset.h"
#include "preprocess/datasets/listing.h"
#include "preprocess/datasets/split.h"

namespace cocola {
namespace {

namespace fs = std::filesystem;

// A data set shows its layout in its first tracks; a wrong root may hold anything, so looking is
// bounded.
constexpr size_t kProbedTracks = 20;
constexpr size_t kProbedRoots = 100;
// The most telling shape first: a folder of stems is part of some of the others.
constexpr std::array kMostTellingFirst = {Layout::cocochorales, Layout::moisesdb, Layout::slakh2100,
                                          Layout::musdb18hq, Layout::folder};

// Nothing where a directory cannot be read: guessing must not fail.
Listing listing_of(const fs::path& directory) {
  try {
    return list_directory(directory, directory);
  } catch (const Error&) {
    return {};
  }
}

std::vector<fs::path> first_directories(const fs::path& directory, size_t most) {
  std::vector<fs::path> directories = listing_of(directory).directories;
  directories.resize(std::min(directories.size(), most));
  return directories;
}

bool is_split(const fs::path& directory) {
  return !split_of_directory(directory.filename().string()).empty();
}

// Directories that may be tracks of a data set which starts at `home`.
struct Probe {
  fs::path home;
  std::vector<fs::path> below_home, below_splits;
};

Probe probe_below(const fs::path& home) {
  Probe probe{home, {}, {}};
  for (const fs::path& directory : listing_of(home).directories) {
    if (is_split(directory)) {
      const std::vector<fs::path> tracks = first_directories(directory, kProbedTracks);
      probe.below_splits.insert(probe.below_splits.end(), tracks.begin(), tracks.end());
    } else if (probe.below_home.size() < kProbedTracks) {
      probe.below_home.push_back(directory);
    }
  }
  return probe;
}

// As if the data set started one level up and held the root alone.
Probe probe_above(const fs::path& root) {
  const fs::path absolute = fs::absolute(root / "").lexically_normal().parent_path();
  Probe probe{(root / ".." / "").lexically_normal(), {}, {}};
  if (is_split(absolute)) {
    probe.below_splits = first_directories(root, kProbedTracks);
  } else {
    probe.below_home = {root};
  }
  return probe;
}

// What a track directory holds that makes it one of its layout; empty when it is none.
fs::path first_stem(const fs::path& directory, const NamePredicate& is_stem) {
  const std::vector<StemFiles> stems = stems_in(listing_of(directory), is_stem);
  return stems.empty() ? fs::path() : stems[0].files[0];
}

fs::path musdb_evidence(const fs::path& track) {
  const std::vector<StemFiles> stems = stems_in(listing_of(track), is_musdb_stem);
  return stems.size() < 2 ? fs::path() : stems[0].files[0];
}

fs::path moisesdb_evidence(const fs::path& track) {
  const fs::path metadata = track / "data.json";
  return is_file_inside(metadata, track) ? metadata : fs::path();
}

template <typename Evidence>
fs::path first_of(const std::vector<fs::path>& tracks, const Evidence& evidence) {
  for (const fs::path& track : tracks) {
    if (fs::path found = evidence(track); !found.empty()) return found;
  }
  return {};
}

// A file that shows the layout; empty when there is none.
fs::path evidence_of(Layout layout, const Probe& probe) {
  const auto in_splits_or_not = [&](const auto& evidence) {
    const fs::path found = first_of(probe.below_splits, evidence);
    return found.empty() ? first_of(probe.below_home, evidence) : found;
  };
  switch (layout) {
    case Layout::folder:
      return first_of(probe.below_home, [](const fs::path& track) {
        return first_stem(track, [](const std::string& name) { return !is_mix(name); });
      });
    case Layout::musdb18hq:
      return first_of(probe.below_splits, musdb_evidence);
    case Layout::moisesdb:
      return in_splits_or_not(moisesdb_evidence);
    case Layout::slakh2100:
      return in_splits_or_not(
          [](const fs::path& track) { return first_stem(track / "stems", is_slakh_stem); });
    case Layout::cocochorales:
      return first_of(probe.below_splits, [](const fs::path& track) {
        return first_stem(track / "stems_audio", [](const std::string&) { return true; });
      });
  }
  return {};
}

struct Sighting {
  Layout layout;
  fs::path home;      // where the layout starts
  fs::path evidence;  // a file that shows it
};

std::optional<Sighting> sighting_in(const std::vector<Probe>& probes) {
  for (const Layout layout : kMostTellingFirst) {
    for (const Probe& probe : probes) {
      const fs::path evidence = evidence_of(layout, probe);
      if (!evidence.empty()) return Sighting{layout, probe.home, evidence};
    }
  }
  return std::nullopt;
}

// Looks at the root first, then one level below it, and so on.
std::optional<Sighting> sighting_below(const fs::path& root, int levels) {
  std::vector<fs::path> homes = {root};
  for (int level = 0;; ++level) {
    std::vector<Probe> probes;
    for (const fs::path& home : homes) probes.push_back(probe_below(home));
    const std::optional<Sighting> sighting = sighting_in(probes);
    if (sighting || level == levels) return sighting;
    std::vector<fs::path> below;
    for (const fs::path& home : homes) {
      const std::vector<fs::path> directories = first_directories(home, kProbedRoots);
      below.insert(below.end(), directories.begin(), directories.end());
    }
    below.resize(std::min(below.size(), kProbedRoots));
    homes = std::move(below);
  }
}

// A part of a data set taken for the whole would be split once more, test tracks into train.
void refuse_split_directory(const fs::path& root) {
  const Probe above = probe_above(root);
  const auto holds_split = [](const fs::path& directory, size_t others) {
    return static_cast<size_t>(std::ranges::count_if(listing_of(directory).directories, is_split)) >
           others;
  };
  if (above.below_splits.empty() || holds_split(root, 0) || !holds_split(above.home, 1)) return;
  fail("preprocess", "{}: is the folder of one split; set root: {} and take: [...]", root.string(),
       above.home.string());
}

// Fails if the names around the root speak for something else than was asked for.
void refuse_other_shape(const DatasetConfig& dataset) {
  const fs::path root = dataset.root;
  const Probe above = probe_above(root);
  const fs::path expected = evidence_of(dataset.layout, above);
  std::optional<Sighting> sighting;
  if (!expected.empty()) sighting = Sighting{dataset.layout, above.home, expected};
  if (!sighting) sighting = sighting_below(root, 2);
  if (!sighting) sighting = sighting_in({above});
  if (!sighting) return;
  std::string advice;
  if (sighting->layout != dataset.layout) {
    advice = fmt::format("layout: {}", to_string(sighting->layout));
  }
  if (sighting->home != root) {
    advice += fmt::format("{}root: {}", advice.empty() ? "" : " and ", sighting->home.string());
  }
  fail("preprocess", "{}: no tracks of the layout {} ({}); it looks like {}: {} lies there; set {}",
       root.string(), to_string(dataset.layout), shape_of(dataset.layout),
       to_string(sighting->layout), sighting->evidence.string(), advice);
}

}  // namespace

bool is_musdb_stem(const std::string& name) {
  return name == "vocals" || name == "drums" || name == "bass" || name == "other";
}

bool is_slakh_stem(const std::string& name) {
  return name.size() > 1 && name[0] == 'S' &&
         name.find_first_not_of("0123456789", 1) == std::string::npos;
}

const char* shape_of(Layout layout) {
  switch (layout) {
    case Layout::folder:
      return "<track>/<stem>.wav, or flac, ogg, mp3";
    case Layout::musdb18hq:
      return "{train,test}/<track>/{bass,drums,other,vocals}.wav";
    case Layout::moisesdb:
      return "<track>/data.json with <track>/<stem>/<source>.wav";
    case Layout::slakh2100:
      return "{train,validation,test}/<track>/stems/S00.flac";
    case Layout::cocochorales:
      return "{train,valid,test}/<track>/stems_audio/<stem>.wav";
  }
  return "";
}

fs::path home_of(const DatasetConfig& dataset) {
  const fs::path root = dataset.root;
  const bool is_published = dataset.layout != Layout::folder;
  if (is_published) refuse_split_directory(root);
  if (!evidence_of(dataset.layout, probe_below(root)).empty()) return root;
  std::vector<fs::path> homes;
  for (const fs::path& below : first_directories(root, is_published ? kProbedRoots : 0)) {
    if (!evidence_of(dataset.layout, probe_below(below)).empty()) homes.push_back(below);
  }
  if (homes.size() > 1) {
    fail("preprocess", "{}: holds {} and {}, both of the layout {}; name one of them as root",
         root.string(), homes[0].filename().string(), homes[1].filename().string(),
         to_string(dataset.layout));
  }
  if (!homes.empty()) return homes[0];
  refuse_other_shape(dataset);
  return root;
}

LayoutGuess guess_layout(const fs::path& root) {
  const std::optional<Sighting> sighting = sighting_below(root, 1);
  if (!sighting) return {};
  return {sighting->layout, sighting->evidence.lexically_relative(root).string()};
}

}  // namespace cocola
