#!/usr/bin/env bash
# Sets the machine up, builds the release preset and runs every test.
# Arguments go to ctest, e.g. tools/test.sh -R pipeline/
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly BUILD=build/release
readonly LOG=$BUILD/ctest.log

# Cases that a program skipped beside others that ran are not in CTest's list; their names are in its log.
list_skipped_cases() {
  local log=$BUILD/Testing/Temporary/LastTest.log
  [[ -f $log ]] && grep -q '^SKIPPED ' "$log" || return 0
  say "Skipped test cases:"
  sed -n 's/^SKIPPED /  /p' "$log" | sort -u
}

main() {
  tools/setup.sh
  cmake --preset release > /dev/null || die "configuring failed (CMake's message is above)"
  cmake --build --preset release --parallel "$(jobs_for_build)"
  rm -f "$LOG"
  local result=0
  ctest --preset release --parallel "$(nproc)" "$@" 2>&1 | tee "$LOG" || result=$?
  list_skipped_cases
  grep -E '^[0-9]+% tests passed' "$LOG" || true
  return "$result"
}

main "$@"
