#!/usr/bin/env bash
# Kill -9 at random moments, also while a checkpoint is being written; the resumed run ends with the same bytes.
set -euo pipefail
# shellcheck source=tests/cli/train_fixture.sh
. "$(dirname "$0")/train_fixture.sh"

expect 0 train whole
[ "$(newest whole)" = 60 ] || die "the whole run ended at update $(newest whole)"

seed=${SEED:-$RANDOM}
echo "SEED=$seed"
RANDOM=$seed
start=()  # the first session starts the run, the others must find one
for kill in 1 2 3 4 5 6 7; do
  mkdir -p "$work/killed"
  # A checkpoint follows every update, so that many kills hit the writing of one.
  (cd "$work/killed" && exec "$D2V" pretrain "$work/recipe.ini" "${start[@]}") >"$work/output" 2>&1 &
  process=$!
  goal=$(($(newest killed) + 1 + RANDOM % 6))
  wait_for killed "$goal" "$process"
  sleep "0.0$((RANDOM % 90 + 10))"
  kill -KILL "$process"
  expect 137 wait "$process"
  echo "kill $kill after update $(newest killed)"
  start=(--resume)
done
expect 0 train killed --resume
said "going on from"
same_checkpoint whole killed update_00000060.safetensors

updates=$(grep -o '"update":[0-9]*' "$work/killed/run/metrics.jsonl" | cut -d: -f2)
[ "$updates" = "$(seq 60)" ] || die "metrics.jsonl does not have every update once: $updates"
losses() { grep -o '"loss":[^,]*' "$work/$1/run/metrics.jsonl"; }
[ "$(losses whole)" = "$(losses killed)" ] || die "the losses differ"
[ -z "$(find "$work/killed/run" -name '*.tmp*')" ] || die "temporary files are left"

# The same command once more has nothing to do, and says so.
expect 0 train killed
said "nothing left to do"
