#!/usr/bin/env bash
# golden_replay: the recorded cases are within their tolerances; a changed case and a folder that is none are not.
set -euo pipefail

data=${D2V_TEST_DATA:-$D2V_REPO_ROOT/../shared}
if [[ ! -d $data/golden/image_base ]]; then
  echo "SKIPPED golden_replay: no $data/golden/image_base (set D2V_TEST_DATA)"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$GOLDEN_REPLAY" "$data"/golden/{image,audio,text,mae,v1}_*
"$GOLDEN_REPLAY" --bf16 "$data"/golden/{image,audio,text,mae,v1}_*

# The same numbers under another learning rate must be noticed.
cp -r "$data/golden/image_base" "$scratch/changed"
chmod -R u+w "$scratch/changed"
sed -i 's/"lr": 0.002/"lr": 0.0021/' "$scratch/changed/config.json"
status=0
"$GOLDEN_REPLAY" "$scratch/changed" > "$scratch/out" || status=$?
[[ $status == 1 ]] || { echo "a changed case: expected exit status 1, found $status"; exit 1; }
grep -q 'after.param.*too far off' "$scratch/out"

status=0
"$GOLDEN_REPLAY" "$scratch" 2> "$scratch/error" || status=$?
[[ $status == 2 ]] || { echo "no case: expected exit status 2, found $status"; exit 1; }
grep -q 'expected a case folder' "$scratch/error"
