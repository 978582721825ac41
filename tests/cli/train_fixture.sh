# Sourced by the tests of `d2v pretrain`: a scratch folder with 40 small pictures and a recipe that takes seconds.
# shellcheck shell=bash
: "${D2V:?set it to the d2v program}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
  echo "FAILED: $*" >&2
  [ -f "$work/output" ] && tail -n 30 "$work/output" >&2
  exit 1
}

mkdir -p "$work/pictures/a" "$work/pictures/b"
for i in $(seq 40); do
  pixels=$(seq $((i * i * 37)) $((i * i * 37 + 800)))  # any 768 bytes that differ between pictures
  printf 'P6\n16 16\n255\n%s' "${pixels:0:768}" >"$work/pictures/$([ $((i % 2)) = 0 ] && echo a || echo b)/$i.ppm"
done

cat >"$work/recipe.ini" <<END
[run]
dir = run
updates = 60
threads = 1
log_every = 1
[data]
path = $work/pictures
batch = 8
threads = 1
[image]
size = 16
patch = 4
[mask]
clones = 2
prob = 0.6
block = 2
[model]
dim = 32
heads = 2
prenet_depth = 1
depth = 2
[decoder]
dim = 32
groups = 4
layers = 2
[target]
layers = 2
[ema]
decay = 0.9
end_decay = 0.99
anneal = 50%
[optim]
warmup = 5
[checkpoint]
every = 1
every_minutes = 0
[health]
min_target_var = 0
min_pred_var = 0
END

# train FOLDER [OPTION…]: the run of FOLDER/run, in FOLDER, so that configurations of all folders are equal.
train() {
  local folder=$work/$1
  shift
  mkdir -p "$folder"
  (cd "$folder" && exec "$D2V" pretrain "$work/recipe.ini" "$@") >"$work/output" 2>&1
}

# expect STATUS COMMAND…: the command must end with that status.
expect() {
  local wanted=$1 found=0
  shift
  "$@" || found=$?
  [ "$found" = "$wanted" ] || die "status $found instead of $wanted: $*"
}

said() { grep -q -- "$1" "$work/output" || die "the output lacks '$1'"; }

# The update of the newest checkpoint of a folder's run; 0 where there is none.
newest() {
  local name
  name=$(find "$work/$1/run/checkpoints" -name 'update_*.safetensors' 2>/dev/null | sort | tail -n 1)
  [ -z "$name" ] && echo 0 && return
  name=${name##*update_}
  echo $((10#${name%.safetensors}))
}

# Lines that the metrics of a folder's run have by now.
metrics_lines() {
  local file=$work/$1/run/metrics.jsonl
  if [ -f "$file" ]; then wc -l <"$file"; else echo 0; fi
}

# wait_for FOLDER UPDATE PROCESS: until the run got that far; fails when the process ends before.
wait_for() {
  while [ "$(newest "$1")" -lt "$2" ]; do
    kill -0 "$3" 2>/dev/null || die "the run ended before update $2"
    sleep 0.01
  done
}

same_checkpoint() {
  cmp "$work/$1/run/checkpoints/$3" "$work/$2/run/checkpoints/$3" || die "$3 of $1 and $2 differ"
}
