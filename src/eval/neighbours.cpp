#include "d2v/eval/neighbours.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <nlohmann/json.hpp>

#include "d2v/base/check.h"
#include "d2v/base/file.h"
#include "d2v/eval/folder_samples.h"
#include "d2v/eval/knn.h"
#include "d2v/nn/aten.h"
#include "d2v/pipeline/image_reader.h"
#include "d2v/pipeline/png_writer.h"
#include "d2v/pipeline/transforms.h"

namespace d2v {

namespace {

namespace fs = std::filesystem;
constexpr int64_t gap = 4, query_gap = 20;

// Pictures side by side on white, the first one further away from the others.
Image strip_of(const std::vector<Image>& tiles) {
  const int64_t side = tiles[0].height, count = static_cast<int64_t>(tiles.size());
  Image strip;
  strip.resize(side, count * side + query_gap + (count - 2) * gap);
  std::fill(strip.pixels.begin(), strip.pixels.end(), uint8_t{255});
  for (int64_t t = 0; t < count; ++t) {
    const int64_t left = t == 0 ? 0 : side + query_gap + (t - 1) * (side + gap);
    for (int64_t y = 0; y < side; ++y)
      std::copy_n(tiles[static_cast<size_t>(t)].row(y), 3 * side, strip.row(y) + 3 * left);
  }
  return strip;
}

Image thumbnail(const ImageSource& source, int64_t row, const Config& config, int64_t side) {
  std::vector<uint8_t> bytes;
  source.read(static_cast<size_t>(row), bytes);
  ImageConfig image = config.image;
  image.size = side;
  return center_picture(bytes, image, config.data.max_pixels);
}

// The first pictures of different classes; where classes run out, any.
std::vector<int64_t> queries(const ImageSource& source, const at::Tensor& rows, int64_t count) {
  std::vector<int64_t> chosen;
  std::set<int32_t> classes;
  for (const bool any_class : {false, true}) {
    for (int64_t i = 0; i < rows.size(0) && static_cast<int64_t>(chosen.size()) < count; ++i) {
      const int32_t label = source.samples[static_cast<size_t>(rows.const_data_ptr<int64_t>()[i])].label;
      if (std::find(chosen.begin(), chosen.end(), i) != chosen.end()) continue;
      if (any_class || classes.insert(label).second) chosen.push_back(i);
    }
  }
  return chosen;
}

}  // namespace

std::vector<uint32_t> chosen_rows(const ImageSource& source, std::vector<uint32_t> rows, int64_t most) {
  if (most == 0 || static_cast<int64_t>(rows.size()) <= most) return rows;
  std::vector<std::pair<uint64_t, uint32_t>> order;
  for (const uint32_t row : rows)
    order.emplace_back(Philox({.stream = Stream::probe, .sample = source.samples[row].id}).next64(), row);
  std::sort(order.begin(), order.end());
  rows.clear();
  for (int64_t i = 0; i < most; ++i) rows.push_back(order[static_cast<size_t>(i)].second);
  std::sort(rows.begin(), rows.end());
  return rows;
}

int64_t make_neighbours(LoadedModel& model, const ImageSource& source, const fs::path& folder,
                        const NeighbourSettings& settings) {
  std::vector<uint32_t> all(source.size());
  std::iota(all.begin(), all.end(), 0u);
  const ImageSource some = subset(source, chosen_rows(source, std::move(all), settings.most_pictures));
  const Network network = model.has_teacher() ? Network::teacher : Network::student;
  const ExtractedFeatures found =
      extract(folder_samples(some, *model.config),
              {network_features("teacher", *model.objective, network,
                                parse_layers("middle+last", model.blocks()), Pooling::mean)});
  check<DataError>(found.rows.size(0) > settings.neighbours,
                   "{}: {} readable pictures are too few for strips of {} neighbours", source.root.string(),
                   found.rows.size(0), settings.neighbours);

  const at::Tensor features = found.sources[0].values.flatten(1);
  const std::vector<int64_t> chosen = queries(some, found.rows, settings.strips);
  const Neighbours near = KnnIndex(features).nearest(features.index_select(0, at::tensor(chosen, at::kLong)),
                                                     settings.neighbours + 1);
  const fs::path out = folder / "neighbours";
  fs::create_directories(out);
  nlohmann::ordered_json record{{"command", settings.command},
                                {"checkpoint", model.checkpoint.string()},
                                {"pictures", found.rows.size(0)},
                                {"strips", nlohmann::ordered_json::array()}};
  for (size_t q = 0; q < chosen.size(); ++q) {
    std::vector<int64_t> shown{chosen[q]};
    for (int64_t j = 0; j < near.index.size(1) && static_cast<int64_t>(shown.size()) <= settings.neighbours;
         ++j) {
      const int64_t other = near.index[static_cast<int64_t>(q)][j].item<int64_t>();
      if (other != chosen[q]) shown.push_back(other);
    }
    std::vector<Image> tiles;
    std::vector<std::string> paths, classes;
    for (const int64_t index : shown) {
      const int64_t row = found.rows[index].item<int64_t>();
      const ImageSample& sample = some.samples[static_cast<size_t>(row)];
      tiles.push_back(thumbnail(some, row, *model.config, settings.tile));
      paths.push_back(sample.path);
      classes.push_back(sample.label < 0 ? "" : some.classes[static_cast<size_t>(sample.label)]);
    }
    const std::vector<uint8_t> png = encode_png(strip_of(tiles));
    const std::string name = fmt::format("{}.png", q);
    write_file(out / name, {reinterpret_cast<const char*>(png.data()), png.size()});
    record["strips"].push_back(
        {{"picture", name},
         {"class", classes[0]},
         {"paths", paths},
         {"neighbours", std::vector<std::string>(classes.begin() + 1, classes.end())}});
  }
  write_file(out / "neighbours.json",
             record.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  return static_cast<int64_t>(chosen.size());
}

}  // namespace d2v
