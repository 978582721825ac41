#!/usr/bin/env bash
# What can go wrong with a run folder: another run in it, in use, cut checkpoints, another model, a full disk.
set -euo pipefail
# shellcheck source=tests/cli/train_fixture.sh
. "$(dirname "$0")/train_fixture.sh"

expect 2 train run --resume
said "holds no run"
[ ! -e "$work/run/run" ] || die "a refused --resume made a folder"

expect 2 train run --mask.block 4 --mask.prob 0.95
expect 2 train run --data.batch 64
said "data.batch"
expect 2 train run --image.patch 5
[ ! -e "$work/run/run" ] || die "settings that cannot work made a folder"

expect 0 train whole --run.updates 10
expect 0 train run --run.updates 10 --run.stop_at 6

echo "== another run"
before=$(cksum "$work"/run/run/checkpoints/* "$work/run/run/config.ini")
expect 2 train run --run.updates 10 --mask.prob 0.7
said "holds a run of another configuration"
said "mask.prob: the run has 0.6, now 0.7"
expect 2 train run --run.updates 10 --run.resume never
said "run.resume = never"
[ "$before" = "$(cksum "$work"/run/run/checkpoints/* "$work/run/run/config.ini")" ] || die "the run was touched"

echo "== in use"
(flock 9; expect 4 train run --run.updates 10) 9>>"$work/run/run/.lock" || die "a locked folder was used"
said "run"

echo "== full disk"
(
  trap '' XFSZ  # writing beyond the limit then fails as on a full disk
  ulimit -f 64
  expect 4 train run --run.updates 10
)
said "checkpoints/update_00000007.safetensors"
[ "$(newest run)" = 6 ] || die "a checkpoint was written beyond the limit"
[ -z "$(find "$work/run/run" -name '*d2v-tmp*')" ] || die "temporary files are left"

echo "== cut checkpoint"
truncate -s 50000 "$work/run/run/checkpoints/update_00000006.safetensors"
expect 0 train run --run.updates 10
said "checkpoints passed over"
said "after update 5"
same_checkpoint whole run update_00000010.safetensors

echo "== all checkpoints cut"
cp -r "$work/run" "$work/cut"
for file in "$work"/cut/run/checkpoints/*; do truncate -s 50000 "$file"; done
expect 3 train cut --run.updates 10
said "no checkpoint of"

echo "== checkpoint of another model"
expect 3 train other --model.dim 64 --init.from "$work/run/run"
said "holds another model"
said "expected F32"
expect 3 train absent --init.from "$work/no/such/file"

echo "== new training from old weights"
expect 0 train fresh --run.updates 5 --init.from "$work/run/run"
said "weights start from"

echo "== the data set changed"
rm "$work/pictures/a/2.ppm"
expect 3 train fresh --run.updates 5
said "data set is not the one"
