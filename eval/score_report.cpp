#include "eval/score_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/atomic_file.h"
#include "base/json.h"
#include "eval/markup.h"
#include "eval/png.h"
#include "eval/report_tables.h"
#include "eval/score_document.h"

namespace cocola {
namespace {

constexpr size_t kMostOpen = 3;  // reports of up to so many pairs show all curves at once

// File names need not be UTF-8; what is not becomes U+FFFD.
OrderedJson with_valid_texts(const OrderedJson& json) {
  return OrderedJson::parse(json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
}

// JSON that no HTML can end: `<` occurs in texts alone, where an escape stands for it.
std::string embedded(const OrderedJson& document) {
  std::string safe;
  for (const char c : document.dump()) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string picture_markup(const PairPicture& picture) {
  if (!picture.spectrograms) {
    return picture.problem.empty()
               ? ""
               : fmt::format("<p class=\"quiet\" data-text>No spectrograms: {}</p>\n",
                             escaped_markup(with_valid_texts(picture.problem).get<std::string>()));
  }
  std::string rows = fmt::format("<div class=\"spectrograms\" data-seconds=\"{}\">\n",
                                 picture.spectrograms->seconds);
  for (const SpectrogramRow& row : picture.spectrograms->rows) {
    rows += fmt::format(
        "<figure><figcaption>{0}</figcaption><img alt=\"Mel spectrogram of {0}\" "
        "src=\"{1}\"></figure>\n",
        escaped_markup(row.label), png_data_uri(row.png));
  }
  return rows + "</div>\n";
}

std::string pair_section(const OrderedJson& document, size_t index, const PairPicture& picture) {
  const OrderedJson& pair = document["scores"][index];
  const std::string place = fmt::format("/scores/{}/", index);
  const bool is_open = document["scores"].size() <= kMostOpen || index == 0;
  const bool has_curve = !value_or_null(pair, "curve").is_null();
  std::string name = pair_name_markup(document, index);
  if (const std::string system = text_markup(document, place + "system"); !system.empty()) {
    name += " (" + system + ")";
  }
  return fmt::format(
      "<details class=\"pair\" id=\"pair-{0}\" data-index=\"{0}\"{1}><summary>{2}</summary>\n"
      "<dl><dt>A</dt><dd>{3}</dd><dt>B</dt><dd>{4}</dd></dl>\n{5}{6}</details>\n",
      index, is_open ? " open" : "", name, text_markup(document, place + "a"),
      text_markup(document, place + "b"),
      has_curve ? "<div class=\"chart\"></div>\n"
                  "<noscript><p class=\"quiet\">The curve is drawn by a script.</p></noscript>\n"
                : "<p class=\"quiet\">The document holds no curve of this pair.</p>\n",
      picture_markup(picture));
}

std::string details_of(const OrderedJson& document, const std::vector<PairPicture>& pictures) {
  const size_t num_pairs = document["scores"].size();
  const auto num_drawn = std::ranges::count_if(
      pictures, [](const PairPicture& picture) { return picture.spectrograms.has_value(); });
  std::string details;
  if (num_drawn > 0 && static_cast<size_t>(num_drawn) < num_pairs) {
    details += fmt::format(
        "<p class=\"quiet\" data-text>Pairs with spectrograms: {}; without: "
        "{}.</p>\n",
        num_drawn, num_pairs - static_cast<size_t>(num_drawn));
  }
  for (size_t i = 0; i < num_pairs; ++i) {
    details += pair_section(document, i, i < pictures.size() ? pictures[i] : PairPicture{});
  }
  return details;
}

// The template with every {{name}} replaced, in one pass: what is inserted is not looked at again.
std::string filled(std::string_view page,
                   const std::vector<std::pair<std::string_view, std::string>>& parts) {
  std::string result;
  while (true) {
    const size_t start = page.find("{{");
    result += page.substr(0, start);
    if (start == std::string_view::npos) return result;
    const size_t end = page.find("}}", start);
    const std::string_view name = page.substr(start + 2, end - start - 2);
    const auto part =
        std::ranges::find(parts, name, &std::pair<std::string_view, std::string>::first);
    if (part != parts.end()) result += part->second;
    page.remove_prefix(end + 2);
  }
}

}  // namespace

std::string score_report_page(const OrderedJson& given, const std::vector<PairPicture>& pictures) {
  const OrderedJson document = with_valid_texts(given);
  return filled(kReportHtml, {{"style", std::string(kReportStyle)},
                              {"script", std::string(kReportScript)},
                              {"summary", summary_markup(document)},
                              {"comparison", comparison_markup(document)},
                              {"pairs", pairs_table(document)},
                              {"details", details_of(document, pictures)},
                              {"unmatched", unmatched_markup(document)},
                              {"document", embedded(document)}});
}

void write_score_report(const std::filesystem::path& path, const OrderedJson& document,
                        const std::vector<PairPicture>& pictures) {
  write_file_atomically(path, score_report_page(document, pictures));
}

}  // namespace cocola
