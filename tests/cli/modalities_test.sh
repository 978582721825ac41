#!/usr/bin/env bash
# Every objective for every kind of data through the same trainer: the published recipes, made small, on made-up data.
# A run that is stopped and resumed ends with the same bytes as one that is not; then probe, embed and report.
# Needs $D2V, the program, and $D2V_REPO_ROOT.
set -euo pipefail
: "${D2V:?set it to the d2v program}"

recipes=${D2V_REPO_ROOT:?}/recipes
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
  echo "FAILED: $*" >&2
  tail -n 30 "$work/output" >&2
  exit 1
}

small=(--run.threads 1 --run.updates 6 --run.accumulate 2 --run.log_every 1 --run.valid_every 3 --run.precision fp32
  --data.threads 2 --data.batch 4 --data.valid 20% --model.dim 48 --model.heads 4 --model.depth 2 --optim.warmup 1
  --health.min_target_var 0 --health.min_pred_var 0)
decoder=(--decoder.dim 32 --decoder.groups 4 --decoder.layers 2 --target.layers 2 --mask.clones 2 --model.prenet_depth 1)
pictures=synthetic:classes=3/side=40
recordings=synthetic:classes=3/seconds=0.4-0.6
texts=synthetic:classes=3/vocabulary=300
image=(--image.size 32 --image.patch 4)
speech=(--speech.min_seconds 0.2 --speech.max_seconds 0.6 --speech.batch_seconds 0 --speech.positions_depth 2
  --speech.positions_width 8 --speech.positions_groups 4 --speech.conv_layers '32:10:5, 32:8:4 x2, 32:2:2')
text=(--text.vocabulary_size 300 --text.block 32 --text.max_positions 32 --text.document_boundaries no)
spectrogram=(--spectrogram.min_seconds 0.2 --spectrogram.frames 64 --spectrogram.bins 32 --spectrogram.patch 8)

# d2v COMMAND… with its output kept.
run() { "$D2V" "$@" >"$work/output" 2>&1 || die "d2v $*"; }

# check NAME RECIPE DATA OPTION…: a whole and a resumed run, then what is made of the first.
check() {
  local name=$1 recipe=$recipes/$2.ini data=$3 last=run/checkpoints/update_00000006.safetensors
  shift 3
  local options=(--run.dir run --data.path "$data/samples=48" "${small[@]}" "$@")
  mkdir -p "$work/$name/whole" "$work/$name/resumed"
  cd "$work/$name/whole"  # the run's folder is part of a checkpoint, so it has the same name in both
  run pretrain "$recipe" "${options[@]}"
  [[ $(grep -c '"valid_loss"' run/metrics.jsonl) == 2 ]] || die "$name: expected two held-out losses"
  cd ../resumed
  run pretrain "$recipe" "${options[@]}" --run.stop_at 2
  run pretrain "$recipe" "${options[@]}" --run.stop_at 0
  cmp "$last" "../whole/$last" || die "$name: the resumed run ended with other bytes"
  run probe run --data.path "$data/samples=90" --run.threads 1
  grep -q 'trained teacher\|trained student' "$work/output" || die "$name: the probe shows no features of the model"
  run embed run --data.path "$data/samples=9" --out vectors.npy --network student --run.threads 1
  [[ $(wc -l <vectors.tsv) -ge 9 ]] || die "$name: expected nine rows of features"
  run report run
  [[ -s run/report.html ]] || die "$name: no report"
  echo "ok $name"
}

check image image_base "$pictures" "${decoder[@]}" "${image[@]}"
check speech speech_base "$recordings" "${decoder[@]}" "${speech[@]}"
check text text_base "$texts" "${decoder[@]}" "${text[@]}"
check spectrogram spectrogram_base "$recordings" "${decoder[@]}" "${spectrogram[@]}" --mask.block 2
check mae mae_image_base "$pictures" "${image[@]}" --mae.decoder_dim 32 --mae.decoder_depth 1 --mae.decoder_heads 4
check data2vec1_image data2vec1_image_base "$pictures" "${image[@]}" --target.layers 2 --mask.area_min 4
check data2vec1_speech data2vec1_speech_base "$recordings" "${speech[@]}" --target.layers 2 --mask.block 3
check data2vec1_text data2vec1_text_base "$texts" "${text[@]}" --target.layers 2
