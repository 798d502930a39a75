#include "model/model_config.h"

#include "base/error.h"

namespace cocola {
namespace {

void require(bool allowed, const char* key, double value, const char* range) {
  if (!allowed) fail_usage(key, "{} is outside {}", value, range);
}

}  // namespace

void ModelConfig::validate() const {
  require(temperature > 0.0 && temperature <= 100.0, "model.temperature", temperature, "(0, 100]");
  require(embedding_size >= 1 && embedding_size <= 8192, "model.embedding_size",
          static_cast<double>(embedding_size), "[1, 8192]");
  require(width >= 0.1 && width <= 4.0, "model.width", width, "[0.1, 4]");
  require(depth >= 0.1 && depth <= 4.0, "model.depth", depth, "[0.1, 4]");
  require(dropout >= 0.0 && dropout < 1.0, "model.dropout", dropout, "[0, 1)");
  require(drop_connect >= 0.0 && drop_connect < 1.0, "model.drop_connect", drop_connect, "[0, 1)");
}

}  // namespace cocola
