#include "eval/score_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "eval/png.h"
#include "eval/report_tables.h"

namespace cocola {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

OrderedJson document_of(const std::string& name) {
  return {
      {"scores",
       {{{"a", name}, {"b", name}, {"name", name}, {"system", name}, {"both", 0.1234567890123}}}},
      {"unmatched", {{"a", {name}}, {"b", OrderedJson::array()}}},
      {"model", name}};
}

std::string embedded_in(const std::string& page) {
  const std::string start = "id=\"document\">", end = "</script>";
  const size_t first = page.find(start) + start.size();
  return page.substr(first, page.find(end, first) - first);
}

size_t count(const std::string& page, const std::string& part) {
  size_t number = 0;
  for (size_t at = page.find(part); at != std::string::npos; at = page.find(part, at + 1)) ++number;
  return number;
}

TEST(ScoreReport, NamesStayTextWhateverTheyAre) {
  for (const std::string name :
       {"</script><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onload='x",
        "{{script}}", "<!--", "&lt;", "\xff\xfe not UTF-8", "tab\tand\nline"}) {
    const std::string page = score_report_page(document_of(name), {});
    EXPECT_EQ(count(page, "<script"), 2u) << name;
    EXPECT_EQ(count(page, "</script>"), 2u) << name;
    EXPECT_EQ(count(page, "<img"), 0u) << name;
    EXPECT_EQ(count(page, "<!--"), 0u) << name;
    const OrderedJson document = OrderedJson::parse(embedded_in(page));
    if (name[0] != '\xff') {
      EXPECT_EQ(document, document_of(name));
    }
  }
}

TEST(ScoreReport, NumbersAreThereInFullLength) {
  const std::string page = score_report_page(document_of("x"), {});
  EXPECT_THAT(page,
              HasSubstr("data-path=\"/scores/0/both\" data-value=\"0.1234567890123\">0.1235<"));
  EXPECT_THAT(page, Not(HasSubstr("harmonic</th>")));  // no pair has such a score
}

TEST(ScoreReport, SaysWhichSpectrogramsAreLeftOut) {
  OrderedJson document = document_of("x");
  document["scores"].push_back(document["scores"][0]);
  document["scores"].push_back(document["scores"][0]);
  PairPicture drawn, failed;
  drawn.spectrograms = PairSpectrograms{1.0, {{"A", "png"}}};
  failed.problem = "<b>missing</b> \xff.wav";
  const std::string page = score_report_page(document, {drawn, failed});
  EXPECT_THAT(page, HasSubstr("Pairs with spectrograms: 1; without: 2."));
  EXPECT_THAT(page, HasSubstr("No spectrograms: &lt;b&gt;missing&lt;/b&gt; \xEF\xBF\xBD.wav"));
}

TEST(ScoreReport, SystemsThatCannotBeComparedAreNamedWithTheReason) {
  OrderedJson document = document_of("x");
  document["comparison"] = {{"problem", "no common names"}};
  EXPECT_THAT(score_report_page(document, {}), HasSubstr("no common names"));
}

TEST(ScoreReport, ThePageForbidsItselfTheNetwork) {
  std::string page = score_report_page(document_of("x"), {});
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  const std::string name_of_svg = "http://www.w3.org/2000/svg";
  page.erase(page.find(name_of_svg), name_of_svg.size());
  for (const char* part : {"http:", "https:", "@import", "url(", "src=\"/", "href=\"/"}) {
    EXPECT_THAT(page, Not(HasSubstr(part)));
  }
}

}  // namespace
}  // namespace cocola
