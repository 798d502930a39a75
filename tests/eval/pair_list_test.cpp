#include "eval/pair_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "support/temporary_directory.h"

namespace cocola {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Pairs : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text = "") const {
    fs::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name, std::ios::binary) << text;
    return (directory_ / name).string();
  }
  std::string path(const std::string& name) const { return (directory_ / name).string(); }

  const testing::TemporaryDirectory directory_;
};

template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST_F(Pairs, FilesOfFoldersMatchByPathWithoutExtension) {
  for (const char* name : {"a/z.wav", "a/song/drums.wav", "a/only.wav", "a/notes.txt", "b/z.flac",
                           "b/song/drums.ogg", "b/drums.wav", "b/.hidden.wav"}) {
    write(name);
  }
  const PairList list = pairs_of_two(path("a"), path("b"));
  ASSERT_EQ(list.pairs.size(), 2u);
  EXPECT_EQ(list.pairs[0].name, "song/drums");
  EXPECT_EQ(list.pairs[0].a, path("a/song/drums.wav"));
  EXPECT_EQ(list.pairs[0].b, path("b/song/drums.ogg"));
  EXPECT_EQ(list.pairs[1].name, "z");
  EXPECT_EQ(list.pairs[1].b, path("b/z.flac"));
  EXPECT_THAT(list.unmatched_a, ElementsAre(path("a/only.wav")));
  EXPECT_THAT(list.unmatched_b, ElementsAre(path("b/drums.wav")));
}

TEST_F(Pairs, FoldersThatGiveNoPairAreNamed) {
  write("a/x.wav");
  write("b/y.wav");
  write("text/readme.txt");
  fs::create_directory(directory_ / "empty");
  EXPECT_THAT(error_of([&] { pairs_of_two(path("a"), path("empty")); }), HasSubstr(path("empty")));
  EXPECT_THAT(error_of([&] { pairs_of_two(path("text"), path("a")); }), HasSubstr(path("text")));
  EXPECT_THAT(error_of([&] { pairs_of_two(path("a"), path("b")); }),
              AllOf(HasSubstr(path("a")), HasSubstr(path("b"))));
  EXPECT_THROW(pairs_of_two(path("a"), path("a/x.wav")), UsageError);
  write("a/x.flac");
  EXPECT_THAT(error_of([&] { pairs_of_two(path("a"), path("b")); }),
              AllOf(HasSubstr("x.wav"), HasSubstr("x.flac")));
}

TEST_F(Pairs, CandidatesAreFilesAndWhatLiesInFolders) {
  for (const char* name : {"mix.wav", "one.wav", "more/three.wav", "more/two.wav"}) write(name);
  const PairList list = pairs_of_candidates({path("mix.wav"), path("one.wav"), path("more")});
  std::vector<std::string> names;
  for (const NamedPair& pair : list.pairs) {
    EXPECT_EQ(pair.a, path("mix.wav"));
    names.push_back(pair.name);
  }
  EXPECT_THAT(names, ElementsAre("one", "three", "two"));
  EXPECT_THROW(pairs_of_candidates({path("mix.wav")}), UsageError);
  EXPECT_THROW(pairs_of_candidates({path("more"), path("one.wav")}), UsageError);
}

TEST_F(Pairs, PathsOfATableStartAtItsFolder) {
  const std::string table = write(
      "lists/pairs.csv", "system,b,a,extra\nloud,b/x.wav,../mix.wav,1\n,/abs/y.wav,m.wav,2\n");
  const PairList list = pairs_of_csv(table);
  ASSERT_EQ(list.pairs.size(), 2u);
  EXPECT_EQ(list.pairs[0].a, path("lists/../mix.wav"));
  EXPECT_EQ(list.pairs[0].b, path("lists/b/x.wav"));
  EXPECT_EQ(list.pairs[0].system, "loud");
  EXPECT_EQ(list.pairs[0].name, "x");
  EXPECT_EQ(list.pairs[1].b, "/abs/y.wav");
  EXPECT_EQ(list.pairs[1].system, "");
  const PairList named = pairs_of_csv(write("n.csv", "stem,a,b,name\nbass,m.wav,x.wav,take 1\n"));
  EXPECT_THAT(named.pairs[0].labels, ElementsAre(::testing::Pair("stem", "bass")));
  EXPECT_EQ(named.pairs[0].name, "take 1");
}

TEST_F(Pairs, AWrongTableIsRefusedWithWhatItHasAndNeeds) {
  EXPECT_THAT(error_of([&] { pairs_of_csv(write("w.csv", "mix,b\n1,2\n")); }),
              AllOf(HasSubstr("w.csv"), HasSubstr("mix, b"), HasSubstr("needed: a, b")));
  EXPECT_THAT(error_of([&] { pairs_of_csv(write("r.csv", "a,b\n")); }), HasSubstr("r.csv"));
  EXPECT_THAT(error_of([&] { pairs_of_csv(write("e.csv", "a,b\nx,y\nx,\n")); }),
              AllOf(HasSubstr("e.csv, line 3"), HasSubstr("column b")));
}

}  // namespace
}  // namespace cocola
