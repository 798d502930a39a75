#include "preprocess/rendering/channel_renderer.h"

#include <fluidsynth.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace cocola {
namespace {

constexpr const char* kWhere = "channel_renderer";
constexpr int kNumChannels = 16;
constexpr int kDrumChannel = 9;
constexpr int kNumPrograms = 128;
constexpr int kBlockFrames = 4096;
constexpr double kGain = 0.3;  // the loudest channel of the demo's songs peaks at 0.75
constexpr double kMaxTailSeconds = 5.0;
constexpr int kSilentBelow = 33;  // -60 dB of full scale
constexpr int kNoteOn = 0x90, kProgramChange = 0xC0;

constexpr std::array kFamilies = {"piano",      "chromatic_percussion",
                                  "organ",      "guitar",
                                  "bass",       "strings",
                                  "ensemble",   "brass",
                                  "reed",       "pipe",
                                  "synth_lead", "synth_pad",
                                  "synth_fx",   "ethnic",
                                  "percussive", "sound_effects"};

struct DeleteSettings {
  void operator()(fluid_settings_t* settings) const { delete_fluid_settings(settings); }
};
struct DeleteSynth {
  void operator()(fluid_synth_t* synth) const { delete_fluid_synth(synth); }
};
struct DeletePlayer {
  void operator()(fluid_player_t* player) const { delete_fluid_player(player); }
};

void report(int, const char* message, void*) { log_warning("FluidSynth: {}", message); }

// Which programs play on which channel, counted while the song plays.
struct Notes {
  fluid_synth_t* synth = nullptr;
  std::array<int, kNumChannels> program{};
  std::array<std::array<int64_t, kNumPrograms>, kNumChannels> count{};

  static int on_event(void* data, fluid_midi_event_t* event) {
    auto& notes = *static_cast<Notes*>(data);
    const auto channel = static_cast<size_t>(fluid_midi_event_get_channel(event)) % kNumChannels;
    const int type = fluid_midi_event_get_type(event);
    if (type == kProgramChange) {
      notes.program[channel] = fluid_midi_event_get_program(event) % kNumPrograms;
    } else if (type == kNoteOn && fluid_midi_event_get_velocity(event) > 0) {
      ++notes.count[channel][static_cast<size_t>(notes.program[channel])];
    }
    return fluid_synth_handle_midi_event(notes.synth, event);
  }

  std::string family(size_t channel) const {
    if (channel == kDrumChannel) return "drums";
    const auto most = std::max_element(count[channel].begin(), count[channel].end());
    return kFamilies[static_cast<size_t>(most - count[channel].begin()) / 8];
  }
};

// What FluidSynth writes in one call: left and right of every channel.
class Block {
 public:
  Block() : samples_(2 * kNumChannels * kBlockFrames) {
    for (size_t i = 0; i < rows_.size(); ++i) rows_[i] = samples_.data() + i * kBlockFrames;
  }
  // FluidSynth adds to what is there.
  void render(fluid_synth_t* synth) {
    std::fill(samples_.begin(), samples_.end(), 0.0f);
    if (fluid_synth_process(synth, kBlockFrames, 0, nullptr, static_cast<int>(rows_.size()),
                            rows_.data()) != FLUID_OK) {
      fail(kWhere, "FluidSynth failed to render");
    }
  }
  bool is_silent(size_t channel) const {
    const float* const both = rows_[2 * channel];
    return std::all_of(both, both + 2 * kBlockFrames, [](float x) { return x == 0.0f; });
  }
  int16_t mono(size_t channel, size_t frame) const {
    const float mean = 0.5f * (rows_[2 * channel][frame] + rows_[2 * channel + 1][frame]);
    return static_cast<int16_t>(std::lrint(std::clamp(mean, -1.0f, 1.0f) * 32767.0f));
  }

 private:
  std::vector<float> samples_;
  std::array<float*, 2 * kNumChannels> rows_{};
};

// The channels as they grow. A channel takes no memory before it sounds.
class Channels {
 public:
  void append(const Block& block, size_t num_frames) {
    for (size_t c = 0; c < samples_.size(); ++c) {
      if (samples_[c].empty() && block.is_silent(c)) continue;
      samples_[c].resize(length_ + num_frames);
      for (size_t i = 0; i < num_frames; ++i) samples_[c][length_ + i] = block.mono(c, i);
    }
    length_ += num_frames;
  }

