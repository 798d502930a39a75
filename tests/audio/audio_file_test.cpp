#include "audio/audio_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

#include "base/error.h"
#include "support/sound_file.h"
#include "support/temporary_directory.h"

// Read by builds with the address sanitizer: libsndfile 1.2 forgets these 6 kB when it refuses an
// ogg file that ends inside its headers.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __lsan_default_suppressions() { return "leak:vorbis_info_init"; }  // NOLINT

namespace cocola {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;
using testing::tone;
using testing::write_sound;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// What reading the whole file says; "read" when it succeeds.
std::string outcome(const fs::path& path) {
  try {
    read_waveform(path, 0);
  } catch (const Error& error) {
    return error.what();
  }
  return "read";
}

class AudioFileTest : public ::testing::Test {
 protected:
  // A file of one second of a tone, whole and then changed.
  fs::path sound(const std::string& name, int format) {
    write_sound(directory_ / name, tone_, 44100, 1, format);
    return directory_ / name;
  }
  fs::path bytes(const std::string& name, const std::string& content) {
    write_bytes(directory_ / name, content);
    return directory_ / name;
  }

  TemporaryDirectory directory_;
  std::vector<float> tone_ = tone(44100, 0.01, 0.5);
};

struct Coding {
  const char* name;
  int format;
  float tolerance;
};

constexpr Coding kCodings[] = {
    {"pcm8.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 1e-2f},
    {"pcm16.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 4e-5f},
    {"pcm24.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 1e-6f},
    {"pcm32.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_32, 1e-7f},
    {"float.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 0.0f},
    {"double.wav", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 0.0f},
    {"mu_law.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW, 3e-2f},
    {"a_law.wav", SF_FORMAT_WAV | SF_FORMAT_ALAW, 3e-2f},
    {"extensible.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_24, 1e-6f},
    {"long.rf64", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 4e-5f},
    {"long.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16, 4e-5f},
    {"pcm8.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_S8, 1e-2f},
    {"pcm16.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 4e-5f},
    {"float.aiff", SF_FORMAT_AIFF | SF_FORMAT_FLOAT, 0.0f},
    {"pcm16.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 4e-5f},
    {"pcm24.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 1e-6f},
    {"vorbis.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 5e-2f},
};

TEST_F(AudioFileTest, DecodesEveryContainerAndCodingOfTheList) {
  for (const auto& [name, format, tolerance] : kCodings) {
    const Waveform waveform = read_waveform(sound(name, format), 0);
    EXPECT_EQ(waveform.sample_rate_hz, 44100) << name;
    ASSERT_EQ(waveform.samples.size(), tone_.size()) << name;
    float error = 0.0f;
    for (size_t i = 0; i < tone_.size(); ++i) {
      error = std::max(error, std::abs(waveform.samples[i] - tone_[i]));
    }
    EXPECT_LE(error, tolerance) << name;
  }
}

TEST_F(AudioFileTest, DecodesMp3WhereLibsndfileHasIt) {
  fs::path path;
  try {
    path = sound("layer3.mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III);
  } catch (const std::runtime_error& error) {
    GTEST_SKIP() << error.what();
  }
  const Waveform waveform = read_waveform(path, 0);
  ASSERT_EQ(waveform.samples.size(), tone_.size());
  double energy = 0.0;
  for (const float x : waveform.samples) energy += double{x} * double{x};
  EXPECT_NEAR(std::sqrt(energy / 44100.0), 0.5 / std::sqrt(2.0), 0.01);
  const std::string whole = bytes_of(path);
  EXPECT_THAT(outcome(bytes("cut.mp3", whole.substr(0, whole.size() / 2))), HasSubstr("cut short"));
}

TEST_F(AudioFileTest, MonoIsTheMeanOfTheChannels) {
  for (const int channels : {1, 2, 6, 64}) {
    std::vector<float> frames;
    for (int i = 0; i < 5000; ++i) {
      for (int c = 0; c < channels; ++c) {
        frames.push_back(0.5f + 0.001f * static_cast<float>(c) - 1e-5f * static_cast<float>(i));
      }
    }
    write_sound(directory_ / "many.wav", frames, 8000, channels, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
    AudioFile file(directory_ / "many.wav");
    EXPECT_EQ(file.num_channels(), channels);
    EXPECT_EQ(file.sample_rate_hz(), 8000);
    EXPECT_EQ(file.num_samples(), 5000);
    std::vector<float> mono(5000);
    ASSERT_EQ(file.read(mono), 5000);
    for (int i = 0; i < 5000; ++i) {
      const float mean =
          0.5f + 0.0005f * static_cast<float>(channels - 1) - 1e-5f * static_cast<float>(i);
      ASSERT_NEAR(mono[static_cast<size_t>(i)], mean, 1e-6f) << channels << " channels";
    }
  }
}

TEST_F(AudioFileTest, BlocksJoinToTheWholeFileAndZeroMeansTheEnd) {
  const fs::path path = sound("a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  const Waveform whole = read_waveform(path, 0);
  AudioFile file(path);
  std::vector<float> joined, block(1237);
  while (const int64_t n = file.read(block))
    joined.insert(joined.end(), block.begin(), block.begin() + n);
  EXPECT_EQ(joined, whole.samples);
  EXPECT_EQ(file.read(block), 0);
}

TEST_F(AudioFileTest, ResamplesToTheRateAskedFor) {
  const Waveform waveform = read_waveform(sound("a.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT), 16000);
  EXPECT_EQ(waveform.sample_rate_hz, 16000);
  ASSERT_EQ(waveform.samples.size(), 16000u);
  const std::vector<float> expected = tone(16000, 441.0 / 16000, 0.5);
  for (size_t i = 100; i < 15900; ++i) ASSERT_NEAR(waveform.samples[i], expected[i], 1e-3f);
}

TEST_F(AudioFileTest, ContentDecidesNotTheName) {
  const fs::path path = sound("a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  fs::rename(path, directory_ / "a.wav");
  EXPECT_EQ(outcome(directory_ / "a.wav"), "read");
  EXPECT_THAT(outcome(bytes("text.wav", "These are words, not samples.")), HasSubstr("not audio"));
  EXPECT_THAT(outcome(bytes("image.flac", "\x89PNG\r\n\x1a\n and so on")), HasSubstr("not audio"));
  EXPECT_THAT(outcome(bytes("short.wav", "RI")), HasSubstr("not audio"));
}

TEST_F(AudioFileTest, RefusesCodingsAndContainersOutsideTheList) {
  EXPECT_THAT(outcome(sound("ima.wav", SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM)), HasSubstr("coding"));
  EXPECT_THAT(outcome(sound("ms.wav", SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM)), HasSubstr("coding"));
  EXPECT_THAT(outcome(sound("ima.aiff", SF_FORMAT_AIFF | SF_FORMAT_IMA_ADPCM)),
              HasSubstr("coding"));
  EXPECT_THAT(outcome(sound("a.au", SF_FORMAT_AU | SF_FORMAT_PCM_16)), HasSubstr("not audio"));
  EXPECT_THAT(outcome(sound("a.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16)), HasSubstr("not audio"));
}

TEST_F(AudioFileTest, CutFilesAreRefusedWhereverTheyAreCut) {
  for (const auto& [name, format, tolerance] : kCodings) {
    const std::string whole = bytes_of(sound(name, format));
    for (const double share : {0.999, 0.7, 0.3, 0.01}) {
      const auto size = static_cast<size_t>(share * static_cast<double>(whole.size()));
      EXPECT_NE(outcome(bytes("cut", whole.substr(0, size))), "read") << name << " at " << share;
    }
  }
}

TEST_F(AudioFileTest, CutSamplesAreNamedAsSuch) {
  const std::string wav = bytes_of(sound("a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16));
  const std::string text = outcome(bytes("cut.wav", wav.substr(0, wav.size() - 1)));
  EXPECT_THAT(text, HasSubstr("cut.wav"));
  EXPECT_THAT(text, HasSubstr("claims 88200 bytes of samples, 88199 are there"));
  const std::string flac = bytes_of(sound("a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16));
  EXPECT_THAT(outcome(bytes("cut.flac", flac.substr(0, flac.size() / 2))), HasSubstr("cut short"));
}

TEST_F(AudioFileTest, AFlacHeaderThatStatesTooFewSamplesIsRefused) {
  std::string flac = bytes_of(sound("a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16));
  for (const uint32_t stated : {44099u, 40960u, 4096u, 1u}) {
    for (size_t i = 0; i < 4; ++i) flac[22 + i] = static_cast<char>(stated >> (24 - 8 * i));
    EXPECT_THAT(outcome(bytes("less.flac", flac)),
                HasSubstr(std::to_string(stated) + " samples, but more follow"));
  }
}

TEST_F(AudioFileTest, WhatIsNoAudioBehindAFlacFileIsLeftOut) {
  const std::string flac = bytes_of(sound("a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16));
  EXPECT_EQ(outcome(bytes("tagged.flac", flac + "TAG" + std::string(125, ' '))), "read");
  const std::string id3("ID3\x04\0\0\0\0\0\x02xx", 12);
  EXPECT_EQ(outcome(bytes("id3.flac", id3 + flac)), "read");
}

// The checksum of an ogg page: bits from the top, polynomial 0x04C11DB7.
uint32_t ogg_checksum(const std::string& page) {
  uint32_t sum = 0;
  for (const char byte : page) {
    sum ^= static_cast<uint32_t>(static_cast<unsigned char>(byte)) << 24;
    for (int bit = 0; bit < 8; ++bit) sum = sum << 1 ^ ((sum >> 31) * 0x04C11DB7u);
  }
  return sum;
}

TEST_F(AudioFileTest, AnOggFileWhoseLastPageStatesTooFewSamplesIsRefused) {
  tone_ = tone(10 * 44100, 0.01, 0.5);
  for (size_t i = 0; i < tone_.size(); ++i) tone_[i] *= static_cast<float>(i * i % 97) / 97.0f;
  const std::string ogg = bytes_of(sound("a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS));
  EXPECT_EQ(outcome(bytes("whole.ogg", ogg)), "read");
  const size_t last = ogg.rfind("OggS");
  std::string page = ogg.substr(last);
  const std::string thousand("\xe8\x03\0\0\0\0\0\0", 8);
  page.replace(6, 8, thousand).replace(22, 4, std::string(4, '\0'));
  const uint32_t sum = ogg_checksum(page);
  for (size_t i = 0; i < 4; ++i) page[22 + i] = static_cast<char>(sum >> (8 * i));
  EXPECT_THAT(outcome(bytes("less.ogg", ogg.substr(0, last) + page)),
              HasSubstr("its last page states 1000 samples"));
}

TEST_F(AudioFileTest, SeveralOggStreamsInARowAreRefused) {
  const std::string ogg = bytes_of(sound("a.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS));
  std::string other = ogg;
  for (size_t at = other.find("OggS"); at != std::string::npos; at = other.find("OggS", at + 4)) {
    other[at + 14] = static_cast<char>(other[at + 14] ^ 1);
  }
  EXPECT_THAT(outcome(bytes("two.ogg", ogg + other)), HasSubstr("several streams"));
}

TEST_F(AudioFileTest, DamageInsideAFlacFrameIsFound) {
  std::string flac = bytes_of(sound("a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16));
  for (size_t i = flac.size() / 2; i < flac.size() / 2 + 20; ++i) flac[i] ^= '\x55';
  EXPECT_THAT(outcome(bytes("damaged.flac", flac)), HasSubstr("damaged"));
}

class WavHeader : public AudioFileTest {
 protected:
  // The outcome for one second of 16-bit samples whose data chunk claims `claim` bytes.
  std::string outcome_of_claim(uint32_t claim) {
    std::string wav = bytes_of(sound("a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16));
    for (size_t i = 0; i < 4; ++i) wav[40 + i] = static_cast<char>(claim >> (8 * i));
    return outcome(bytes("claim.wav", wav));
  }
};

TEST_F(WavHeader, ClaimsMayNotExceedTheFile) {
  EXPECT_EQ(outcome_of_claim(88200), "read");
  EXPECT_EQ(outcome_of_claim(88199), "read");  // half a sample is left over
  EXPECT_THAT(outcome_of_claim(88202), HasSubstr("cut short"));
  EXPECT_THAT(outcome_of_claim(0xFFFFFFFE), HasSubstr("cut short"));
  EXPECT_THAT(outcome_of_claim(0), HasSubstr("no samples"));
}

TEST_F(WavHeader, UnknownLengthAsWrittenIntoAPipeIsReadToTheEnd) {
  EXPECT_EQ(outcome_of_claim(0xFFFFFFFF), "read");
}

TEST_F(WavHeader, AloneIsRefused) {
  const std::string wav = bytes_of(sound("a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16));
  EXPECT_NE(outcome(bytes("header.wav", wav.substr(0, 44))), "read");
  write_sound(directory_ / "none.wav", {}, 44100);
  EXPECT_THAT(outcome(directory_ / "none.wav"), HasSubstr("no samples"));
}

TEST_F(AudioFileTest, OneSampleIsEnough) {
  write_sound(directory_ / "one.wav", {0.25f}, 44100);
  EXPECT_EQ(read_waveform(directory_ / "one.wav", 0).samples, std::vector<float>{0.25f});
}

TEST_F(AudioFileTest, LengthBeyondFourHoursIsRefusedBeforeAnyMemoryIsTaken) {
  std::string flac = bytes_of(sound("a.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16));
  flac[21] = static_cast<char>(flac[21] | 0x0F);  // top bits of the stated number of samples
  EXPECT_THAT(outcome(bytes("huge.flac", flac)), HasSubstr("4 hours"));
  flac[21] = static_cast<char>(flac[21] & 0xF0);
  std::fill_n(flac.begin() + 22, 4, '\0');
  EXPECT_THAT(outcome(bytes("unknown.flac", flac)), HasSubstr("does not state its length"));
}

TEST_F(AudioFileTest, RatesAndChannelsOutsideTheRangeAreRefused) {
  for (const int rate : {1, 999, 384001}) {
    write_sound(directory_ / "rate.wav", tone(100, 0.1, 0.5), rate);
    EXPECT_THAT(outcome(directory_ / "rate.wav"), HasSubstr("sampling rate")) << rate;
  }
  for (const int rate : {1000, 8000, 96000, 384000}) {
    write_sound(directory_ / "rate.wav", tone(100, 0.1, 0.5), rate);
    EXPECT_EQ(outcome(directory_ / "rate.wav"), "read") << rate;
  }
  for (const int channels : {65, 1024}) {
    write_sound(directory_ / "channels.wav", tone(channels * 10, 0.1, 0.5), 44100, channels);
    EXPECT_NE(outcome(directory_ / "channels.wav"), "read") << channels;
  }
}

TEST_F(AudioFileTest, NotANumberIsRefusedWithItsPosition) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(), 4e12f}) {
    std::vector<float> frames = tone(30000, 0.01, 0.5);
    frames[2 * 12345 + 1] = bad;
    write_sound(directory_ / "bad.wav", frames, 44100, 2, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
    EXPECT_THAT(outcome(directory_ / "bad.wav"), HasSubstr("sample 12345 is")) << bad;
  }
}

TEST_F(AudioFileTest, DenormalsAndLoudFloatsAreSamples) {
  const std::vector<float> frames = {1e-40f, -1e-40f, 3.0f, -3.0f, 0.0f};
  write_sound(directory_ / "odd.wav", frames, 44100, 1, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  EXPECT_EQ(read_waveform(directory_ / "odd.wav", 0).samples, frames);
}

TEST_F(AudioFileTest, OnlyRegularFilesAreOpened) {
  fs::create_directory(directory_ / "folder.wav");
  EXPECT_THAT(outcome(directory_ / "folder.wav"), HasSubstr("directory"));
  ASSERT_EQ(mkfifo((directory_ / "pipe.wav").c_str(), 0600), 0);
  EXPECT_THAT(outcome(directory_ / "pipe.wav"), HasSubstr("only files"));
  EXPECT_THAT(outcome("/dev/zero"), HasSubstr("only files"));
  fs::create_symlink("loop.wav", directory_ / "loop.wav");
  EXPECT_THAT(outcome(directory_ / "loop.wav"), HasSubstr("symbolic links"));
  fs::create_symlink("nowhere.wav", directory_ / "dangling.wav");
  EXPECT_THAT(outcome(directory_ / "dangling.wav"), HasSubstr("No such file"));
  EXPECT_THAT(outcome(bytes("empty.wav", "")), HasSubstr("empty file"));
}

TEST_F(AudioFileTest, UnreadableFilesAreNamed) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read every file";
  const fs::path path = sound("secret.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  fs::permissions(path, fs::perms::none);
  EXPECT_THAT(outcome(path), HasSubstr("Permission denied"));
}

TEST_F(AudioFileTest, RefusedFilesAreClosed) {
  const fs::path path = bytes("bad.flac", "fLaC and nothing that follows");
  const int before = dup(0);
  close(before);
  for (int i = 0; i < 20; ++i) EXPECT_THAT(outcome(path), HasSubstr("cannot be decoded"));
  const int after = dup(0);
  close(after);
  EXPECT_EQ(before, after);
}

TEST(AudioExtension, IsKnownInAnyCaseAndHiddenFilesAreNot) {
  for (const char* name : {"a.wav", "b/A.WAV", "a.b.Flac", "x.ogg", "x.mp3", "x.aif", "x.w64"}) {
    EXPECT_TRUE(has_audio_extension(name)) << name;
  }
  for (const char* name :
       {"a.txt", "wav", "._S00.flac", ".hidden.wav", "a.wav.part", "a.mid", ""}) {
    EXPECT_FALSE(has_audio_extension(name)) << name;
  }
}

}  // namespace
}  // namespace cocola
