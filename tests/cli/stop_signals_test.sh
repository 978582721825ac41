#!/usr/bin/env bash
# SIGINT and SIGTERM: the update is finished and saved, the status is 130 or 143, and the run goes on exactly.
set -euo pipefail
# shellcheck source=tests/cli/train_fixture.sh
. "$(dirname "$0")/train_fixture.sh"

quiet=(--checkpoint.every 0 --run.updates 3000)  # no checkpoints but those of the signals

# stop FOLDER SIGNAL STATUS: starts the run, waits until it works, sends the signal.
stop() {
  mkdir -p "$work/$1"
  (cd "$work/$1" && exec "$D2V" pretrain "$work/recipe.ini" "${quiet[@]}") >"$work/output" 2>&1 &
  local process=$! lines
  lines=$(metrics_lines "$1")
  until [ "$(metrics_lines "$1")" -gt $((lines + 3)) ]; do
    kill -0 "$process" 2>/dev/null || die "the run ended by itself"
    sleep 0.01
  done
  kill "-$2" "$process"
  expect "$3" wait "$process"
  said "stopped by SIG$2 after update"
}

stop run INT 130
first=$(newest run)
[ "$first" -gt 0 ] || die "nothing was saved"
stop run TERM 143
second=$(newest run)
[ "$second" -gt "$first" ] || die "the second session saved nothing"

# A run of the same length without signals has the same weights.
expect 0 train whole "${quiet[@]}" --run.stop_at "$second"
tensors() {  # the part of the file after its header; configurations differ in run.stop_at
  local file length
  file=$work/$1/run/checkpoints/$(printf 'update_%08d.safetensors' "$second")
  length=$(od -An -t u8 -N 8 "$file" | tr -d ' ')
  tail -c "+$((length + 9))" "$file" | cksum
}
[ "$(tensors run)" = "$(tensors whole)" ] || die "the weights differ at update $second"

# resume needs no recipe.
(cd "$work/run" && "$D2V" resume run --run.stop_at "$((second + 2))") >"$work/output" 2>&1 || die "resume"
[ "$(newest run)" = "$((second + 2))" ] || die "resume ended at update $(newest run)"