  std::vector<RenderedChannel> sounding(const Notes& notes) && {
    std::vector<RenderedChannel> channels;
    for (size_t c = 0; c < samples_.size(); ++c) {
      const auto loud = [](int16_t x) { return std::abs(int{x}) >= kSilentBelow; };
      if (std::none_of(samples_[c].begin(), samples_[c].end(), loud)) continue;
      channels.push_back({static_cast<int>(c), notes.family(c), std::move(samples_[c])});
    }
    return channels;
  }

 private:
  std::array<std::vector<int16_t>, kNumChannels> samples_;
  size_t length_ = 0;
};

void set_number(fluid_settings_t* settings, const char* name, int value) {
  if (fluid_settings_setint(settings, name, value) != FLUID_OK) {
    fail(kWhere, "this FluidSynth does not take {} = {}", name, value);
  }
}

}  // namespace

struct SoundFont::Synth {
  std::unique_ptr<fluid_settings_t, DeleteSettings> settings{new_fluid_settings()};
  std::unique_ptr<fluid_synth_t, DeleteSynth> synth;
};

std::unique_ptr<SoundFont::Synth> SoundFont::new_synth() const {
  auto result = std::make_unique<Synth>();
  fluid_settings_t* const settings = result->settings.get();
  fluid_settings_setnum(settings, "synth.sample-rate", static_cast<double>(kRenderRateHz));
  fluid_settings_setnum(settings, "synth.gain", kGain);
  // One stereo pair for every MIDI channel.
  set_number(settings, "synth.audio-channels", kNumChannels);
  set_number(settings, "synth.audio-groups", kNumChannels);
  set_number(settings, "synth.reverb.active", 0);
  set_number(settings, "synth.chorus.active", 0);
  result->synth.reset(new_fluid_synth(settings));
  if (!result->synth) fail(kWhere, "FluidSynth could not be started");
  if (fluid_synth_sfload(result->synth.get(), path_.c_str(), 1) == FLUID_FAILED) {
    fail_usage(kWhere, "{}: not a sound font that FluidSynth can read", path_.string());
  }
  return result;
}

SoundFont::SoundFont(std::filesystem::path path) : path_(std::move(path)) {
  for (const int level : {FLUID_PANIC, FLUID_ERR}) fluid_set_log_function(level, report, nullptr);
  for (const int level : {FLUID_WARN, FLUID_INFO, FLUID_DBG}) {
    fluid_set_log_function(level, nullptr, nullptr);
  }
  // Asked first: a pipe would make FluidSynth wait, and its own message is less clear.
  if (!std::filesystem::is_regular_file(path_) || fluid_is_soundfont(path_.c_str()) == 0) {
    fail_usage(kWhere, "{}: not a sound font", path_.string());
  }
  keeps_samples_loaded_ = new_synth();
}

SoundFont::~SoundFont() = default;

std::vector<RenderedChannel> SoundFont::render(const std::string& midi, double max_seconds) const {
  // A synthesiser of its own for each song: nothing of the song before can be heard.
  const auto owner = new_synth();
  fluid_synth_t* const synth = owner->synth.get();
  const std::unique_ptr<fluid_player_t, DeletePlayer> player(new_fluid_player(synth));
  Notes notes;
  notes.synth = synth;
  if (!player || fluid_player_add_mem(player.get(), midi.data(), midi.size()) != FLUID_OK ||
      fluid_player_set_playback_callback(player.get(), &Notes::on_event, &notes) != FLUID_OK ||
      fluid_player_play(player.get()) != FLUID_OK) {
    fail(kWhere, "FluidSynth's player could not be started");
  }
  Block block;
  Channels channels;
  const auto longest = static_cast<size_t>(max_seconds * kRenderRateHz);
  auto tail = static_cast<int64_t>(kMaxTailSeconds * kRenderRateHz);
  for (size_t done = 0; done < longest && tail > 0; done += kBlockFrames) {
    const bool is_over = fluid_player_get_status(player.get()) == FLUID_PLAYER_DONE;
    if (is_over && fluid_synth_get_active_voice_count(synth) == 0) break;
    if (is_over) tail -= kBlockFrames;
    block.render(synth);
    channels.append(block, std::min<size_t>(kBlockFrames, longest - done));
  }
  return std::move(channels).sounding(notes);
}

}  // namespace cocola
