// Renders MIDI songs into stems, one file per MIDI channel that sounds: the music of the demo.
#include <boost/program_options.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "preprocess/rendering/channel_renderer.h"
#include "preprocess/rendering/midi_songs.h"
#include "preprocess/rendering/song_rendering.h"

namespace {

using namespace cocola;
namespace po = boost::program_options;

constexpr const char* kProgram = "cocola_render_midi";

struct Settings {
  std::string soundfont, out;  // strings: Boost would split a path at spaces
  int64_t max_songs = 0;       // 0: all
  double max_seconds = 180.0;
  std::vector<std::string> inputs;
};

// False when help was all that was asked for.
bool read_command_line(int argc, char** argv, Settings& settings) {
  po::options_description options("Options");
  auto add = options.add_options();
  add("soundfont", po::value(&settings.soundfont)->value_name("F.sf2"), "General MIDI sound font");
  add("out", po::value(&settings.out)->value_name("DIR"),
      "one folder of stems per song is made here; songs that are there already are kept");
  add("songs", po::value(&settings.max_songs)->value_name("N"), "only the first N songs");
  add("seconds", po::value(&settings.max_seconds)->value_name("S"),
      "at most S seconds of each song (default 180)");
  add("help", "print this");
  po::options_description all;
  all.add(options).add_options()("input", po::value(&settings.inputs));
  po::positional_options_description positional;
  positional.add("input", -1);
  po::variables_map given;
  try {
    po::store(po::command_line_parser(argc, argv).options(all).positional(positional).run(), given);
    po::notify(given);
  } catch (const po::error& error) {
    fail_usage(kProgram, "{}; --help lists the options", error.what());
  }
  if (given.count("help") > 0) {
    std::cout << "Usage: " << kProgram << " --soundfont F.sf2 --out DIR [options] INPUT...\n"
              << "An INPUT is a MIDI file or a Doom WAD.\n\n"
              << options;
    return false;
  }
  if (settings.soundfont.empty() || settings.out.empty() || settings.inputs.empty()) {
    fail_usage(kProgram, "--soundfont, --out and at least one INPUT are needed; --help says more");
  }
  if (settings.max_songs < 0) {
    fail_usage(kProgram, "--songs is {}, allowed are 0 (all) and above", settings.max_songs);
  }
  if (!(settings.max_seconds >= 1.0 && settings.max_seconds <= 3600.0)) {
    fail_usage(kProgram, "--seconds is {}, allowed is [1, 3600]", settings.max_seconds);
  }
  return true;
}

int report(const RenderReport& report, size_t num_songs) {
  for (const std::string& name : report.skipped) {
    log_warning("{}: skipped, fewer than two channels sound", name);
  }
  log_info("{} songs: {} rendered, {} there already, {} skipped", num_songs, report.num_rendered,
           report.num_kept, report.skipped.size());
  if (report.is_stopped) {
    log_warning("stopped before the end; run again to continue");
    return kExitStopped;
  }
  if (report.skipped.size() == num_songs) fail(kProgram, "no song has two channels that sound");
  return kExitDone;
}

int render_midi(int argc, char** argv) {
  Settings settings;
  if (!read_command_line(argc, argv, settings)) return kExitDone;
  install_stop_signals();
  std::vector<MidiSong> songs = read_midi_songs({settings.inputs.begin(), settings.inputs.end()});
  const auto limit = static_cast<size_t>(settings.max_songs);
  if (limit > 0 && songs.size() > limit) songs.resize(limit);
  if (songs.empty()) fail(kProgram, "no MIDI music in the files given");
  const SoundFont font(settings.soundfont);
  return report(render_songs(songs, font, settings.out, settings.max_seconds), songs.size());
}

}  // namespace

int main(int argc, char** argv) {
  return cocola::run_program(kProgram, [=] { return render_midi(argc, argv); });
}
