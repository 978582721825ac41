#include "d2v/base/log.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>
#include <unistd.h>

#include <sys/ioctl.h>

#include "d2v/base/check.h"
#include "system_error.h"

namespace d2v {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

struct Logger {
  std::mutex mutex;
  std::unique_ptr<std::FILE, Close> file;
  std::filesystem::path path;
  std::string status;
  const bool live = ::isatty(STDERR_FILENO) != 0 && std::getenv("TERM") != nullptr &&
                    std::string_view(std::getenv("TERM")) != "dumb";
};

Logger& logger() {
  static Logger* instance = new Logger;  // never destroyed: threads may log until the process ends
  return *instance;
}

std::string time_text(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[32];
  return {text, std::strftime(text, sizeof text, format, &local)};
}

size_t columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79u;
}

// At most `width` characters of UTF-8 text.
std::string cut(std::string_view text, size_t width) {
  size_t i = 0;
  for (size_t count = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && count++ == width) break;
  return std::string(text.substr(0, i));
}

constexpr const char* kEraseLine = "\r\x1b[K";

void write_stderr(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace

void log_line(LogLevel level, std::string_view text, LogTo to) {
  const char* name = level == LogLevel::info ? "" : level == LogLevel::warning ? "warning: " : "error: ";
  Logger& log = logger();
  const std::lock_guard lock(log.mutex);
  const std::string date = time_text("%Y-%m-%d "), clock = time_text("%H:%M:%S ");
  std::string to_terminal, to_file;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = fmt::format("{}{}{}\n", clock, name, text.substr(at, end - at));
    to_terminal += line;
    to_file += date + line;
    at = end + 1;
  }
  const bool redraw = log.live && !log.status.empty();
  if (to == LogTo::everywhere)
    write_stderr((redraw ? kEraseLine : "") + to_terminal + (redraw ? cut(log.status, columns()) : ""));
  if (!log.file) return;
  if (std::fwrite(to_file.data(), 1, to_file.size(), log.file.get()) == to_file.size() &&
      std::fflush(log.file.get()) == 0)
    return;
  const int error = errno;
  log.file.reset();
  write_stderr(fmt::format("{}warning: cannot write {}: {}; the log goes on here only\n", clock,
                           log.path.string(), reason(error)));
}

void open_log_file(const std::filesystem::path& path) {
  std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "ae"));
  if (!file) storage_failure("append to", path, errno);
  Logger& log = logger();
  const std::lock_guard lock(log.mutex);
  log.file = std::move(file);
  log.path = path;
}

void close_log_file() {
  Logger& log = logger();
  const std::lock_guard lock(log.mutex);
  log.file.reset();
}

bool status_is_live() { return logger().live; }

void set_status(std::string_view text) {
  Logger& log = logger();
  if (!log.live) return;
  const std::lock_guard lock(log.mutex);
  log.status = text;
  write_stderr(kEraseLine + cut(log.status, columns()));
}

}  // namespace d2v
