// One rank of bench_loss's world, started under mpirun with the size of embeddings: answers "ranks
// K" with the seconds of the loss with its gradients. Rank 0 listens.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>

#include "base/error.h"
#include "base/process.h"
#include "objective/contrastive_loss.h"
#include "support/report.h"

namespace cocola {
namespace {

// The K that rank 0 is asked for, on every rank; 0 at the end.
int64_t next_question(Communicator& world) {
  const at::Tensor num_pairs = at::zeros({1}, at::kLong);
  std::string line, word;
  if (world.is_rank_zero() && std::getline(std::cin, line)) {
    int64_t asked = 0;
    if (!(std::istringstream(line) >> word >> asked)) fail("bench", "asked for \"{}\"", line);
    num_pairs.fill_(asked);
  }
  world.broadcast(num_pairs);
  return num_pairs.item<int64_t>();
}

void answer(const Communicator& world, const std::string& text) {
  if (!world.is_rank_zero()) return;
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

int serve(int64_t embedding_size) {
  at::set_num_threads(1);
  const auto world = open_host_world({});
  std::string greeting;
  if (world->is_rank_zero()) std::getline(std::cin, greeting);
  answer(*world, "ready");
  const SimilarityForm form{at::randn({embedding_size, embedding_size}).mul_(0.05)};
  for (int64_t num_pairs = next_question(*world); num_pairs > 0;
       num_pairs = next_question(*world)) {
    const auto embeddings = [&] {
      return at::randn({num_pairs / world->world_size(), embedding_size}).tanh_();
    };
    const at::Tensor anchors = embeddings(), positives = embeddings();
    world->barrier();
    answer(*world, fmt::format("{}", bench::seconds_of([&] {
                                 contrastive_loss(anchors, positives, form, *world);
                                 world->barrier();
                               })));
  }
  return kExitDone;
}

}  // namespace
}  // namespace cocola

int main(int argc, char** argv) {
  return cocola::run_program("bench_loss_rank", [&] {
    if (argc != 2) cocola::fail_usage("bench", "expected the size of embeddings");
    cocola::tune_memory_allocator();
    return cocola::serve(std::stoll(argv[1]));
  });
}
