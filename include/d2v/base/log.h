// The one logger: lines with time and level on standard error and, once opened, in a file. Safe from any
// thread.
//
//   log_info("epoch {} of {}", epoch, epochs);
//
// A status line (progress) stays at the bottom of a terminal while lines scroll above it; it is never written
// to the file, nor where standard error is no terminal.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace d2v {

enum class LogLevel { info, warning, error };

// `file`: for what the terminal shows in another way.
enum class LogTo { everywhere, file };

// One line per line of the text, "2026-01-31 12:34:56 warning: …" in the file; on the terminal without the
// date.
void log_line(LogLevel level, std::string_view text, LogTo to = LogTo::everywhere);

template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log_line(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}

// Appends to `path` from now on (one file at a time). Throws StorageError. When a later line cannot be
// written, a warning says so once on standard error and the run goes on.
void open_log_file(const std::filesystem::path& path);
void close_log_file();

// Whether standard error is a terminal that can redraw a line.
bool status_is_live();
// Redraws the status line, cut to the terminal's width; an empty text removes it. Does nothing without a
// terminal.
void set_status(std::string_view text);

}  // namespace d2v
