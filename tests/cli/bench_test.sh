#!/usr/bin/env bash
# d2v bench step, loader, masks and checkpoint print their tables and write them as JSON; --compare sets an earlier one
# beside it, and refuses one of other settings; a wrong D2V_SIMD is an error; want of memory is said in words.
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
said '  masked views/s  '
said '  student tokens/s  '
said '  nominal work  .* GFLOP/s'
said '  executed work  .* GFLOP/s'
said '  peak memory  '
said '  allocations  '
said '  local encoder  .* s  .* s  '
said '  student  .* s  .* s  '
said '  optimizer + EMA  '
grep -q '"slices_per_update": 2' "$work/step.json" || die "no slices in step.json"

"$D2V" bench step "$recipe" --data.batch 4 --run.accumulate 2 --run.threads 1 --steps 1 --compare "$work/step.json" \
  >"$work/output" 2>&1 || die "d2v bench step --compare"
said 'before and after'
said '  samples/s  .* [0-9.]*$'
status=0
"$D2V" bench step "$recipe" --data.batch 4 --run.accumulate 2 --run.threads 1 --mask.prob 0.5 --compare "$work/step.json" \
  >"$work/output" 2>&1 || status=$?
[[ $status == 2 ]] || die "status $status instead of 2 for a report of other settings"
said "mask.prob = .* before, '0.5' now"
if "$D2V" bench masks "$recipe" --compare "$work/step.json" >"$work/output" 2>&1; then die "a step compared with masks"; fi
said 'they do not compare'
if "$D2V" bench step "$recipe" --compare "$recipe" >"$work/output" 2>&1; then die "a recipe passed for a report"; fi
said 'd2v bench … --json FILE'

"$D2V" bench step "$recipe" --data.batch 4 --run.threads 1 --steps 1 --loader --data.path synthetic:samples=64/side=64 \
  --data.min_class_files 1 --data.threads 1 >"$work/output" 2>&1 || die "d2v bench step --loader"
said '  waiting for data  '

"$D2V" bench masks "$recipe" --seconds 0.05 --json "$work/masks.json" >"$work/output" 2>&1 || die "d2v bench masks"
said '  masks/s  '
"$D2V" bench masks "$recipe" --seconds 0.05 --compare "$work/masks.json" >"$work/output" 2>&1 || die "masks --compare"
said 'masks/s of one core'

"$D2V" bench checkpoint "$recipe" --dir "$work" --repeats 1 --json "$work/checkpoint.json" >"$work/output" 2>&1 ||
  die "d2v bench checkpoint"
said '  write, to the disk  '
grep -q '"name": "written"' "$work/checkpoint.json" || die "no figures in checkpoint.json"
compgen -G "$work/*.safetensors" >/dev/null && die "the checkpoint was left behind"

"$D2V" bench loader "$recipe" --data.path synthetic:samples=64/side=64 --data.min_class_files 1 --seconds 1 --data.threads 1 \
  --json "$work/loader.json" >"$work/output" 2>&1 || die "d2v bench loader"
said '1 thread : .* samples/s'
said 'slices ready'
said 'bottleneck: '
grep -q '"alone"' "$work/loader.json" || die "no stages alone in loader.json"
[[ -s $work/loader.json ]] || die "no loader.json"

if "$D2V" bench stop "$recipe" >"$work/output" 2>&1; then die "'bench stop' was accepted"; fi
said "d2v bench measures 'step', 'loader', 'masks' or 'checkpoint', found 'stop'"

status=0
D2V_SIMD=abacus "$D2V" bench masks "$recipe" >"$work/output" 2>&1 || status=$?
[[ $status == 2 ]] || die "status $status instead of 2 for an unknown D2V_SIMD"
said "D2V_SIMD = 'abacus' .* or baseline"
D2V_SIMD=baseline "$D2V" bench masks "$recipe" --seconds 0.05 >"$work/output" 2>&1 || die "D2V_SIMD=baseline"

# LibTorch's allocator fails in its own way. 4 GiB hold the program and its libraries, not a step of 4096 pictures.
status=0
(
  ulimit -v 4194304
  OMP_NUM_THREADS=1 "$D2V" bench step "$recipe" --data.batch 4096 --run.threads 1
) >"$work/output" 2>&1 || status=$?
[[ $status == 1 ]] || die "status $status instead of 1 where memory is short"
said 'd2v: error: out of memory; raise run.accumulate'
