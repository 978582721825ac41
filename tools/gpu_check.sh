#!/usr/bin/env bash
# On a machine with an NVIDIA GPU, in one go: builds the cuda preset, runs the tests of kernels and of one training step,
# replays the recorded cases and times training steps; then a summary. Exit status 1 where something failed.
#   tools/gpu_check.sh [RECIPE]...        recipes whose step is timed; default recipes/image_base.ini
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

DATA=$(given_path "${D2V_TEST_DATA:-../shared}")
readonly LOGS=build/cuda/gpu_check
readonly BIN=build/cuda/bin
SUMMARY=()
FAILED=0

# part NAME COMMAND...: runs it, keeps its output in a file and one line for the summary.
part() {
  local name=$1 start=$SECONDS outcome=ok status=0
  shift
  say "=== $name: $*"
  "$@" > "$LOGS/$name.log" 2>&1 || status=$?
  if ((status == 77)); then
    outcome=skipped
  elif ((status != 0)); then
    outcome=FAILED
    FAILED=1
    tail -n 30 "$LOGS/$name.log"
  fi
  SUMMARY+=("$(printf '%-8s %-24s %5d s' "$outcome" "$name" $((SECONDS - start)))")
}

build_all() {
  tools/setup.sh --cuda
  cmake --preset cuda
  cmake --build --preset cuda --parallel "$(jobs_for_build)" --target d2v golden_replay test_cuda test_train
}

golden() {
  local cases=()
  mapfile -t cases < <(find "$DATA/golden" -mindepth 2 -maxdepth 2 -name config.json -printf '%h\n' | sort)
  ((${#cases[@]} > 0)) || return 77
  "$BIN/golden_replay" --device cuda "$@" "${cases[@]}"
}

main() {
  have nvidia-smi || die "expected an NVIDIA driver (nvidia-smi), found none: this script is for GPU machines"
  mkdir -p "$LOGS"
  local recipes=("$@") recipe name precision
  ((${#recipes[@]} > 0)) || recipes=(recipes/image_base.ini)
  part build build_all
  ((FAILED == 0)) || die "the build failed; its log is $LOGS/build.log"
  part kernels "$BIN/test_cuda"
  part step "$BIN/test_train" --source-file='*/train/device_step_test.cpp'
  part golden_fp32 golden
  part golden_bf16 golden --bf16
  for recipe in "${recipes[@]}"; do
    name=$(basename "$recipe" .ini)
    for precision in fp32 bf16; do
      part "bench_${name}_$precision" "$BIN/d2v" bench step "$recipe" --run.device cuda --run.precision "$precision"
    done
  done
  say "=== summary: $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | head -n 1)"
  printf '%s\n' "${SUMMARY[@]}"
  local log
  for log in "$LOGS"/bench_*.log; do
    [[ ! -f $log ]] || { say "--- $log" && cat "$log"; }
  done
  ((FAILED == 0)) || die "something failed; logs are in $LOGS"
}

main "$@"
