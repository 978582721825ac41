#!/usr/bin/env bash
# d2v bench step and d2v bench loader print their tables; want of memory is said in words.
# Needs $D2V, the program, and $D2V_REPO_ROOT.
set -euo pipefail
: "${D2V:?set it to the d2v program}"

recipe=${D2V_REPO_ROOT:?}/recipes/image_quickstart.ini
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
  echo "FAILED: $*" >&2
  cat "$work/output" >&2
  exit 1
}

said() { grep -q -e "$1" "$work/output" || die "the output lacks '$1'"; }

"$D2V" bench step "$recipe" --data.batch 4 --run.accumulate 2 --run.threads 1 --steps 2 --json "$work/step.json" \
  >"$work/output" 2>&1 || die "d2v bench step"
said '2 samples × 4 masks a step; medians of 2 steps'
said 'a step is one of the 2 slices of an update'
said '  samples/s  '
said '  peak memory  '
grep -q '"slices_per_update": 2' "$work/step.json" || die "no slices in step.json"

"$D2V" bench loader "$recipe" --data.path synthetic:samples=64/side=64 --data.min_class_files 1 --seconds 0.2 --data.threads 1 \
  --json "$work/loader.json" >"$work/output" 2>&1 || die "d2v bench loader"
said '1 thread : .* samples/s'
said 'slices ready'
said 'bottleneck: '
grep -q '"alone"' "$work/loader.json" || die "no stages alone in loader.json"
[[ -s $work/loader.json ]] || die "no loader.json"

if "$D2V" bench stop "$recipe" >"$work/output" 2>&1; then die "'bench stop' was accepted"; fi
said "d2v bench measures 'step' or 'loader', found 'stop'"

# LibTorch's allocator fails in its own way. 4 GiB hold the program and its libraries, not a step of 4096 pictures.
status=0
(
  ulimit -v 4194304
  OMP_NUM_THREADS=1 "$D2V" bench step "$recipe" --data.batch 4096 --run.threads 1
) >"$work/output" 2>&1 || status=$?
[[ $status == 1 ]] || die "status $status instead of 1 where memory is short"
said 'd2v: error: out of memory; raise run.accumulate'
