#!/usr/bin/env bash
# From a fresh machine to a pretrained model of pictures, speech or text: set-up, build, data, pretraining, probe, report.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat << 'TEXT'
usage: tools/quickstart.sh [image|speech|text] [--data DIR] [--minutes N] [--out DIR]

  image        pictures; default: Debian's clip art (openclipart-png, 131 MB)
  speech       recordings; default: Debian's spoken prompts (asterisk-core-sounds-en-wav, 18 MB): one speaker, 8 kHz
  text         .txt files; default: the sources of Debian's Python manual (python3.11-doc, 13 MB)
  --data DIR   your own files instead; pictures with one sub-folder per class are probed, others are pretrained on only
  --minutes N  length of the pretraining on two cores, about (default 5)
  --out DIR    run folder (default runs/quickstart_KIND in the repository); the same command again goes on where it stopped

environment:
  D2V_BIN      use this d2v program; nothing is installed or built
  D2V_CACHE    where LibTorch and the fetched data are kept (default ~/.cache/d2v)

The exit status is 0 when the model was pretrained and the report written, also where your own data cannot be probed;
else it is that of the first step that failed. A probe that fails is followed by the report all the same.
TEXT
}

readonly COPY_SIDE=112
readonly RECIPE_MINUTES=5 # what each recipe's run.updates takes on two cores
readonly DATA_ERROR=3     # exit status of d2v where the input files are at fault

D2V=$REPO_ROOT/build/release/bin/d2v
MODALITY=image
DATA=""
OWN_DATA="" # yes with --data
MINUTES=$RECIPE_MINUTES
OUT=""
EXTRA=() # options of pretrain that the data asks for

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      image | speech | text) MODALITY=$1 ;;
      --data | --minutes | --out)
        [[ -n ${2:-} ]] || die "expected a value after $1, found none"
        case $1 in
          --data) DATA=$(given_path "$2") OWN_DATA=yes ;;
          --minutes) MINUTES=$2 ;;
          --out) OUT=$(given_path "$2") ;;
        esac
        shift
        ;;
      -h | --help)
        usage
        exit 0
        ;;
      *)
        usage >&2
        die "expected image, speech, text or an option of the list above, found '$1'"
        ;;
    esac
    shift
  done
  [[ $MINUTES =~ ^[0-9]+([.][0-9]+)?$ && ! $MINUTES =~ ^0+([.]0+)?$ ]] ||
    die "--minutes: expected a number above 0, found '$MINUTES'"
  [[ -z $DATA || -d $DATA ]] || die "--data: expected a folder, found '$DATA', which is none"
  OUT=${OUT:-$REPO_ROOT/runs/quickstart_$MODALITY}
}

step() { printf '\n--- %s\n' "$*"; }

# --- data -------------------------------------------------------------------------------------------

# $1: folder to download into; $2: package
download_package() {
  local options=()
  ((EUID != 0)) || options=(-o APT::Sandbox::User=root)
  (cd "$1" && apt-get "${options[@]}" -qq download "$2")
}

