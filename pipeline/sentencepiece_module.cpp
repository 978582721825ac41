#include "d2v/pipeline/sentencepiece_module.h"

#include <dlfcn.h>
#include <filesystem>

#include "d2v/base/check.h"

namespace d2v {
namespace {

constexpr const char* kFile = "libd2v_sentencepiece.so";

const SentencePieceModule* load() {
  const std::filesystem::path file = std::filesystem::read_symlink("/proc/self/exe").parent_path() / kFile;
  // D2V_DEEPBIND is RTLD_DEEPBIND, but with sanitizers: the library finds its own variables first.
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | D2V_DEEPBIND);
  const char* problem = library == nullptr ? dlerror() : "";
  check(library != nullptr,
        "SentencePiece vocabularies need {} beside the program ({}); build it, or copy it there with d2v",
        file.string(), problem);
  const auto module = reinterpret_cast<const SentencePieceModule* (*)()>(dlsym(library, "d2v_sentencepiece"));
  check(module != nullptr, "{}: expected the module of this version of d2v", file.string());
  return module();
}

}  // namespace

const SentencePieceModule& sentencepiece_module() {
  static const SentencePieceModule* module = load();
  return *module;
}

}  // namespace d2v
