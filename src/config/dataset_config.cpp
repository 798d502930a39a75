#include "config/dataset_config.h"

#include <array>
#include <cmath>

#include "base/error.h"
#include "config/plain_name.h"

namespace cocola {

const char* to_string(Layout layout) {
  constexpr std::array kNames = {"folder", "musdb18hq", "moisesdb", "slakh2100", "cocochorales"};
  return kNames[static_cast<size_t>(layout)];
}

void DatasetConfig::validate(const std::string& key) const {
  if (root.empty()) fail_usage(key + ".root", "is missing: the directory of the data set");
  if (!name.empty() && !is_plain_name(name)) {
    fail_usage(key + ".name",
               "'{}' is not a name of 1 to {} letters, digits, '.', '_' and '-' that starts with a "
               "letter or digit",
               name.substr(0, kLongestName), kLongestName);
  }
  require_range(key + ".split.train", train, 0.0, 1.0);
  require_range(key + ".split.valid", valid, 0.0, 1.0);
  require_range(key + ".split.test", test, 0.0, 1.0);
  const double sum = train + valid + test;
  if (std::abs(sum - 1.0) > 1e-6) {
    fail_usage(key + ".split", "train {}, valid {} and test {} sum to {}; they must sum to 1",
               train, valid, test, sum);
  }
  if (stems == StemLevel::per_source && layout != Layout::moisesdb) {
    fail_usage(key + ".stems",
               "per_source is for the layout moisesdb; {} has no sources below "
               "its stems",
               to_string(layout));
  }
  if (!take_train && !take_valid && !take_test) {
    fail_usage(key + ".take", "is empty; choose at least one of train, valid, test");
  }
  if (ensembles == Ensembles{}) return;
  if (layout != Layout::cocochorales) {
    fail_usage(key + ".ensembles", "is for the layout cocochorales; {} has no ensembles",
               to_string(layout));
  }
  if (ensembles == Ensembles{false, false, false, false}) {
    fail_usage(key + ".ensembles",
               "is empty; choose at least one of brass, string, woodwind, random");
  }
}

}  // namespace cocola
