#include "config/config_fields.h"

namespace cocola {
namespace {

template <typename Enum>
Choice choice(Enum& field, std::vector<const char*> names) {
  return {std::move(names), [&field] { return static_cast<size_t>(field); },
          [&field](size_t index) { field = static_cast<Enum>(index); }};
}

void append(std::vector<Field>& all, std::vector<Field> part) {
  all.insert(all.end(), part.begin(), part.end());
}

std::vector<Field> data_fields(DataConfig& data) {
  return {
      {"data.datasets", &data.datasets,
       "Tracks: {layout: folder, root: DIR, split: {train: 0.8, valid: 0.1, test: 0.1}}, ..."},
      {"data.on_bad_track", choice(data.on_bad_track, {"fail", "skip"}),
       "A track that cannot be read: fail ends the run, skip lists it in the manifest."},
      {"data.shards", &data.shards, "Directory of the shards and their manifest."},
      {"data.sample_rate_hz", &data.sample_rate_hz,
       "Rate to which stems are resampled, Hz. Range [1000, 96000]."},
      {"data.window_seconds", &data.window.window_seconds,
       "Length of a window, seconds. Range [0.5, 60]."},
      {"data.window_grid", choice(data.window.grid, {"hop", "original"}),
       "hop: windows every (1 - max_overlap) of a window; original: the published code's two "
       "passes."},
      {"data.max_overlap", &data.window.max_overlap,
       "Largest share of a window that another one of the track covers. Range [0, 0.95]."},
      {"data.audible_dbfs", &data.window.audible_dbfs,
       "A stem is audible in a window above this RMS, dB of full scale. Range [-120, 0]."},
      {"data.store", Flags{{"stems", "features"}, {&data.store_stems, &data.store_features}},
       "What shards hold: stems (fresh sub-mixes), features (precomputed pairs), or both."},
      {"data.pairs_per_window", &data.pairs_per_window,
       "Precomputed sub-mix pairs of a window, when features are stored. Range [1, 10000]."},
      {"data.tracks_per_shard", &data.tracks_per_shard, "Tracks of a shard. Range [1, 100000]."},
      {"data.seed", &data.seed, "Decides the precomputed sub-mixes. Range [0, 2^64 - 1]."},
  };
}

std::vector<Field> feature_fields(FeatureConfig& features) {
  return {
      {"features.kind", choice(features.kind, {"hps", "mel"}),
       "hps: two channels, harmonic and percussive; mel: one. Rate: data.sample_rate_hz."},
      {"features.fft_size", &features.fft_size,
       "Points of the Fourier transform. Even, range [64, 8192]."},
      {"features.taper_samples", &features.taper_samples,
       "Length of the Hann taper of a frame, samples. Range [1, fft_size]."},
      {"features.hop_samples", &features.hop_samples,
       "Distance of frames, samples. Range [1, fft_size]."},
      {"features.mel_bins", &features.mel_bins, "Mel bands. Range [32, 512]."},
      {"features.min_hz", &features.min_hz,
       "Lowest frequency of the mel bands, Hz. Range [0, max_hz)."},
      {"features.max_hz", &features.max_hz,
       "Highest frequency of the mel bands, Hz. Range (min_hz, data.sample_rate_hz / 2]."},
  };
}

std::vector<Field> model_fields(ModelConfig& model) {
  return {
      {"model.similarity", choice(model.similarity, {"bilinear", "cosine"}),
       "bilinear: anchor^T W positive with a learned W; cosine: divided by the temperature."},
      {"model.similarity_init", choice(model.similarity_init, {"normal", "identity"}),
       "Start of W: normal is N(0, 0.05^2), as published; identity is 0.05 I, learns sooner."},
      {"model.temperature", &model.temperature,
       "Divides cosine similarities; bilinear ignores it. Range (0, 100]."},
      {"model.embedding_size", &model.embedding_size, "Size of an embedding. Range [1, 8192]."},
      {"model.width", &model.width, "EfficientNet's width coefficient; B0 has 1. Range [0.1, 4]."},
      {"model.depth", &model.depth, "EfficientNet's depth coefficient; B0 has 1. Range [0.1, 4]."},
      {"model.dropout", &model.dropout, "Dropout after pooling. Range [0, 1)."},
      {"model.drop_connect", &model.drop_connect,
       "Drop-connect of the last block, earlier blocks less. Range [0, 1)."},
  };
}

std::vector<Field> training_fields(TrainingConfig& training) {
  return {
      {"training.source", choice(training.source, {"stems", "features"}),
       "stems: fresh sub-mixes each epoch; features: precomputed pairs. See data.store."},
      {"training.pairs_per_step", &training.pairs_per_step,
       "K: pairs of a step over the whole world. Range [2, 65536]."},
      {"training.groups_in_memory", &training.groups_in_memory,
       "Groups whose activations a rank keeps, others are computed twice; 0: all. Range [0, "
       "65536]."},
      {"training.pairs_per_group", &training.pairs_per_group,
       "Pairs that share batch statistics; divides pairs_per_step. Range [1, 65536]."},
      {"training.epochs", &training.epochs, "Passes over the training windows. Range [1, 1e6]."},
      {"training.max_steps", &training.max_steps,
       "Stop after this many steps; 0: no limit. Range [0, 1e12]."},
      {"training.max_minutes", &training.max_minutes,
       "Stop after this many minutes of steps; 0: no limit. Range [0, 1e6]."},
      {"training.learning_rate", &training.learning_rate, "Of Adam. Range (0, 1]."},
      {"training.learning_rate_scaling", choice(training.learning_rate_scaling, {"none", "sqrt"}),
       "sqrt: learning_rate * sqrt(pairs_per_step / 32), at most 4e-3."},
      {"training.schedule", choice(training.schedule, {"constant", "cosine"}),
       "constant, or cosine: down to 1 % of the full learning rate at the last step."},
      {"training.warmup_steps", &training.warmup_steps,
       "Steps over which the learning rate rises linearly. Range [0, 1e9]."},
      {"training.precision", choice(training.precision, {"fp32", "tf32", "bf16"}),
       "Of the encoder's products; sums and updates are float32."},
      {"training.reproducible", choice(training.reproducible, {"fast", "same_world", "invariant"}),
       "Equal to rounding on any ranks; to the bit on as many; to the bit on any."},
      {"training.threads_per_rank", &training.threads_per_rank,
       "CPU threads of a rank's network; 0: share of the cores, 1 if invariant. Range [0, 1024]."},
      {"training.seed", &training.seed,
       "Decides weights, order, sub-mixes, noise, masks and dropout. Range [0, 2^64 - 1]."},
      {"training.device", choice(training.device, {"auto", "cuda", "cpu"}),
       "auto: the GPU of the rank where there is one, else the CPU."},
      {"training.cuda_graph", &training.cuda_graph,
       "Record a step once and play it on the GPU: for small steps; not with groups_in_memory."},
      {"training.features_on", choice(training.features_on, {"cpu", "device"}),
       "Who mixes and makes features: the loader's threads, or the network's GPU; source: stems "
       "only."},
      {"training.recompute_statistics", &training.recompute_statistics,
       "Steps that renew batch statistics before validation and export; 0: none. Range [0, "
       "10000]."},
      {"training.validate_every_steps", &training.validate_every_steps,
       "Steps between validations; 0: once an epoch. Range [0, 1e9]."},
      {"training.validation_windows", &training.validation_windows,
       "Validation windows used at most. Range [2, 32768]."},
      {"training.validation_masks", choice(training.validation_masks, {"none", "as_training"}),
       "Channel masks in validation and cocola_eval: none, or drawn as in training; hps only."},
      {"training.log_every_steps", &training.log_every_steps,
       "Steps between lines of log.jsonl. Range [1, 1e9]."},
      {"training.max_skipped_steps", &training.max_skipped_steps,
       "Steps left out because they are not finite; one more ends the run. Range [0, 1e9]."},
  };
}

std::vector<Field> training_part_fields(TrainingConfig& training) {
  return {
      {"training.loss.directions", choice(training.loss.directions, {"one", "both"}),
       "one: anchors find their positives, as published; both: and positives their anchors."},
      {"training.checkpoint.every_steps", &training.checkpoint.every_steps,
       "Steps between checkpoints; one more at the end and on a stop. Range [1, 1e9]."},
      {"training.checkpoint.keep", &training.checkpoint.keep,
       "Newest checkpoints kept. Range [1, 1000]."},
      {"training.loader.num_threads", &training.loader.num_threads,
       "Threads of a rank that prepare pairs; 0: one per core. Range [0, 256]."},
      {"training.loader.read_ahead", &training.loader.read_ahead,
       "Batches prepared ahead of the step. Range [1, 64]."},
      {"training.augment.noise_std", &training.augment.noise_std,
       "Standard deviation of noise on the positive, full scale 1; source: stems only. Range [0, "
       "1]."},
      {"training.augment.mask_probability", &training.augment.mask_probability,
       "Chance that a view hides its harmonic or percussive channel; hps only. Range [0, 1]."},
      {"training.augment.mask_views", choice(training.augment.mask_views, {"same", "independent"}),
       "Masks of anchor and positive: the same, as published, or one each, learns sooner."},
      {"training.comm.timeout_seconds", &training.comm.timeout_seconds,
       "A rank silent for longer in a collective ends the job, seconds. Range [1, 86400]."},
  };
}

std::vector<Field> evaluation_fields(EvaluationConfig& evaluation) {
  return {
      {"evaluation.split", &evaluation.split, "Which part is measured: train, valid or test."},
      {"evaluation.k", &evaluation.k,
       "Numbers of candidates for accuracy. 1 to 64 different numbers in [2, 65536]."},
      {"evaluation.hop", &evaluation.hop,
       "Distance of the windows of a long file when scoring, as share of a window. Range [0.01, "
       "1]."},
      {"evaluation.seed", &evaluation.seed,
       "Decides the measured sub-mixes and the untrained network. Range [0, 2^64 - 1]."},
  };
}

}  // namespace

std::vector<Field> fields_of(RunConfig& config) {
  std::vector<Field> all = {{"experiment", &config.experiment,
                             "Output goes to runs/<experiment>/. Letters, digits, '.', '_', '-'."}};
  append(all, data_fields(config.data));
  append(all, feature_fields(config.features));
  append(all, model_fields(config.model));
  append(all, training_fields(config.training));
  append(all, training_part_fields(config.training));
  append(all, evaluation_fields(config.evaluation));
  return all;
}

std::vector<Field> fields_of(DatasetConfig& dataset, const std::string& prefix) {
  return {
      {prefix + "layout",
       choice(dataset.layout, {"folder", "musdb18hq", "moisesdb", "slakh2100", "cocochorales"}),
       "How tracks lie below root; folder is <root>/<track>/<any stem file>."},
      {prefix + "root", &dataset.root, "Directory of the data set."},
      {prefix + "name", &dataset.name,
       "Put before the name of each track; empty: the layout, nothing for folder."},
      {prefix + "split.train", &dataset.train,
       "Share of tracks for training, where the layout has no splits. Range [0, 1]."},
      {prefix + "split.valid", &dataset.valid, "Share of tracks for validation. Range [0, 1]."},
      {prefix + "split.test", &dataset.test, "Share of tracks for testing. Range [0, 1]."},
      {prefix + "stems", choice(dataset.stems, {"per_stem", "per_source"}),
       "moisesdb: a stem is a group with its sources summed, or each source."},
      {prefix + "lengths", choice(dataset.lengths, {"layout", "refuse", "cut", "pad"}),
       "Stems of unequal length; layout: refuse for folder and musdb18hq, pad for the others."},
      {prefix + "take",
       Flags{{"train", "valid", "test"},
             {&dataset.take_train, &dataset.take_valid, &dataset.take_test}},
       "Which of the data set's splits are used."},
      {prefix + "ensembles",
       Flags{{"brass", "string", "woodwind", "random"},
             {&dataset.ensembles.brass, &dataset.ensembles.string, &dataset.ensembles.woodwind,
              &dataset.ensembles.random}},
       "cocochorales: which of its ensembles are used."},
      {prefix + "into", choice(dataset.into, {"same", "train", "valid", "test"}),
       "The split that takes these tracks: their own, or one for all."},
  };
}

}  // namespace cocola
