#!/usr/bin/env bash
# From a fresh machine to a pretrained image model: set-up, build, pictures, pretraining, probe, report.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat << 'TEXT'
usage: tools/quickstart.sh [image] [--data DIR] [--minutes N] [--out DIR]

  image        what to pretrain on (the only kind now)
  --data DIR   your own pictures, one sub-folder per class; default: Debian's clip art, downloaded
  --minutes N  length of the pretraining on two cores, about (default 5)
  --out DIR    run folder (default runs/quickstart_image); the same command again goes on where it stopped
TEXT
}

readonly PACKAGE=openclipart-png
readonly COPY_SIDE=112
readonly RECIPE_MINUTES=5 # what the recipe's run.updates takes on two cores

MODALITY=image
DATA=""
MINUTES=$RECIPE_MINUTES
OUT=""

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      image) MODALITY=$1 ;;
      --data | --minutes | --out)
        (($# >= 2)) || die "expected a value after $1, found none"
        case $1 in
          --data) DATA=$2 ;;
          --minutes) MINUTES=$2 ;;
          --out) OUT=$2 ;;
        esac
        shift
        ;;
      -h | --help)
        usage
        exit 0
        ;;
      *)
        usage >&2
        die "expected 'image' or an option of the list above, found '$1'"
        ;;
    esac
    shift
  done
  [[ $MINUTES =~ ^[0-9]+([.][0-9]+)?$ && ! $MINUTES =~ ^0+([.]0+)?$ ]] ||
    die "--minutes: expected a number above 0, found '$MINUTES'"
  [[ -z $DATA || -d $DATA ]] || die "--data: expected a folder, found '$DATA', which is none"
  OUT=${OUT:-runs/quickstart_$MODALITY}
}

step() { printf '\n--- %s\n' "$*"; }

# --- pictures ---------------------------------------------------------------------------------------

download_package() {
  local options=()
  ((EUID != 0)) || options=(-o APT::Sandbox::User=root)
  (cd "$1" && apt-get "${options[@]}" -qq download "$PACKAGE")
}

# Prints the folder with the pictures. They are unpacked beside LibTorch; nothing is installed.
fetch_pictures() {
  local installed=/usr/share/openclipart/png target=$D2V_CACHE_DIR/$PACKAGE
  if [[ -d $installed ]]; then
    say "$installed"
    return
  fi
  if [[ ! -d $target ]]; then
    local part=$target.$$.part
    rm -rf "$target".*.part # of a run that was cut
    mkdir -p "$part"
    say "fetching Debian's $PACKAGE (131 MB)" >&2
    if ! download_package "$part" 2> "$part/error"; then
      # A machine that never asked for package lists knows no package.
      if ((EUID != 0)) || ! apt-get update -qq || ! download_package "$part" 2> "$part/error"; then
        cat "$part/error" >&2
        rm -rf "$part"
        die "'apt-get download $PACKAGE' failed (above). Run 'sudo apt-get update' and try again," \
          "or give your own pictures with --data DIR"
      fi
    fi
    if ! dpkg-deb -x "$part"/*.deb "$part/x"; then
      rm -rf "$part"
      die "could not unpack $PACKAGE. Is the disk full?"
    fi
    mv "$part/x/usr/share/openclipart/png" "$part/png"
    mv "$part/x/usr/share/doc/$PACKAGE/copyright" "$part/copyright"
    rm -rf "$part/x" "$part"/*.deb "$part/error"
    mv -T "$part" "$target"
  fi
  say "$target/png"
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

main() {
  parse_arguments "$@"
  local recipe=recipes/${MODALITY}_quickstart.ini d2v=build/release/bin/d2v updates copies
  local extra=()

  step "set-up"
  tools/setup.sh

  step "build"
  cmake --preset release > /dev/null || die "configuring failed (CMake's message is above)"
  cmake --build --preset release --parallel "$(jobs_for_build)" --target d2v

  step "pictures"
  if [[ -z $DATA ]]; then
    DATA=$(fetch_pictures)
    copies=$D2V_CACHE_DIR/$PACKAGE/side$COPY_SIDE
    # Some of the clip art is poster-sized: decoded once here, not in every epoch and probe.
    "$d2v" prepare images "$DATA" --out "$copies" --side "$COPY_SIDE" --data.deduplicate yes --data.min_class_files 90
    DATA=$copies
  else
    # The recipe's choice of classes is made for the clip art.
    extra=(--data.min_class_files 1)
  fi
  say "pictures: $DATA"

  step "pretraining, about $MINUTES minutes on two cores"
  updates=$(scaled_updates "$recipe")
  [[ -n $updates ]] || die "expected a line 'updates = ...' in section [run] of $recipe, found none"
  "$d2v" pretrain "$recipe" --data.path "$DATA" --run.dir "$OUT" --run.updates "$updates" "${extra[@]}"

  step "probe: what the features are worth, against untrained ones and raw pixels"
  "$d2v" probe "$OUT" --data.path "$DATA"

  step "report"
  "$d2v" report "$OUT"

  step "done"
  say "run folder: $OUT"
  say "report:     $OUT/report.html (open it in a browser)"
  say "pictures:   $DATA"
}

main "$@"