# Prints the folder with a package's files: the installed ones, else unpacked beside LibTorch; nothing is installed.
# $1: package; $2: the files' folder in it
fetch_package() {
  local package=$1 target=$D2V_CACHE_DIR/$1 part
  if [[ -d /$2 ]]; then
    say "/$2"
    return
  fi
  if [[ ! -d $target/files ]]; then
    part=$target.$$.part
    rm -rf "$target".*.part # of a run that was cut
    mkdir -p "$part"
    say "fetching Debian's $package" >&2
    if ! download_package "$part" "$package" 2> "$part/error"; then
      # A machine that never asked for package lists knows no package.
      if ((EUID != 0)) || ! apt-get update -qq || ! download_package "$part" "$package" 2> "$part/error"; then
        cat "$part/error" >&2
        rm -rf "$part"
        die "'apt-get download $package' failed (above). Run 'sudo apt-get update' and try again," \
          "or give your own files with --data DIR"
      fi
    fi
    if ! dpkg-deb -x "$part"/*.deb "$part/x"; then
      rm -rf "$part"
      die "could not unpack $package. Is the disk full?"
    fi
    if [[ ! -d $part/x/$2 ]]; then
      rm -rf "$part"
      die "expected $2 in Debian's $package, found none. Give your own files with --data DIR"
    fi
    mv "$part/x/$2" "$part/files"
    mv "$part/x/usr/share/doc/$package/copyright" "$part/copyright"
    rm -rf "$part/x" "$part"/*.deb "$part/error" "$target"
    mv -T "$part" "$target"
  fi
  say "$target/files"
}

find_pictures() {
  if [[ -n $OWN_DATA ]]; then
    EXTRA=(--data.min_class_files 1) # the recipe's choice of classes is made for the clip art
    return
  fi
  local originals copies=$D2V_CACHE_DIR/openclipart-png/side$COPY_SIDE
  originals=$(fetch_package openclipart-png usr/share/openclipart/png)
  # Some of the clip art is poster-sized: decoded once here, not in every epoch and probe.
  "$D2V" prepare images "$originals" --out "$copies" --side "$COPY_SIDE" --data.deduplicate yes --data.min_class_files 90
  DATA=$copies
}

find_recordings() {
  [[ -n $OWN_DATA ]] || DATA=$(fetch_package asterisk-core-sounds-en-wav usr/share/asterisk/sounds)
}

# Text becomes tokens once, with a vocabulary trained on it; both stay beside the run folder, named after the text's folder.
find_text() {
  [[ -n $OWN_DATA ]] || DATA=$(fetch_package python3.11-doc usr/share/doc/python3.11/html/_sources)
  local tokens
  tokens=$OUT-$(printf %s "$DATA" | cksum | cut -d ' ' -f 1).d2vtok
  [[ -f $tokens ]] || "$D2V" prepare text "$DATA" --out "$tokens" --train-vocab 8000
  DATA=$tokens
}

find_data() {
  case $MODALITY in
    image) find_pictures ;;
    speech) find_recordings ;;
    text) find_text ;;
  esac
}

# --- run --------------------------------------------------------------------------------------------

# The recipe's length, scaled to the minutes asked for.
scaled_updates() {
  awk -v minutes="$MINUTES" -v base="$RECIPE_MINUTES" '
    /^\[/ { section = $0 }
    section == "[run]" && /^updates[ \t]*=/ {
      sub(/^[^=]*=[ \t]*/, ""); sub(/[ \t]*#.*/, "")
      unit = $0; sub(/^[0-9.]+/, "", unit)
      n = $0 * minutes / base
      printf "%d%s\n", (n < 1 ? 1 : n + 0.5), unit
    }' "$1"
}

# Sets D2V to the program: the one given, else the one that is built here.
find_program() {
  if [[ -n ${D2V_BIN:-} ]]; then
    D2V=$(given_path "$D2V_BIN")
    [[ -f $D2V && -x $D2V ]] || die "D2V_BIN: expected a program, found '$D2V', which is none"
    return
  fi
  step "set-up"
  tools/setup.sh
  step "build"
  cmake --preset release > /dev/null || die "configuring failed (CMake's message is above)"
  cmake --build --preset release --parallel "$(jobs_for_build)" --target d2v
}

pretrain() {
  local recipe=recipes/${MODALITY}_quickstart.ini updates
  updates=$(scaled_updates "$recipe")
  [[ -n $updates ]] || die "expected a line 'updates = ...' in section [run] of $recipe, found none"
  "$D2V" pretrain "$recipe" --data.path "$DATA" --run.dir "$OUT" --run.updates "$updates" "${EXTRA[@]}"
}

# A probe that fails costs neither the report nor the model. The user's own pictures need not be fit for one.
probe() {
  local result=0
  "$D2V" probe "$OUT" --data.path "$DATA" || result=$?
  ((result != 0)) || return 0
  if [[ -n $OWN_DATA ]] && ((result == DATA_ERROR)); then
    say "No probe: it wants labelled pictures, one sub-folder per class and some ten of each (the reason is above)." \
      "The pretrained model is not affected. With labelled pictures at hand: '$D2V probe $OUT --data.path LABELLED'"
    return 0
  fi
  say "The probe failed with exit status $result (its message is above). The pretrained model is not affected."
  return "$result"
}

main() {
  parse_arguments "$@"
  local probe_result=0
  find_program

  step "data"
  find_data
  say "data: $DATA"

  step "pretraining, about $MINUTES minutes on two cores"
  pretrain

  if [[ $MODALITY == image ]]; then
    step "probe: what the features are worth, against untrained ones and raw pixels"
    probe || probe_result=$?
  fi

  step "report"
  "$D2V" report "$OUT"

  step "done"
  say "run folder: $OUT"
  say "report:     $OUT/report.html (open it in a browser)"
  say "data:       $DATA"
  [[ $MODALITY == image ]] || say "probe:      '$D2V probe $OUT --data.path LABELLED' wants labelled data (docs/probes.md)"
  return "$probe_result"
}

main "$@"
