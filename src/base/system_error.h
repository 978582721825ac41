// Reasons of the operating system in our messages.
#pragma once

#include <filesystem>
#include <string>

namespace d2v {

// "No such file or directory" and the like.
std::string reason(int error);

// Throws StorageError: "cannot ACTION PATH: reason; what to do".
[[noreturn]] void storage_failure(const std::string& action, const std::filesystem::path& path, int error);

}  // namespace d2v
