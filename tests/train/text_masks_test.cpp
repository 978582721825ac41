// Text with every kind of mask for sequences, through whole updates: token file, loader, step, optimizer, EMA.
#include <array>
#include <cmath>
#include <map>
#include <memory>

#include "d2v/base/philox.h"
#include "d2v/model/objective.h"
#include "d2v/nn/aten.h"
#include "d2v/pipeline/loader.h"
#include "d2v/pipeline/text_source.h"
#include "d2v/pipeline/token_file.h"
#include "d2v/train/update.h"
#include "scratch_folder.h"

#include "doctest.h"

using namespace d2v;
using test::ScratchFolder;

namespace {

constexpr uint32_t kWords = 60;

struct MaskSetting {
  MaskKind kind;
  int64_t block;
  bool boundaries;
  ObjectiveKind objective = ObjectiveKind::data2vec2;
};

Config masked_text(const MaskSetting& s) {
  Config config;
  config.model.objective = s.objective;
  config.model.modality = Modality::text;
  config.model.dim = 32;
  config.model.heads = 4;
  config.model.prenet_depth = 0;
  config.model.depth = 2;
  config.model.extra_tokens = 0;
  config.text.vocabulary_size = kWords;
  config.text.block = config.text.max_positions = 40;
  config.text.document_boundaries = s.boundaries;
  config.mask.kind = s.kind;
  config.mask.prob = 0.5;
  config.mask.block = s.block;
  config.mask.clones = s.objective == ObjectiveKind::data2vec2 ? 2 : 1;
  config.decoder.dim = 16;
  config.decoder.groups = 1;
  config.decoder.kernel = 9;
  config.decoder.layers = 2;
  config.decoder.residual = false;
  config.target.layers = 2;
  config.target.final_norm = NormKind::none;
  config.loss.cls = 0;
  config.ema = {.decay = 0.9, .end_decay = 0.9, .encoder_only = s.objective == ObjectiveKind::data2vec2};
  config.data.batch = 6;
  config.data.threads = 1;
  config.optim.clip_norm = 1;
  return config;
}

// Documents of 20 to 90 tokens, in which two words take turns.
std::filesystem::path write_tokens(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "t.d2vtok";
  TokenWriter writer(path, {.hash = 7, .size = kWords, .mask = kWords - 1});
  Philox random({.seed = 4});
  for (int d = 0; d < 30; ++d) {
    std::vector<uint32_t> document(20 + random.below(71));
    const std::array<uint32_t, 2> words{4 + random.below(kWords - 5), 4 + random.below(kWords - 5)};
    for (size_t i = 0; i < document.size(); ++i) document[i] = words[i % 2];
    writer.add(document);
  }
  writer.commit();
  return path;
}

// Runs of consecutive positions.
int64_t runs_in(const std::vector<int64_t>& positions) {
  int64_t runs = 0;
  for (size_t i = 0; i < positions.size(); ++i) runs += i == 0 || positions[i] != positions[i - 1] + 1;
  return runs;
}

// The mean length of the runs of a stream's masks; checks what must hold for each mask.
struct MaskFacts {
  int64_t visible_positions = 0, visible_runs = 0, masked_positions = 0, masked_runs = 0;
  double visible_run() const {
    return static_cast<double>(visible_positions) / static_cast<double>(visible_runs);
  }
  double masked_run() const {
    return static_cast<double>(masked_positions) / static_cast<double>(masked_runs);
  }

  void add(Batch& slice) {
    const DeviceBatch batch = to_tensors(slice);
    for (int64_t b = 0; b < slice.samples; ++b) {
      const int64_t length = batch.lengths.defined() ? batch.lengths[b].item<int64_t>() : slice.positions;
      for (int64_t m = 0; m < slice.clones; ++m) {
        const auto list = [](const at::Tensor& t) {
          return std::vector<int64_t>(t.data_ptr<int64_t>(), t.data_ptr<int64_t>() + t.numel());
        };
        std::vector<int64_t> masked = list(batch.masked[b][m].contiguous()),
                             visible = list(batch.visible[b][m].contiguous());
        CHECK(masked.size() + visible.size() == static_cast<size_t>(slice.positions));
        CHECK(masked.back() < length);  // padding is never masked
        std::erase_if(visible, [&](int64_t position) { return position >= length; });
        REQUIRE_FALSE(visible.empty());
        visible_positions += static_cast<int64_t>(visible.size());
        masked_positions += static_cast<int64_t>(masked.size());
        visible_runs += runs_in(visible);
        masked_runs += runs_in(masked);
      }
    }
  }
};

struct Trained {
  std::unique_ptr<Objective> objective;
  std::vector<UpdateValues> updates;
  MaskFacts masks;
};

Trained train_some(const Config& config, const std::filesystem::path& tokens, int64_t updates,
                   double ema_decay) {
  const TextSource source = open_text(tokens, config.text);
  LoaderSettings settings = loader_settings(config, LoaderMode::train);
  settings.last_update = updates;
  Loader loader(source, settings);
  Trained out{make_objective(config, Precision::fp32), {}, {}};
  AdamState adam(out.objective->layout());
  const SliceStream stream{[&] {
                             BatchPtr slice = loader.next();
                             if (slice) out.masks.add(*slice);
                             return slice;
                           },
                           {}};
  for (int64_t u = 0; u < updates; ++u)
    out.updates.push_back(run_update(*out.objective, stream,
                                     {.seed = settings.seed, .update = u, .lr = 3e-3, .ema_decay = ema_decay},
                                     config.optim, adam));
  return out;
}

double loss_of(const UpdateValues& values) {
  return values.loss.item<double>() / static_cast<double>(values.sample_size);
}

std::vector<MaskSetting> mask_settings() {
  std::vector<MaskSetting> out;
  for (const bool boundaries : {false, true}) {
    const int64_t block = boundaries ? 3 : 6;  // the shortest part of a document has 8 positions
    out.push_back({MaskKind::inverse_block, block, boundaries});
    out.push_back({MaskKind::block, block, boundaries});
    out.push_back({MaskKind::spans, block, boundaries});
    out.push_back({MaskKind::random, 1, boundaries});
    out.push_back({MaskKind::spans, block, boundaries, ObjectiveKind::data2vec1});
    out.push_back({MaskKind::inverse_block, block, boundaries, ObjectiveKind::data2vec1});
  }
  return out;
}

}  // namespace

