#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/thread_pool.h"
#include "core/nn/model.h"
#include "core/text/batcher.h"
#include "core/train/adamw.h"
#include "core/train/honest_loss.h"
#include "core/train/step_stats.h"

namespace nopeek {

/// Memory that training takes, in bytes: weights and their copy, moments, gradients and activations of every shard.
double training_memory(const RunConfig& config);

/// One model in training.
///
/// A step splits its batch into shards. Their number depends on the configuration alone, each has its own gradients,
/// and these are summed in order, chunk by chunk: so the bits are the same for any number of threads.
template <class S>
class Trainer {
 public:
  /// Throws Error if the configuration or the mask cannot work.
  Trainer(const RunConfig& config, Mask mask);

  const RunConfig& config() const { return config_; }
  const Parameters<S>& parameters() const { return parameters_; }
  Parameters<S>& parameters() { return parameters_; }
  const Mask& mask() const { return mask_; }
  /// From the next step on. Throws Error if it leaves a row without a key.
  void set_mask(Mask mask);
  int64_t steps() const { return optimiser_.updates(); }

  // A step in parts, so that lanes in lockstep can share threads. Each part needs all of the one before it.
  int shards() const { return static_cast<int>(shards_.size()); }
  /// Loss and gradients of one shard; with `measure`, also its honest loss. Shards may run at the same time.
  void run_shard(const Batch& batch, int shard, bool measure);
  int chunks() const { return static_cast<int>(squares_.size()); }
  /// Sums the gradients of all shards, for one chunk of the weights. Chunks may run at the same time.
  void sum_gradients(int chunk);
  /// What the step says of itself. If the loss or the gradient is not finite, or the loss has run away, throws Error
  /// with the reason. Changes nothing: until begin_update() a step can be given up, and be made again.
  StepStats judge() const;
  /// Of a step that was judged sound. Cannot fail, nor can update_weights().
  void begin_update();
  /// Of a step that was not: the weights become the last that gave a sound loss, not those that gave this one.
  void go_back();
  /// Updates one chunk of the weights. Chunks may run at the same time.
  void update_weights(int chunk);

  /// All that comes after run_shard. Throws what judge() throws, and has gone back by then.
  StepStats update(ThreadPool& threads);
  /// All parts.
  StepStats step(const Batch& batch, ThreadPool& threads, bool measure = false);
  /// The gradient of the last step's reported loss, after update().
  const Parameters<S>& gradients() const { return shards_[0].gradients; }

  /// All that the next step depends on, beside configuration, mask and batch: a trainer that is given the state of
  /// another goes on as that one would, bit for bit.
  struct StateView {                             // where it lies
    ConstVectorMap<S> weights, last_good, m, v;  // (number of parameters)
    int64_t updates;
  };
  struct State {
    RowVector<S> weights, last_good;
    typename AdamW<S>::State optimiser;
    StateView view() const;
  };
  StateView view() const;
  /// Copies it. Throws Error if it is of a model of another size.
  void set_state(const StateView& state);

  /// Mean loss over `batch` under the mask, without dropout and without an update: the validation loss.
  double evaluate(const Batch& batch);

 private:
  /// Room for the pass of one shard, in use as long as that runs.
  struct Room {
    Activations<S> activations;
    BackwardScratch<S> scratch;
  };
  /// One for each shard, so that all can run at the same time. Shards that run one after the other get the same: what
  /// it holds is still in that core's cache.
  class Rooms {
   public:
    void add(std::unique_ptr<Room> room) { free_.push_back(std::move(room)); }
    std::unique_ptr<Room> take();
    void give_back(std::unique_ptr<Room> room);
    struct Loan {  // given back whatever happens
      Rooms& rooms;
      std::unique_ptr<Room> room = rooms.take();
      ~Loan() { rooms.give_back(std::move(room)); }
    };

   private:
    std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
    std::vector<std::unique_ptr<Room>> free_;  // the one used last behind
  };
  struct Shard {
    int begin, end;  // sequences of the batch
    Parameters<S> gradients;
    HonestLoss<S> honest_loss;
    double loss_sum = 0, honest_sum = 0, future_attention_sum = 0;
    bool measured = false;
  };
  void measure_shard(Shard& shard, std::span<const TokenId> inputs, std::span<const TokenId> targets, uint64_t draw,
                     const Activations<S>& activations);
  struct Range {
    size_t first, last;
    Eigen::Index size() const { return static_cast<Eigen::Index>(last - first); }
  };
  Range range_of(int chunk) const;
  double gradient_norm() const;

  RunConfig config_;
  Mask mask_;
  Parameters<S> parameters_;
  RowVector<S> last_good_;  // the weights before the newest update; their loss was sound
  AdamW<S> optimiser_;
  std::vector<Shard> shards_;
  Rooms rooms_;
  std::vector<double> squares_;  // of the gradient, summed over each chunk
};

}  // namespace nopeek
