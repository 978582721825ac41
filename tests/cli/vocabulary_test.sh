#!/usr/bin/env bash
# A text model and its vocabulary: one of the same size but of other words is refused wherever the two meet.
set -euo pipefail
# shellcheck source=tests/cli/train_fixture.sh
. "$(dirname "$0")/train_fixture.sh"

d2v() { (cd "$work" && exec "$D2V" "$@") >"$work/output" 2>&1; }

# write_text FILE WORD…: 400 lines of these words, in an order that does not repeat soon.
write_text() {
  local file=$1 i words=("${@:2}") n=$(($# - 1))
  for i in $(seq 400); do
    echo "${words[i % n]} ${words[i * i % n]} ${words[i * 7 % n]} ${words[i / 3 % n]}"
  done >"$file"
}

write_text "$work/a.txt" river stone summer winter garden mister forest water nester resting sorted meaning
write_text "$work/b.txt" bridge bright market charm marching becker kicking braid magic acting hammer racket
for name in a b; do
  expect 0 d2v prepare text "$name.txt" --out "$name.d2vtok" --train-vocab 28
done

cat >"$work/recipe.ini" <<END
[run]
updates = 4
threads = 1
[model]
modality = text
dim = 32
heads = 2
prenet_depth = 0
depth = 2
extra_tokens = 0
[data]
batch = 4
threads = 1
[text]
block = 16
max_positions = 16
[mask]
kind = random
clones = 2
prob = 0.5
[decoder]
dim = 32
groups = 4
layers = 1
[target]
layers = 2
[loss]
cls = 0
recon = 0
[optim]
warmup = 2
[health]
min_target_var = 0
min_pred_var = 0
END
train() { d2v pretrain recipe.ini "$@"; }

expect 3 train --data.path a.d2vtok --data.valid b.d2vtok --run.dir held_out
said 'has another vocabulary (28 tokens'

expect 0 train --data.path a.d2vtok --run.dir run
expect 3 train --data.path b.d2vtok --run.dir run
said 'was trained with another vocabulary'
expect 3 train --data.path b.d2vtok --run.dir new --init.from run
said 'was trained with another vocabulary'
expect 0 train --data.path a.d2vtok --run.dir other --init.from run

# A vocabulary may lie elsewhere when a run goes on, but must be the same.
expect 0 train --data.path a.d2vtok --run.dir moved --text.vocabulary a.model --run.stop_at 2
cp "$work/a.model" "$work/elsewhere.model"
expect 3 train --data.path a.d2vtok --run.dir moved --text.vocabulary b.model
said 'was made with another vocabulary'
expect 0 train --data.path a.d2vtok --run.dir moved --text.vocabulary elsewhere.model

# Text that does not tell its vocabulary is taken to be of that of the weights.
expect 0 train --data.path synthetic:vocabulary=28/samples=64 --run.dir untold --init.from run

{
  head -n 30 "$work/a.txt" | sed 's/^/one\t/'
  head -n 30 "$work/b.txt" | sed 's/^/two\t/'
} >"$work/labels.tsv"
for command in 'probe run' 'probe untold' 'embed run --out f.npy'; do
  # shellcheck disable=SC2086
  expect 3 d2v $command --data.path labels.tsv --text.vocabulary b.model
  said 'was trained with another vocabulary'
  # shellcheck disable=SC2086
  expect 0 d2v $command --data.path labels.tsv --text.vocabulary a.model
done
