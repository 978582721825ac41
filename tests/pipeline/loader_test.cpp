// The loader: the same stream whatever the threads and the start, evaluation.
#include "d2v/pipeline/loader.h"

#include <map>
#include <set>

#include "loader_support.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("a slice has the promised shapes and counts") {
  const test::Folder data;
  LoaderSettings settings = test::small_settings();
  settings.accumulate = 2;
  Loader loader(data.source, settings);
  const BatchPtr batch = loader.next();
  REQUIRE(batch);
  CHECK(batch->samples == 4);
  CHECK(batch->clones == 3);
  CHECK(batch->positions == 16);
  CHECK(batch->visible_count == 8);
  CHECK(batch->update_samples == 8);
  CHECK(batch->update_sample_size == 8 * 3 * 8);
  CHECK(batch->input_shape == std::vector<int64_t>{4, 3, 16, 16});
  CHECK(batch->input.size() == 4 * 3 * 16 * 16);
  CHECK(batch->visible.size() == 4 * 3 * 8);
  CHECK(batch->masked.size() == 4 * 3 * 8);
  CHECK(reinterpret_cast<uintptr_t>(batch->input.data()) % 64 == 0);
  for (size_t i = 0; i < 4; ++i) {
    CHECK(batch->refs[i].id == data.source.samples[batch->rows[i]].id);
    CHECK(batch->labels[i] == data.source.samples[batch->rows[i]].label);
  }
  CHECK(loader.next()->part == 1);
}

TEST_CASE("the stream is the same for any number of threads, with broken files too") {
  for (const int broken : {0, 3}) {
    const test::Folder data(20, broken);
    LoaderSettings settings = test::small_settings();
    const auto one = test::read_all(data.source, settings);
    CHECK(one.size() == 12);
    for (const int64_t threads : {2, 16}) {
      settings.threads = threads;
      CHECK(test::read_all(data.source, settings) == one);
    }
  }
}

TEST_CASE("the stream can start at any update, and slices do not change what an update holds") {
  const test::Folder data(21);
  LoaderSettings settings = test::small_settings();
  settings.data.drop_last = false;
  const auto whole = test::read_all(data.source, settings);
  for (const int64_t first : {1, 5, 6, 11}) {
    settings.first_update = first;
    CHECK(test::read_all(data.source, settings) ==
          std::vector<test::Seen>(whole.begin() + first, whole.end()));
  }
  settings.first_update = 0;
  settings.accumulate = 4;
  std::vector<float> input, expected;
  for (const test::Seen& slice : test::read_all(data.source, settings))
    input.insert(input.end(), slice.input.begin(), slice.input.end());
  for (const test::Seen& batch : whole)
    expected.insert(expected.end(), batch.input.begin(), batch.input.end());
  CHECK(input == expected);
}

TEST_CASE("mask.prob_min: the number of kept positions changes from update to update, not within one") {
  const test::Folder data;
  LoaderSettings settings = test::small_settings();
  settings.mask.prob_min = 0.2;
  settings.mask.prob = 0.8;
  settings.accumulate = 2;
  std::map<int64_t, std::set<size_t>> sizes;
  std::set<size_t> all;
  for (const test::Seen& slice : test::read_all(data.source, settings)) {
    sizes[slice.update].insert(slice.visible.size());
    all.insert(slice.visible.size());
    CHECK(slice.update_sample_size == static_cast<int64_t>(slice.masked.size()) * 2);
  }
  for (const auto& [update, seen] : sizes) CHECK(seen.size() == 1);
  CHECK(all.size() > 3);
}

TEST_CASE("evaluation: each picture once, in order, always the same masks; broken ones are left out") {
  const test::Folder data(10, 2);
  LoaderSettings settings = test::small_settings();
  settings.mode = LoaderMode::evaluate;
  Loader loader(data.source, settings);
  const auto all = test::read_all(loader);
  std::vector<uint64_t> ids;
  for (const test::Seen& batch : all) {
    CHECK(batch.visible.size() >= static_cast<size_t>(batch.samples * 3 * 8));
    for (const SampleRef& ref : batch.refs) ids.push_back(ref.id);
  }
  std::vector<uint64_t> expected;
  for (const ImageSample& sample : data.source.samples) {
    if (sample.path != "a/0.ppm" && sample.path != "a/1.ppm") expected.push_back(sample.id);
  }
  CHECK(ids == expected);
  CHECK(loader.bad_files().size() == 2);
  CHECK(all.front().samples == 6);
  CHECK(all.front().update_sample_size == 6 * 3 * 8);

  // Nor does anything depend on the slices that a batch is cut into, and none of them is left out.
  settings.data.batch = 6;
  settings.accumulate = 3;
  std::vector<uint64_t> of_slices;
  for (const test::Seen& slice : test::read_all(data.source, settings)) {
    CHECK(slice.samples <= 2);
    for (const SampleRef& ref : slice.refs) of_slices.push_back(ref.id);
  }
  CHECK(of_slices == expected);
  settings.accumulate = 1;

  // The masks of a picture do not depend on the batch it is in.
  settings.data.batch = 1;
  settings.data.max_bad_fraction = 1;
  const auto single = test::read_all(data.source, settings);
  REQUIRE(single.size() == 18);
  for (size_t i = 0; i < 6; ++i) {
    const auto& batch = all.front();
    CHECK(std::equal(single[i].visible.begin(), single[i].visible.end(), batch.visible.begin() + i * 24));
    CHECK(std::equal(single[i].input.begin(), single[i].input.end(), batch.input.begin() + i * 768));
  }
}

TEST_CASE("embedding needs no masks, and no mask settings that make sense") {
  const test::Folder data(5);
  LoaderSettings settings = test::small_settings();
  settings.mode = LoaderMode::embed;
  settings.mask.prob = 1;
  int64_t samples = 0;
  for (const test::Seen& batch : test::read_all(data.source, settings)) {
    samples += batch.samples;
    CHECK(batch.visible.empty());
  }
  CHECK(samples == 10);
}

TEST_CASE("statistics count what was handed out") {
  const test::Folder data;
  Loader loader(data.source, test::small_settings());
  test::read_all(loader);
  CHECK(loader.stats().samples == 12 * 8);
  CHECK(loader.stats().seconds > 0);
  CHECK(loader.stats().stall_seconds > 0);
  CHECK(loader.stats().stall_seconds <= loader.stats().seconds);
}

TEST_CASE("the loader leaves the trainer its cores") {
  DataConfig config;
  CHECK(loader_threads(config, 0) == 1);
  CHECK(loader_threads(config, 1 << 20) == 1);
  config.threads = 3;
  CHECK(loader_threads(config, 0) == 3);
}
