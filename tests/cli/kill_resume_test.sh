#!/usr/bin/env bash
# Kill -9 at random moments, also while a checkpoint is being written; the resumed run ends with the same bytes.
set -euo pipefail
# shellcheck source=tests/cli/train_fixture.sh
. "$(dirname "$0")/train_fixture.sh"

# More updates than a fast machine can do between eight kills, so that every kill hits a run that still trains.
updates=200
sed -i "s/^updates = .*/updates = $updates/" "$work/recipe.ini"
expect 0 train whole
[ "$(newest whole)" = "$updates" ] || die "the whole run ended at update $(newest whole)"

seed=${SEED:-$RANDOM}
echo "SEED=$seed"
RANDOM=$seed
start=()  # the first session starts the run, the others must find one
writing() { compgen -G "$work/killed/run/checkpoints/.*d2v-tmp*" >"$work/temporaries"; }
for kill in 1 2 3 4 5 6 7 8; do
  mkdir -p "$work/killed"
  # A checkpoint follows every update, so that kills can hit the writing of one.
  (cd "$work/killed" && exec "$D2V" pretrain "$work/recipe.ini" "${start[@]}") >"$work/output" 2>&1 &
  process=$!
  goal=$(($(newest killed) + 1 + RANDOM % 5))
  wait_for killed "$goal" "$process"
  if [ $((kill % 2)) = 0 ]; then
    until writing; do kill -0 "$process" || die "the run ended before kill $kill"; done
  else
    sleep "0.0$((RANDOM % 90 + 10))"
  fi
  kill -KILL "$process"
  expect 137 wait "$process" 2>"$work/notices"  # bash announces the kill
  moment="between two checkpoints"
  if writing; then moment="while a checkpoint was being written"; fi
  echo "kill $kill after update $(newest killed), $moment"
  start=(--resume)
done
expect 0 train killed --resume
said "going on from"
same_checkpoint whole killed "$(printf 'update_%08d.safetensors' "$updates")"

logged=$(grep -o '"update":[0-9]*' "$work/killed/run/metrics.jsonl" | cut -d: -f2)
[ "$logged" = "$(seq "$updates")" ] || die "metrics.jsonl does not have every update once: $logged"
losses() { grep -o '"loss":[^,]*' "$work/$1/run/metrics.jsonl"; }
[ "$(losses whole)" = "$(losses killed)" ] || die "the losses differ"
[ -z "$(find "$work/killed/run" -name '*d2v-tmp*')" ] || die "temporary files are left"

# The same command once more has nothing to do, and says so.
expect 0 train killed
said "nothing left to do"
