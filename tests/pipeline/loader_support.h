// What the tests of the loader share: small folders, and a batch as plain values.
#pragma once

#include <string>
#include <vector>

#include "d2v/pipeline/loader.h"
#include "support.h"

namespace d2v::test {

inline LoaderSettings small_settings() {
  LoaderSettings settings;
  settings.image.size = 16;
  settings.image.patch = 4;
  settings.mask = {.prob = 0.5, .block = 2, .clones = 3};
  settings.data.batch = 8;
  settings.data.max_bad_fraction = 0.2;
  settings.seed = 7;
  settings.last_update = 12;
  return settings;
}

// Everything of a slice that training can see.
struct Seen {
  int64_t epoch, update, part, samples, update_samples, update_sample_size;
  std::vector<float> input;
  std::vector<int64_t> visible, masked;
  std::vector<SampleRef> refs;
  std::vector<int32_t> labels;
  std::vector<int64_t> input_shape, tokens, lengths;
  bool operator==(const Seen&) const = default;
};

inline std::vector<Seen> read_all(Loader& loader) {
  std::vector<Seen> all;
  while (BatchPtr batch = loader.next()) {
    all.push_back({batch->epoch,
                   batch->update,
                   batch->part,
                   batch->samples,
                   batch->update_samples,
                   batch->update_sample_size,
                   {batch->input.span().begin(), batch->input.span().end()},
                   {batch->visible.span().begin(), batch->visible.span().end()},
                   {batch->masked.span().begin(), batch->masked.span().end()},
                   batch->refs,
                   batch->labels,
                   batch->input_shape,
                   {batch->tokens.span().begin(), batch->tokens.span().end()},
                   {batch->lengths.span().begin(), batch->lengths.span().end()}});
    loader.recycle(std::move(batch));
  }
  return all;
}

inline std::vector<Seen> read_all(const Source& source, const LoaderSettings& settings) {
  Loader loader(source, settings);
  return read_all(loader);
}

struct Folder {
  test::TemporaryFolder folder;
  ImageSource source;
  explicit Folder(int count = 20, int broken = 0) {
    test::write_classes(folder.path(), 2, count);
    for (int i = 0; i < broken; ++i)
      test::write(folder.path() / "a" / (std::to_string(i) + ".ppm"), "broken");
    source = scan_images(folder.path(), {});
  }
};

}  // namespace d2v::test
