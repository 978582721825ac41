// Samples with classes, of any modality: what probes and embeddings read.
//
// All that data.path may be (open_samples.h), with the classes that are told there, or that a pattern finds in the names of
// the files; or tables with labels (label_table.h). Texts come from tables, or are made up (synthetic.h). A path is a table where it ends in .tsv, or is a folder with a
// train.tsv: its valid.tsv (val, validation, dev) and test.tsv, where they are there, are the user's splits.
// Paths in a table are relative to its folder; data.deduplicate and data.min_class_files are about folders only.
#pragma once

#include <filesystem>
#include <string>

#include "d2v/base/config.h"
#include "d2v/pipeline/folder_source.h"

namespace d2v {

// Whether a path stands for tables with labels, by its name; a manifest of fairseq does not.
bool is_label_table(const std::filesystem::path& path);

// All recordings of one frame and more are taken, whatever min_seconds says: that is about training. Texts become
// <s> tokens </s> of text.vocabulary, at most text.block of them.
// Throws DataError as open_pictures, open_recordings, read_label_table and open_tokenizer do; where a path of a table does not
// exist (naming the line), or the vocabulary is not of text.vocabulary_size. Throws UsageError where text.vocabulary or
// data.path is missing, or `classes` is given and the samples are from tables.
FolderSource open_labelled(const Config& config, const std::string& classes = {});

// Classes from file names: what the one group of the regular expression (ECMAScript) matches, searched in the name without
// its folders: '^([0-9])_' finds "7" in 7_theo_12.wav. Throws UsageError where it is no regular expression or has not
// exactly one group; DataError naming the first file where it does not match, or matches nothing there.
void set_classes_by_name(FolderSource& source, const std::string& pattern);

}  // namespace d2v
