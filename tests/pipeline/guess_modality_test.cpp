// Names tell pictures, recordings and text apart.
#include "d2v/pipeline/guess_modality.h"

#include "support.h"
#include "tar_support.h"

#include "doctest.h"

using namespace d2v;

TEST_CASE("a folder is of what it has more of; of neither, pictures") {
  const test::TemporaryFolder folder;
  CHECK(guess_modality(folder.path()) == Modality::image);
  CHECK(guess_modality(folder.path() / "absent") == Modality::image);
  test::write(folder.path() / "a/1.WAV", "");
  CHECK(guess_modality(folder.path()) == Modality::speech);
  test::write(folder.path() / "a/1.jpg", "");
  test::write(folder.path() / "a/2.jpg", "");
  CHECK(guess_modality(folder.path()) == Modality::image);
}

TEST_CASE("lists, manifests, shards, token files") {
  const test::TemporaryFolder folder;
  const auto file = [&](const char* name, const std::string& contents) {
    test::write(folder.path() / name, contents);
    return guess_modality(folder.path() / name);
  };
  CHECK(file("list.txt", "a/1.flac\na/2.flac\n") == Modality::speech);
  CHECK(file("list2.txt", "a/1.png\tcat\n") == Modality::image);
  CHECK(file("train.tsv", "/data\na.wav\t16000\n") == Modality::speech);
  CHECK(file("text.d2vtok", "") == Modality::text);
  CHECK(file("text.bin", "") == Modality::text);
  test::write(folder.path() / "text.idx", "");
  CHECK(guess_modality(folder.path() / "text") == Modality::text);
  CHECK(guess_modality("synthetic:samples=5") == Modality::image);
}
