#include "comm/communicator.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "comm/backends.h"

namespace cocola {
namespace {

// Line number (from 1) and content of the first line in which two texts differ.
struct Difference {
  int64_t line = 1;
  std::string_view a, b;
};

Difference first_difference(std::string_view a, std::string_view b) {
  Difference found;
  for (;; ++found.line) {
    const size_t end_a = std::min(a.find('\n'), a.size());
    const size_t end_b = std::min(b.find('\n'), b.size());
    found.a = a.substr(0, end_a);
    found.b = b.substr(0, end_b);
    if (found.a != found.b || end_a == a.size() || end_b == b.size()) return found;
    a.remove_prefix(end_a + 1);
    b.remove_prefix(end_b + 1);
  }
}

}  // namespace

// Padded with zeros to the longest.
std::vector<std::string> gather_texts(Communicator& world, const std::string& text) {
  const at::Tensor length = at::full({1}, static_cast<int64_t>(text.size()), at::kLong);
  const at::Tensor lengths = world.all_gather(length);
  const int64_t* const length_of = lengths.const_data_ptr<int64_t>();
  const int64_t longest = *std::max_element(length_of, length_of + world.world_size());

  const at::Tensor padded = at::zeros({1, longest + 1}, at::kByte);
  std::memcpy(padded.mutable_data_ptr(), text.data(), text.size());
  const at::Tensor gathered = world.all_gather(padded);
  std::vector<std::string> texts;
  for (int64_t r = 0; r < world.world_size(); ++r) {
    const auto* const begin = static_cast<const char*>(gathered.const_data_ptr());
    texts.emplace_back(begin + r * (longest + 1), static_cast<size_t>(length_of[r]));
  }
  return texts;
}

void CommConfig::validate() const {
  require_range("training.comm.timeout_seconds", timeout_seconds, 1.0, 86400.0);
}

std::unique_ptr<Communicator> open_host_world(const CommConfig& config) {
  config.validate();
  const LaunchEnvironment launch =
      read_launch_environment([](const char* name) { return std::getenv(name); });
  if (!launch.has_launcher) return open_solo_world();
  return make_mpi_communicator(config, launch);
}

bool ranks_may_share_gpu() {
  const char* const share = std::getenv("COCOLA_SHARE_GPU");
  return share != nullptr && std::string_view(share) == "1";
}

int64_t gpu_of(const Communicator& world, int64_t num_gpus) {
  if (num_gpus == 0) {
    fail("comm", "no GPU found for {} ranks on this host; check the driver, or train on the CPU",
         world.local_size());
  }
  if (world.local_size() > num_gpus && !ranks_may_share_gpu()) {
    fail("comm", "{} ranks on this host but only {} GPUs; start one rank for each GPU",
         world.local_size(), num_gpus);
  }
  return world.local_rank() % num_gpus;
}

int64_t count_ranks_with(Communicator& world, const std::string& text) {
  return std::ranges::count(gather_texts(world, text), text);
}

void require_equal_everywhere(Communicator& world, const std::string& what,
                              const std::string& text) {
  const std::vector<std::string> texts = gather_texts(world, text);
  for (size_t r = 1; r < texts.size(); ++r) {
    if (texts[r] == texts[0]) continue;
    const Difference found = first_difference(texts[0], texts[r]);
    fail("comm",
         "{} differs between ranks: rank 0 has \"{:.200}\" in line {}, rank {} has \"{:.200}\"; "
         "start all ranks with the same program, files and options",
         what, found.a, found.line, r, found.b);
  }
}

void require_collective_tensor(const char* operation, const at::Tensor& tensor,
                               std::optional<c10::DeviceType> device) {
  if (!tensor.defined()) fail("comm", "{}: the tensor is undefined", operation);
  if (device && tensor.device().type() != *device) {
    fail("comm", "{}: the tensor lies on {}, this communicator moves tensors of {}", operation,
         tensor.device().str(), c10::DeviceTypeName(*device, true));
  }
  if (!tensor.is_contiguous()) fail("comm", "{}: the tensor is not contiguous", operation);
  const at::ScalarType type = tensor.scalar_type();
  if (type != at::kFloat && type != at::kDouble && type != at::kLong && type != at::kByte) {
    fail("comm", "{}: the tensor is of type {}; allowed are float32, float64, int64 and uint8",
         operation, c10::toString(type));
  }
}

void require_gatherable_tensor(const at::Tensor& tensor, std::optional<c10::DeviceType> device) {
  require_collective_tensor("all_gather", tensor, device);
  if (tensor.dim() == 0) fail("comm", "all_gather: the tensor has no first dimension to gather");
}

at::Tensor empty_for_gather(const at::Tensor& local, int64_t world_size) {
  std::vector<int64_t> shape = local.sizes().vec();
  shape[0] *= world_size;
  return at::empty(shape, local.options());
}

}  // namespace cocola
