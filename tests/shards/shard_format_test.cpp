#include "shards/shard_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "shards/example_shard.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using testing::error_of;
using testing::ExampleShard;
using ::testing::HasSubstr;

TEST(Encoding, CoversItsRangeWithSixteenBits) {
  const FeatureEncoding hps = encoding_for("hps"), mel = encoding_for("mel");
  EXPECT_DOUBLE_EQ(hps.offset_db, -80.0);
  EXPECT_NEAR(hps.offset_db + 65535 * hps.scale_db, 0.0, 1e-12);
  EXPECT_DOUBLE_EQ(mel.offset_db, -100.0);
  EXPECT_NEAR(mel.offset_db + 65535 * mel.scale_db, 100.0, 1e-12);
  EXPECT_LT(hps.scale_db / 2, 0.001);
  EXPECT_THAT(error_of([] { encoding_for("wavelet"); }), HasSubstr("wavelet"));
}

TEST(Settings, SurviveJson) {
  const ShardSettings settings = ExampleShard().settings;
  EXPECT_EQ(settings_from_json(Json::parse(settings_to_json(settings).dump()), "x"), settings);
}

TEST(Settings, AMissingOrUnusableValueIsNamed) {
  const Json good = settings_to_json(ExampleShard().settings);
  for (const auto& [key, value] : good.items()) {
    Json missing = good;
    missing.erase(key);
    EXPECT_THAT(error_of([&] { settings_from_json(missing, "origin"); }), HasSubstr(key));
    Json wrong = good;
    wrong[key] = Json::array();
    EXPECT_THAT(error_of([&] { settings_from_json(wrong, "origin"); }), HasSubstr(key));
  }
  for (const Json& value : {Json(0), Json(-5), Json(1.5), Json(uint64_t{1} << 63)}) {
    Json wrong = good;
    wrong["window_samples"] = value;
    EXPECT_THAT(error_of([&] { settings_from_json(wrong, "origin"); }),
                HasSubstr("window_samples"));
  }
}

// Older shards say nothing about their grid, and shards of the same windows are the same bytes.
TEST(Settings, NameTheGridOnlyWhereItIsNotTheUsualOne) {
  ShardSettings settings = ExampleShard().settings;
  EXPECT_FALSE(settings_to_json(settings).contains("window_grid"));
  settings.window_grid = "original";
  const Json json = settings_to_json(settings);
  EXPECT_EQ(settings_from_json(json, "x"), settings);
  for (const Json& value : {Json("hops"), Json(""), Json(1), Json(nullptr)}) {
    Json wrong = json;
    wrong["window_grid"] = value;
    EXPECT_THAT(error_of([&] { settings_from_json(wrong, "origin"); }),
                AllOf(HasSubstr("origin"), HasSubstr("window_grid")));
  }
}

TEST(Settings, RefuseAShapeThatCannotBeAllocated) {
  ShardSettings settings = ExampleShard().settings;
  settings.frames = int64_t{1} << 40;
  EXPECT_THAT(error_of([&] { settings.validate("origin"); }), HasSubstr("frames"));
}

TEST(Tables, RefuseWhatBreaksTheRules) {
  const ExampleShard good;
  const auto check = [](const ExampleShard& shard, int64_t num_values) {
    return error_of(
        [&] { check_tables(shard.settings, shard.tracks, shard.windows, num_values, "o"); });
  };
  EXPECT_EQ(check(good, 3 * 220), "");
  EXPECT_THAT(check(good, 3 * 220 - 1), HasSubstr("track 1"));
  ExampleShard shard = good;
  shard.windows[1].start_sample = 121;
  EXPECT_THAT(check(shard, 660), HasSubstr("window 1"));
  shard = good;
  shard.windows[1].start_sample = -1;
  EXPECT_THAT(check(shard, 660), HasSubstr("window 1"));
  shard = good;
  shard.windows[0].track = 2;
  EXPECT_THAT(check(shard, 660), HasSubstr("track 2 of 2"));
  shard = good;
  shard.windows[2].audible = {0, 1, 0};
  EXPECT_THAT(check(shard, 660), HasSubstr("fewer than two audible"));
  shard = good;
  shard.windows[2].audible = {1, 1};
  EXPECT_THAT(check(shard, 660), HasSubstr("window 2"));
  shard = good;
  shard.tracks[0].gain = NAN;
  EXPECT_THAT(check(shard, 660), HasSubstr("gain"));
  shard = good;
  shard.tracks[1].first_value = INT64_MAX;
  EXPECT_THAT(check(shard, 660), HasSubstr("track 1"));
}

// Documented in FORMAT.md with this value, which came from another implementation of XXH3.
TEST(WindowKey, IsTheHashOfWhatTheWindowIs) {
  EXPECT_EQ(window_key("one", 50), 0xc819621e);
  EXPECT_NE(window_key("one", 50), window_key("one", 51));
  EXPECT_NE(window_key("one", 50), window_key("two", 50));
}

}  // namespace
}  // namespace cocola
