#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/process.h"
#include "comm/backends.h"
#include "comm/mpi_runtime.h"

namespace cocola {
namespace {

using Clock = std::chrono::steady_clock;

// Payloads travel in pieces of this size: MPI counts are int, and the scratch space stays small.
constexpr int64_t kPieceBytes = int64_t{8} << 20;

// What a rank is about to do. Ranks exchange it before the payload moves, so that every
// disagreement is an error in words and every wait for a late rank names that rank.
struct Call {
  char operation[16] = {};
  int64_t num_bytes = 0;
  int64_t scalar_type = 0;

  Call() = default;
  explicit Call(const char* name) { std::strncpy(operation, name, sizeof operation - 1); }
  Call(const char* name, const at::Tensor& tensor) : Call(name) {
    num_bytes = static_cast<int64_t>(tensor.nbytes());
    scalar_type = static_cast<int64_t>(tensor.scalar_type());
  }
  std::string describe() const {
    return fmt::format("{} of {} bytes of type {}", operation, num_bytes,
                       c10::toString(static_cast<at::ScalarType>(scalar_type)));
  }
};

// What MPI may read and write until a collective has ended. One that failed never ends: this is
// then left to MPI for ever.
struct InFlight {
  Call mine;
  std::vector<Call> theirs;
  std::vector<at::Tensor> tensors;
};

std::byte* bytes_of(const at::Tensor& tensor) {
  return static_cast<std::byte*>(tensor.mutable_data_ptr());
}

// MPI only moves bytes; sums are made here, so that their order does not depend on the MPI library.
class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator(const CommConfig& config, const LaunchEnvironment& launch)
      : timeout_seconds_(config.timeout_seconds), owns_mpi_(start_mpi()) {
    check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &comm_), "MPI_Comm_dup");
    check_mpi(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(comm_, &world_size_), "MPI_Comm_size");
    if (launch.claimed_world_size > 0 && launch.claimed_world_size != world_size_) {
      fail("comm",
           "{} says {} ranks, but MPI sees a world of {}: the launcher and this MPI do not know "
           "each other; start with `srun --mpi=pmix` or with the `mpirun` of this MPI",
           launch.claimed_by, launch.claimed_world_size, world_size_);
    }
    find_local_rank();
    in_flight_->theirs.resize(static_cast<size_t>(world_size_));
    hosts_ = gather_texts(*this, host_name());
  }

  ~MpiCommunicator() override {
    // While an exception leaves this rank the others wait elsewhere: finalising would wait for them
    // for ever. The program aborts the world instead.
    if (!usable_ || std::uncaught_exceptions() > exceptions_at_start_) {
      abandon();
      return;
    }
    try {
      barrier();
    } catch (const Error&) {
      abandon();
      return;
    }
    MPI_Comm_free(&comm_);
    if (owns_mpi_) MPI_Finalize();
  }

  int64_t rank() const override { return rank_; }
  int64_t world_size() const override { return world_size_; }
  int64_t local_rank() const override { return local_rank_; }
  int64_t local_size() const override { return local_size_; }

  at::Tensor all_gather(const at::Tensor& local) override {
    require_gatherable_tensor(local, c10::DeviceType::CPU);
    const at::Tensor result = empty_for_gather(local, world_size_);
    begin(Call("all_gather", local), {local, result});
    const int64_t num_bytes = static_cast<int64_t>(local.nbytes());
    for (int64_t offset = 0; offset < num_bytes; offset += kPieceBytes) {
      gather_piece(bytes_of(local) + offset, bytes_of(result) + offset, num_bytes,
                   std::min(kPieceBytes, num_bytes - offset));
    }
    end();
    return result;
  }

  void all_reduce_sum(at::Tensor tensor) override {
    require_collective_tensor("all_reduce_sum", tensor, c10::DeviceType::CPU);
    const at::Tensor flat = tensor.detach().view({-1});
    begin(Call("all_reduce_sum", flat), {flat});
    const int64_t piece = kPieceBytes / flat.element_size();
    for (int64_t start = 0; start < flat.numel(); start += piece) {
      reduce_piece(flat.narrow(0, start, std::min(piece, flat.numel() - start)));
    }
    end();
  }

  void broadcast(at::Tensor tensor) override {
    require_collective_tensor("broadcast", tensor, c10::DeviceType::CPU);
    begin(Call("broadcast", tensor), {tensor});
    const int64_t num_bytes = static_cast<int64_t>(tensor.nbytes());
    for (int64_t offset = 0; offset < num_bytes; offset += kPieceBytes) {
      const int count = static_cast<int>(std::min(kPieceBytes, num_bytes - offset));
      MPI_Request request = MPI_REQUEST_NULL;
      check_mpi(MPI_Ibcast(bytes_of(tensor) + offset, count, MPI_BYTE, 0, comm_, &request),
                "MPI_Ibcast");
      wait_for_payload(request, "broadcast");
    }
    end();
  }

  void barrier() override {
    begin(Call("barrier"));
    end();
  }

  void barrier_within(double timeout_seconds) override {
    const double usual = std::exchange(timeout_seconds_, timeout_seconds);
    barrier();
    timeout_seconds_ = usual;
  }

 private:
  void find_local_rank() {
    MPI_Comm host = MPI_COMM_NULL;
    check_mpi(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &host),
              "MPI_Comm_split_type");
    check_mpi(MPI_Comm_rank(host, &local_rank_), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(host, &local_size_), "MPI_Comm_size");
    check_mpi(MPI_Comm_free(&host), "MPI_Comm_free");
  }

  template <typename... Args>
  [[noreturn]] void give_up(const char* operation, fmt::format_string<Args...> text,
                            Args&&... args) const {
    fail("comm", "{} on rank {} of {}: {}", operation, rank_, world_size_,
         fmt::format(text, std::forward<Args>(args)...));
  }

  // Returns false when the deadline passes first.
  bool complete(std::span<MPI_Request> requests, const char* operation) {
    const auto deadline = Clock::now() + std::chrono::duration<double>(timeout_seconds_);
    Backoff backoff;
    for (;;) {
      int done = 0;
      check_mpi(MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done,
                            MPI_STATUSES_IGNORE),
                operation);
      if (done) return true;
      if (Clock::now() > deadline) return false;
      backoff.pause();
    }
  }

  // Every collective starts here and comes to its end(), unless it failed: MPI may then still write
  // to its tensors, and the ranks no longer agree on what comes next.
  void begin(const Call& call, std::vector<at::Tensor> tensors = {}) {
    if (!usable_) give_up(call.operation, "an earlier collective failed; the world is unusable");
    usable_ = false;
    in_flight_->tensors = std::move(tensors);
    agree(call);
  }
  void end() {
    in_flight_->tensors.clear();
    usable_ = true;
  }

  void abandon() { static_cast<void>(in_flight_.release()); }

  // Tells every rank what this one is about to do and waits until all say the same.
  void agree(const Call& call) {
    in_flight_->mine = call;
    requests_.clear();
    for (int r = 0; r < world_size_; ++r) {
      if (r == rank_) continue;
      requests_.push_back(MPI_REQUEST_NULL);
      check_mpi(MPI_Irecv(&in_flight_->theirs[static_cast<size_t>(r)], sizeof(Call), MPI_BYTE, r, 0,
                          comm_, &requests_.back()),
                "MPI_Irecv");
    }
    for (int r = 0; r < world_size_; ++r) {
      if (r == rank_) continue;
      requests_.push_back(MPI_REQUEST_NULL);
      check_mpi(
          MPI_Isend(&in_flight_->mine, sizeof(Call), MPI_BYTE, r, 0, comm_, &requests_.back()),
          "MPI_Isend");
    }
    if (!complete(requests_, call.operation)) {
      give_up(call.operation, "rank {} did not call it within {:g} s: it hangs or has ended",
              fmt::join(late_ranks(), ", rank "), timeout_seconds_);
    }
    for (int r = 0; r < world_size_; ++r) {
      const Call& other = in_flight_->theirs[static_cast<size_t>(r)];
      if (r != rank_ && std::memcmp(&other, &in_flight_->mine, sizeof(Call)) != 0) {
        give_up(call.operation, "this rank calls {}, rank {} calls {}; all must do the same",
                in_flight_->mine.describe(), r, other.describe());
      }
    }
  }

  // Ranks whose Call has not arrived, and their hosts. The receiving requests come first, in rank
  // order.
  std::vector<std::string> late_ranks() {
    std::vector<std::string> late;
    for (int i = 0; i < world_size_ - 1; ++i) {
      int arrived = 0;
      MPI_Test(&requests_[static_cast<size_t>(i)], &arrived, MPI_STATUS_IGNORE);
      if (arrived) continue;
      const int rank = i < rank_ ? i : i + 1;
      late.push_back(fmt::format("{} (host {})", rank, hosts_[static_cast<size_t>(rank)]));
    }
    return late;
  }

  void wait_for_payload(MPI_Request request, const char* operation) {
    if (!complete({&request, 1}, operation)) {
      give_up(operation, "all ranks started it, but it did not end within {:g} s",
              timeout_seconds_);
    }
  }

  // Sends num_bytes; those of rank r land at result + r * stride.
  void gather_piece(const std::byte* local, std::byte* result, int64_t stride, int64_t num_bytes) {
    const int count = static_cast<int>(num_bytes);
    MPI_Datatype piece = MPI_DATATYPE_NULL, strided = MPI_DATATYPE_NULL;
    check_mpi(MPI_Type_contiguous(count, MPI_BYTE, &piece), "MPI_Type_contiguous");
    check_mpi(MPI_Type_create_resized(piece, 0, stride, &strided), "MPI_Type_create_resized");
    check_mpi(MPI_Type_commit(&strided), "MPI_Type_commit");
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Iallgather(local, count, MPI_BYTE, result, 1, strided, comm_, &request),
              "MPI_Iallgather");
    // MPI keeps the types until the request is done.
    check_mpi(MPI_Type_free(&piece), "MPI_Type_free");
    check_mpi(MPI_Type_free(&strided), "MPI_Type_free");
    wait_for_payload(request, "all_gather");
  }

  // Rank r receives everybody's block r, adds them up and gives the sum to everybody: every element
  // is added once, so all ranks get the same bytes. The additions form a binary tree over the ranks
  // whose shape is fixed.
  void reduce_piece(const at::Tensor& piece) {
    const int64_t block = (piece.numel() + world_size_ - 1) / world_size_;
    const auto element_bytes = piece.element_size();
    std::vector<int> counts, starts, mine_count, mine_starts;
    const auto num_mine = std::clamp<int64_t>(piece.numel() - rank_ * block, 0, block);
    for (int64_t r = 0; r < world_size_; ++r) {
      const auto num_theirs = std::clamp<int64_t>(piece.numel() - r * block, 0, block);
      counts.push_back(static_cast<int>(num_theirs * element_bytes));
      starts.push_back(static_cast<int>(std::min(r * block, piece.numel()) * element_bytes));
      mine_count.push_back(static_cast<int>(num_mine * element_bytes));
      mine_starts.push_back(static_cast<int>(r * num_mine * element_bytes));
    }
    const at::Tensor blocks = at::empty({world_size_, num_mine}, piece.options());
    in_flight_->tensors.push_back(blocks);
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(
        MPI_Ialltoallv(bytes_of(piece), counts.data(), starts.data(), MPI_BYTE, bytes_of(blocks),
                       mine_count.data(), mine_starts.data(), MPI_BYTE, comm_, &request),
        "MPI_Ialltoallv");
    wait_for_payload(request, "all_reduce_sum");
    for (int64_t distance = 1; distance < world_size_; distance *= 2) {
      for (int64_t r = 0; r + distance < world_size_; r += 2 * distance) {
        blocks.select(0, r).add_(blocks.select(0, r + distance));
      }
    }
    check_mpi(MPI_Iallgatherv(bytes_of(blocks), mine_count[0], MPI_BYTE, bytes_of(piece),
                              counts.data(), starts.data(), MPI_BYTE, comm_, &request),
              "MPI_Iallgatherv");
    wait_for_payload(request, "all_reduce_sum");
  }

  double timeout_seconds_;
  bool owns_mpi_;
  bool usable_ = true;
  int exceptions_at_start_ = std::uncaught_exceptions();
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, world_size_ = 1, local_rank_ = 0, local_size_ = 1;
  std::unique_ptr<InFlight> in_flight_ = std::make_unique<InFlight>();
  std::vector<std::string> hosts_;  // of all ranks
  std::vector<MPI_Request> requests_;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi_communicator(const CommConfig& config,
                                                    const LaunchEnvironment& launch) {
  return std::make_unique<MpiCommunicator>(config, launch);
}

void abort_world(int status) {
  int initialised = 0, finalised = 0, world_size = 1;
  MPI_Initialized(&initialised);
  MPI_Finalized(&finalised);
  if (!initialised || finalised) return;
  MPI_Comm_size(MPI_COMM_WORLD, &world_size);
  if (world_size == 1) return;
  // A driver that blocks must not keep the job alive.
  std::thread([status] {
    std::this_thread::sleep_for(std::chrono::seconds(5));
    _exit(status);
  }).detach();
  MPI_Abort(MPI_COMM_WORLD, status);
  _exit(status);
}

}  // namespace cocola
