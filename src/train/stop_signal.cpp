#include "d2v/train/stop_signal.h"

#include <csignal>
#include <unistd.h>

namespace d2v {
namespace {

// A handler can reach nothing but statics.
volatile std::sig_atomic_t received_signal = 0;
struct sigaction before_int, before_term;

void note(int signal) {
  if (signal == SIGINT && received_signal != 0) _exit(128 + SIGINT);
  received_signal = signal;
}

}  // namespace

StopSignals::StopSignals() {
  received_signal = 0;
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &before_int);
  sigaction(SIGTERM, &action, &before_term);
}

StopSignals::~StopSignals() {
  sigaction(SIGINT, &before_int, nullptr);
  sigaction(SIGTERM, &before_term, nullptr);
}

int StopSignals::received() { return received_signal; }

}  // namespace d2v
