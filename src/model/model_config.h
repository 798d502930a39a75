// Settings of the network.
#pragma once
#include <cstdint>

namespace cocola {

enum class SimilarityKind { bilinear, cosine };
enum class SimilarityInit { normal, identity };

struct ModelConfig {
  SimilarityKind similarity = SimilarityKind::bilinear;
  // How W of the bilinear form starts: normal is N(0, 0.05^2) (the paper), identity is 0.05 I
  // (starts at ln K).
  SimilarityInit similarity_init = SimilarityInit::normal;
  // Cosine similarities are divided by this. Range (0, 100].
  double temperature = 0.1;
  // Size D of an embedding. Range [1, 8192].
  int64_t embedding_size = 512;
  // EfficientNet coefficients; 1 and 1 are B0. Range [0.1, 4].
  double width = 1.0;
  double depth = 1.0;
  // Dropout after pooling. Range [0, 1).
  double dropout = 0.1;
  // Drop-connect of the last block; earlier blocks get a share that grows linearly. Range [0, 1).
  double drop_connect = 0.2;

  void validate() const;
  bool operator==(const ModelConfig&) const = default;
};

}  // namespace cocola