TEST_CASE("text trains with inverse blocks, blocks and spans: masks of that kind, and a falling loss") {
  const ScratchFolder scratch;
  const auto tokens = write_tokens(scratch.path);
  for (const MaskSetting& s : mask_settings()) {
    CAPTURE(name_of(s.kind));
    CAPTURE(s.boundaries);
    CAPTURE(name_of(s.objective));
    const Config config = masked_text(s);
    const Trained trained = train_some(config, tokens, 40, 1);
    for (const UpdateValues& values : trained.updates) {
      CHECK(std::isfinite(loss_of(values)));
      CHECK(values.step.gradient_norm > 0);
      CHECK(values.sample_size > 0);
      CHECK(values.sample_size < values.positions);
    }
    const auto mean_of = [&](size_t first) {
      double sum = 0;
      for (size_t i = first; i < first + 5; ++i) sum += loss_of(trained.updates[i]);
      return sum / 5;
    };
    CHECK(mean_of(35) < 0.9 * mean_of(0));  // the teacher stands still
    // Which side comes in runs tells the kinds apart.
    const double visible = trained.masks.visible_run(), masked = trained.masks.masked_run();
    CAPTURE(visible);
    CAPTURE(masked);
    if (s.kind == MaskKind::random) {
      CHECK(visible < 2.3);
      CHECK(masked < 2.3);
    } else if (s.kind == MaskKind::inverse_block) {
      CHECK(visible > 2.5);
    } else {
      CHECK(masked > 2.5);
    }
  }
}

TEST_CASE(
    "data2vec 2's student never sees the masked words, whatever the kind of mask; the teacher sees all") {
  const ScratchFolder scratch;
  const auto tokens = write_tokens(scratch.path);
  for (const MaskSetting& s : mask_settings()) {
    if (s.objective != ObjectiveKind::data2vec2) continue;
    CAPTURE(name_of(s.kind));
    CAPTURE(s.boundaries);
    Config config = masked_text(s);
    config.mask.clones = 1;  // of several, each hides other words
    const TextSource source = open_text(tokens, config.text);
    LoaderSettings settings = loader_settings(config, LoaderMode::train);
    settings.last_update = 1;
    Loader loader(source, settings);
    const BatchPtr slice = loader.next();
    REQUIRE(slice);
    DeviceBatch batch = to_tensors(*slice);
    const auto model = make_objective(config, Precision::fp32);
    const StepKey key{1, 0, 0, slice->update_samples, slice->update_sample_size};
    const auto stages_of = [&](const DeviceBatch& given) {
      std::map<std::string, at::Tensor> stages;
      Trace trace;
      trace.record = [&](const std::string& stage, const at::Tensor& value) {
        stages[stage] = value.clone();
      };
      model->forward(given, key, &trace);
      return stages;
    };
    const auto before = stages_of(batch);
    DeviceBatch changed = batch;
    const at::Tensor index = batch.masked.flatten(1);
    const at::Tensor other = (batch.input.gather(1, index) - 4 + 17) % (kWords - 5) + 4;
    changed.input = batch.input.scatter(1, index, other);
    REQUIRE_FALSE(at::equal(changed.input, batch.input));
    const auto after = stages_of(changed);
    CHECK(at::equal(after.at("encoder_output"), before.at("encoder_output")));
    CHECK(at::equal(after.at("decoder_output"), before.at("decoder_output")));
    CHECK_FALSE(at::allclose(after.at("targets"), before.at("targets")));
  }
}

TEST_CASE("two slices of an update of text have the masks and the loss of the same update in one") {
  const ScratchFolder scratch;
  const auto tokens = write_tokens(scratch.path);
  for (const MaskKind kind : {MaskKind::inverse_block, MaskKind::block}) {
    CAPTURE(name_of(kind));
    Config config = masked_text({kind, 6, false});
    const Trained whole = train_some(config, tokens, 2, 0.9);
    config.run.accumulate = 2;
    const Trained sliced = train_some(config, tokens, 2, 0.9);
    for (size_t u = 0; u < 2; ++u) {
      CHECK(sliced.updates[u].sample_size == whole.updates[u].sample_size);
      CHECK(loss_of(sliced.updates[u]) == doctest::Approx(loss_of(whole.updates[u])).epsilon(1e-4));
    }
    // The teacher followed, and not as far as the student.
    const auto fresh = make_objective(config, Precision::fp32);
    const at::Tensor start = fresh->teacher(), teacher = whole.objective->teacher(),
                     student = whole.objective->weights().narrow(0, 0, start.numel());
    const double moved = (teacher - start).norm().item<double>();
    CHECK(moved > 0);
    CHECK(moved < (student - start).norm().item<double>());
    CHECK(at::allclose(sliced.objective->teacher(), teacher, 1e-3, 1e-4));
  }
}
