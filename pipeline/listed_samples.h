// From listed samples to a source: classes by number, the order by path. Private to the pipeline.
#pragma once

#include <string>
#include <vector>

#include "d2v/pipeline/folder_source.h"

namespace d2v {

struct ListedSample {
  FolderSample sample;     // path; id, group and label are set here
  std::string class_name;  // empty: none
};

// Puts the samples into `source`, sorted by path; leaves out classes below data.min_class_files. Classes are sorted by
// name, or by value where all are whole numbers. Throws DataError where two paths have one id by chance, or where no sample
// is left.
void add_listed(FolderSource& source, std::vector<ListedSample> listed, const DataConfig& config);

// Class numbers for labels[row], which are not empty; sets source.classes.
void set_classes(FolderSource& source, const std::vector<std::string>& labels);

}  // namespace d2v
