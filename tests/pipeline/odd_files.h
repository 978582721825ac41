// The odd files of the data sets: what their MANIFESTs say of each, and where our outcome differs on purpose.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "test_data.h"

namespace d2v::test {

using Reasons = std::map<std::string, std::string>;

struct OddFile {
  std::string name;
  bool usable = false;  // by the manifest and the exceptions below
  std::vector<std::string> fields;
  bool ok = false;  // by the manifest alone
};

// Pictures: where the outcome differs from Pillow's on purpose, and why.
inline const Reasons kOddPictures{
    {"gen_badcrc.png", "refused: wrong checksum of the pixels (Pillow 9.4 did not look, 13.0 does)"},
    {"pil_16_bit_noise.tif", "TIFF"},
    {"pil_no_palette.gif", "a GIF without any palette: stb_image refuses it"},
    {"pil_png_decompression_dos.png", "readable: only the text chunk is a bomb, and text is skipped"},
    {"pil_truncated_exif_dpi.jpg", "readable: only its EXIF is cut off (Pillow 13.0 reads it too)"},
    {"pil_unknown_compression_method.png", "readable: only the colour profile is broken, and it is skipped"},
};

// Recordings: read by FFmpeg, refused here, and what the message says.
inline const Reasons kOddRecordings{
    {"gen_f32_nan_inf.wav", "holds NaN or infinity"},
    {"gen_zero_samples.wav", "has no samples"},
    {"pydub_test1_empty.wav", "has no samples"},
    {"tt_test.aiff", "has no samples"},
};
// FFmpeg warns of broken files and goes on; they are refused, but for one that is cut within its last frame, of which nothing
// is decoded: all before is whole.
inline const std::string kOddReadAllTheSame = "tt_vbri.mp3";
// Read, but of no use for training (with speech.min_seconds 0.1), and what the message says.
inline const Reasons kOddUselessRecordings{
    {"gen_one_sample.wav", "are shorter than"}, {"gen_short_100.wav", "are shorter than"},
    {"gen_silence_2s.wav", "silent"},           {"tt_empty.ogg", "silent"},
    {"tt_riff_extra_zero.wav", "silent"},       {"tt_silence-22khz-mono-1s.mp3", "silent"},
};

// Text (which has no manifest): left out, and what the message says. All others are used, three with invalid bytes mended.
inline const Reasons kOddTexts{
    {"empty.txt", "the file is empty"},
    {"nul_bytes.txt", "has a NUL at byte 3"},
    {"only_newlines.txt", "holds no text"},
    {"utf16le.txt", "has a NUL at byte 3"},
};

// The lines of a manifest, without the one with the columns' names.
inline std::vector<std::vector<std::string>> manifest_lines(const std::filesystem::path& file) {
  std::ifstream manifest(file);
  std::string line;
  std::getline(manifest, line);
  std::vector<std::vector<std::string>> lines;
  while (std::getline(manifest, line)) {
    std::istringstream stream(line);
    auto& fields = lines.emplace_back();
    for (std::string field; std::getline(stream, field, '\t');) fields.push_back(field);
  }
  return lines;
}

// Fields: name, bytes, format, mode, width, height, frames, progressive, orientation, outcome, …
inline std::vector<OddFile> odd_pictures() {
  std::vector<OddFile> files;
  for (auto& fields : manifest_lines(test_data() / "datasets/images/odd/MANIFEST.tsv")) {
    const bool ok = fields.at(9) == "ok";
    files.push_back({fields[0], ok != kOddPictures.contains(fields[0]), fields, ok});
  }
  return files;
}

// Fields: name, bytes, codec, rate, channels, frames, outcome, …
inline std::vector<OddFile> odd_recordings() {
  std::vector<OddFile> files;
  for (auto& fields : manifest_lines(test_data() / "datasets/speech/odd/MANIFEST.tsv")) {
    const std::string& name = fields.at(0);
    const bool ok = fields.at(6) == "ok";
    files.push_back({name, (ok && !kOddRecordings.contains(name)) || name == kOddReadAllTheSame, fields, ok});
  }
  return files;
}

}  // namespace d2v::test
