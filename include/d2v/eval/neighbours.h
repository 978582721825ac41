// Picture strips for the report: some pictures with the ones whose features are most similar.
#pragma once

#include <filesystem>
#include <string>

#include "d2v/eval/loaded_model.h"
#include "d2v/pipeline/image_source.h"

namespace d2v {

struct NeighbourSettings {
  int64_t strips = 8;  // queries, of different classes where there are enough
  int64_t neighbours = 6;
  int64_t most_pictures = 2000;  // searched, chosen by key
  int64_t tile = 96;             // side of a picture in pixels
  std::string command{};         // kept beside the pictures
};

// Writes FOLDER/neighbours/0.png … and neighbours.json. Features: the trained teacher's (the student's where there is
// none), mean over tokens of the middle and the last block, cosine after standardisation; a picture is not its own
// neighbour. Returns the number of strips. Throws DataError where fewer than neighbours + 1 pictures can be read.
int64_t make_neighbours(LoadedModel& model, const ImageSource& source, const std::filesystem::path& folder,
                        const NeighbourSettings& settings);

// Rows of a source chosen by the key of each picture, at most `most` (0: all), increasing: the choice does not depend on
// the other pictures' names or order.
std::vector<uint32_t> chosen_rows(const ImageSource& source, std::vector<uint32_t> rows, int64_t most);

}  // namespace d2v
