// Any text is a list, a manifest, made-up data and a mix of sources, or an error that says why not.
#include <cstdlib>
#include <string>

#include "d2v/base/check.h"
#include "d2v/pipeline/list_source.h"
#include "d2v/pipeline/mixed_source.h"
#include "d2v/pipeline/synthetic.h"

namespace {

template <class E, class F>
void may_fail(F&& call) {
  try {
    call();
  } catch (const E&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  may_fail<d2v::DataError>([&] {
    for (const d2v::ListedPath& path : d2v::parse_list(text, "fuzz").paths)
      if (path.path.empty()) std::abort();
  });
  may_fail<d2v::DataError>([&] {
    for (const d2v::ListedPath& path : d2v::parse_manifest(text, "fuzz").paths)
      if (path.samples < 0) std::abort();
  });
  may_fail<d2v::UsageError>([&] {
    for (const d2v::WeightedPath& path : d2v::parse_sources(text))
      if (path.path.empty() || !(path.weight > 0)) std::abort();
  });
  for (const d2v::Modality modality : {d2v::Modality::image, d2v::Modality::speech, d2v::Modality::text}) {
    may_fail<d2v::UsageError>([&] {
      const d2v::SyntheticSet set = d2v::parse_synthetic("synthetic:" + text, modality);
      if (set.samples < 1 || set.classes < 1 || set.seconds_max < set.seconds_min) std::abort();
    });
  }
  return 0;
}
