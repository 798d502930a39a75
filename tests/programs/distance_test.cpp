// Distances between sets of audio, alone and as ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/json.h"
#include "programs/program.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
using testing::num_errors;
using testing::ProgramResult;
using testing::Workplace;
namespace fs = std::filesystem;

// Folders a and b with a stem each of three songs.
class Distances : public ::testing::Test {
 protected:
  Distances() {
    for (const char* side : {"a", "b"}) fs::create_directory(place_ / side);
    int song = 0;
    for (const auto& stems : testing::stems_of_songs(3)) {
      const std::string name = std::to_string(++song) + stems[0].extension().string();
      fs::create_symlink(stems[0], place_ / ("a/" + name));
      fs::create_symlink(stems[1], place_ / ("b/" + name));
      names_.push_back(name);
    }
  }

  // 0 ranks: without a launcher.
  ProgramResult measure(int ranks, const std::string& option) const {
    std::vector<std::string> arguments = {"distance", "--json", "--model", testing::model_path(),
                                          "a",        "b"};
    if (!option.empty()) arguments.push_back(option);
    return ranks == 0 ? place_.run("cocola_eval", arguments)
                      : place_.run_ranks(ranks, "cocola_eval", arguments);
  }

  const Workplace place_;
  std::vector<std::string> names_;
};

// Equal but for the rounding of the network, which the number of threads decides.
void expect_same(const Json& found, const Json& expected) {
  ASSERT_EQ(found.type(), expected.type());
  if (expected.is_number_float()) {
    EXPECT_NEAR(found.get<double>(), expected.get<double>(),
                1e-4 * std::abs(expected.get<double>()));
  } else if (expected.is_structured()) {
    ASSERT_EQ(found.size(), expected.size());
    for (const auto& [key, value] : expected.items()) {
      SCOPED_TRACE(key);
      expect_same(expected.is_array() ? found[std::stoul(key)] : found[key], value);
    }
  } else {
    EXPECT_EQ(found, expected);
  }
}

TEST_F(Distances, AreTheSameAloneAndOnAnyNumberOfRanks) {
  for (const char* option : {"", "--frechet-only"}) {
    const ProgramResult alone = measure(0, option);
    ASSERT_EQ(alone.status, 0) << alone.errors;
    const Json expected = Json::parse(alone.output);
    EXPECT_EQ(expected["files"].size(), 3u);
    for (const int ranks : {1, 2, 4}) {
      const ProgramResult result = measure(ranks, option);
      ASSERT_EQ(result.status, 0) << result.errors;
      expect_same(Json::parse(result.output), expected);
    }
  }
}

TEST_F(Distances, ADamagedFileEndsAllRanksWithOneMessage) {
  const fs::path damaged = place_ / ("b/" + names_[1]);
  const std::string whole = read_file(damaged, 1 << 26);
  fs::remove(damaged);
  std::ofstream(damaged, std::ios::binary) << whole.substr(0, whole.size() / 2);
  for (const char* option : {"", "--frechet-only"}) {
    for (const int ranks : {0, 3}) {
      const ProgramResult result = measure(ranks, option);
      EXPECT_EQ(result.status, 1);
      EXPECT_EQ(result.output, "");
      EXPECT_EQ(num_errors(result.errors), 1) << result.errors;
      EXPECT_THAT(result.errors, HasSubstr("b/" + names_[1]));
    }
  }
}

}  // namespace
}  // namespace cocola
