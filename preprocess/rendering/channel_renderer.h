// Renders a MIDI song with FluidSynth, each MIDI channel apart: the stems of the song.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace cocola {

inline constexpr int64_t kRenderRateHz = 44100;

struct RenderedChannel {
  int channel = 0;     // [0, 15]; 9 is drums
  std::string family;  // General MIDI family of the program that plays most notes, or "drums"
  std::vector<int16_t> samples;  // mono, full scale 32767
};

// A sound font, loaded once; songs rendered while it lives share its samples.
// Threads: made on one thread; render() may then run on many.
class SoundFont {
 public:
  // Throws: UsageError when the file is no sound font that FluidSynth can read.
  explicit SoundFont(std::filesystem::path path);
  ~SoundFont();
  SoundFont(const SoundFont&) = delete;
  SoundFont& operator=(const SoundFont&) = delete;

  // The channels that sound, ascending, all of one length: the song with its release tails, but at
  // most max_seconds. No reverb or chorus, and one gain for all, so that they add up to the song.
  // A song that cannot be parsed has no channel that sounds.
  std::vector<RenderedChannel> render(const std::string& midi, double max_seconds) const;

 private:
  struct Synth;
  std::unique_ptr<Synth> new_synth() const;

  std::filesystem::path path_;
  std::unique_ptr<Synth> keeps_samples_loaded_;
};

}  // namespace cocola
