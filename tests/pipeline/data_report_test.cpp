// What a report says of given figures.
#include "d2v/pipeline/data_report.h"

#include <nlohmann/json.hpp>

#include "support.h"

#include "doctest.h"

using namespace d2v;
using test::contains;

namespace {

DataReport pictures() {
  DataReport report;
  report.path = "/data";
  report.form = "a folder of files";
  report.samples = 1000;
  report.splits = {1000, 0, 0, 0};
  report.bytes = 2'500'000;
  for (int i = 0; i < 12; ++i) report.classes.emplace_back("class" + std::to_string(i), 100 - i);
  report.pictures.formats = {{"JPEG", 998}};
  report.pictures.crop = 224;
  report.pictures.below_crop = 250;
  report.duplicates.compared = 1000;
  report.decoded = 998;
  report.broken = {{"a/x.jpg", "truncated", 1, true}, {"a/\xff.jpg", "empty", 1, true}};
  report.epoch = {.threads = 2, .samples = 998, .samples_per_second = 499, .seconds = 2, .not_measured = {}};
  return report;
}

}  // namespace

TEST_CASE("a spread is the least, the middle and the greatest") {
  CHECK(spread_of({3, 1, 2}) == Spread{1, 2, 3});
  CHECK(spread_of({4, 1, 2, 3}) == Spread{1, 3, 4});
  CHECK(spread_of({}) == Spread{});
}

TEST_CASE("the text names the largest and the smallest classes and every broken file") {
  const std::string text = report_text(pictures());
  INFO(text);
  CHECK(contains(text, "/data: a folder of files\n"));
  CHECK(contains(text, "2.5 MB"));
  CHECK(contains(text, "250 (25.0 %) have a side below image.size 224"));
  for (const char* name : {"100 class0", "96 class4", "93 class7", "89 class11"}) CHECK(contains(text, name));
  CHECK(!contains(text, "class5"));
  CHECK(contains(text, "2; all were decoded"));
  CHECK(contains(text, "a/x.jpg: truncated"));
  CHECK(contains(text, "about 2.0 s for 998 samples on this machine: 499 a second with 2 threads"));
}

TEST_CASE("a sample is called one, a time that was not taken says why") {
  DataReport report = pictures();
  report.decoded = 100;
  report.duplicates.compared = 100;
  report.epoch.not_measured = "no time";
  const std::string text = report_text(report);
  INFO(text);
  CHECK(contains(text, "all headers were read, a sample of 100 was decoded"));
  CHECK(contains(text, "only a sample of 100 of the 998 readable pictures was compared"));
  CHECK(contains(text, "not measured: no time"));
}

TEST_CASE("the JSON has all classes and broken files, also with names that are no UTF-8") {
  const auto json = nlohmann::json::parse(report_json(pictures()));
  CHECK(json["modality"] == "image");
  CHECK(json["classes"].size() == 12);
  CHECK(json["classes"][0]["samples"] == 100);
  CHECK(json["broken"].size() == 2);
  CHECK(json["pictures"]["below_image_size"] == 250);
  CHECK(json["epoch"]["seconds"] == 2);
}
