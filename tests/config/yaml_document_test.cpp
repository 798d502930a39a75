#include "config/yaml_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/usage_error.h"

namespace cocola {
namespace {

using ::cocola::testing::usage_error_of;
using ::testing::HasSubstr;

std::string refusal_of(const std::string& text) {
  return usage_error_of([&] { parse_yaml_strictly(text, {"file", true}); });
}

std::string repeated(const std::string& part, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += part;
  return text;
}

TEST(YamlDocument, OrdinaryYamlIsRead) {
  const YAML::Node node = parse_yaml_strictly("a: {b: [1, 'x']}\nc: &n 5\nd: *n\n", {"file"});
  EXPECT_EQ(node["a"]["b"][1].Scalar(), "x");
  EXPECT_EQ(node["d"].Scalar(), "5");
  EXPECT_TRUE(parse_yaml_strictly("", {"file"}).IsNull());
}

TEST(YamlDocument, AKeyMayAppearOnceInAMapping) {
  EXPECT_THAT(refusal_of("a: 1\nb: 2\na: 3\n"),
              HasSubstr("file:3: the key a appears twice (first on line 1)"));
  EXPECT_THAT(refusal_of("s:\n  - {x: 1, x: 1}\n"), HasSubstr("file:2: the key x appears twice"));
  EXPECT_NO_THROW(parse_yaml_strictly("a: {x: 1}\nb: {x: 1}\n", {"file"}));
}

TEST(YamlDocument, TagsAreRefused) {
  for (const char* text :
       {"a: !!python/object:os.system x", "!local {a: 1}", "a: [!!int 5]", "a: !!binary aGk="}) {
    EXPECT_THAT(refusal_of(text), HasSubstr("the tag")) << text;
  }
}

TEST(YamlDocument, NestingIsBounded) {
  EXPECT_NO_THROW(parse_yaml_strictly(repeated("[", 16) + repeated("]", 16), {"file"}));
  EXPECT_THAT(refusal_of(repeated("[", 18) + repeated("]", 18)), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal_of(repeated("[", 100'000)), HasSubstr("file"));
  EXPECT_THAT(refusal_of(repeated("- ", 100'000)), HasSubstr("file"));
  EXPECT_THAT(refusal_of(repeated("{a: ", 100'000)), HasSubstr("file"));
}

TEST(YamlDocument, AliasesCannotExpandWithoutEnd) {
  std::string bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1) + ", ";
    bomb += fmt::format("a{}: &a{} [{}1]\n", i, i, repeated(alias, 10));
  }
  EXPECT_THAT(refusal_of(bomb), HasSubstr("more than 10000 values"));
  EXPECT_THAT(refusal_of("a: &a [*a, *a]\n"), HasSubstr("file"));
  EXPECT_THAT(refusal_of("a: *unknown\n"), HasSubstr("not valid YAML"));
}

TEST(YamlDocument, SizeIsBounded) {
  EXPECT_THAT(refusal_of(std::string(kLargestYaml + 1, ' ')), HasSubstr("at most 1048576"));
  EXPECT_NO_THROW(parse_yaml_strictly(std::string(kLargestYaml, ' '), {"file"}));
}

TEST(YamlDocument, NothingMayFollowTheDocument) {
  for (const char* text : {"a: 1\n---\nb: 1\n", ", a: 1\n", "a: 1\n, b: 2\n", "a: 1\n}\n", "]",
                           "{a: 1} b: 2\n", "a: 1\n...\nb: 2\n"}) {
    EXPECT_THAT(refusal_of(text), HasSubstr("file")) << text;
  }
  EXPECT_EQ(parse_yaml_strictly("---\na: 1\n...\n", {"file"})["a"].Scalar(), "1");
}

TEST(YamlDocument, BrokenTextIsRefusedWithItsLine) {
  EXPECT_THAT(refusal_of("a: 1\nb: [1, 2\n"), HasSubstr("not valid YAML"));
  EXPECT_THAT(refusal_of("a: 1\n b: 2\n"), HasSubstr("file:2: not valid YAML"));
  EXPECT_THAT(refusal_of("{a: 1, [b]: 2}"), HasSubstr("a key must be a single word"));
  EXPECT_THAT(refusal_of(std::string(200, 'k') + ": 1"), HasSubstr("a key must be"));
  EXPECT_THAT(refusal_of("a: \xff"), HasSubstr("is not UTF-8"));
  EXPECT_THAT(refusal_of("a.b: 1"), HasSubstr("a key must be a single word without dots"));
}

}  // namespace
}  // namespace cocola
