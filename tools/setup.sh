#!/usr/bin/env bash
# Installs what a build and its tests need: Debian packages, LibTorch and, with --cuda, the CUDA side.
# A second run finds everything there and does nothing.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat << 'TEXT'
usage: tools/setup.sh [--checks] [--cuda | --cuda-build]

  --checks      also what lint, fuzzing and benchmarks need (clang and others; .ci/run asks for it)
  --cuda        also what a CUDA build needs to compile, link and run
  --cuda-build  only what it needs to compile and link (no GPU, smaller)

environment:
  D2V_CACHE      where LibTorch is kept (default ~/.cache/d2v)
  LIBTORCH_ROOT  use the LibTorch there (torch/lib and torch/include beneath) and download none
  D2V_NO_APT=1   leave Debian packages alone
TEXT
}

readonly VERSION=2.11.0
readonly NVCC_VERSION=13.0.88
readonly LEVELS=(cpu cuda-build cuda) # each holds all of the ones before it

LEVEL=cpu
PACKAGES=(tools/packages.txt)
TARGET=$D2V_CACHE_DIR/libtorch-$VERSION
PART="" # temporary folder, gone at exit

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      --checks) PACKAGES+=(tools/packages-checks.txt) ;;
      --cuda) LEVEL=cuda ;;
      --cuda-build) LEVEL=cuda-build ;;
      -h | --help)
        usage
        exit 0
        ;;
      *)
        usage >&2
        die "expected --checks, --cuda, --cuda-build or nothing, found '$1'"
        ;;
    esac
    shift
  done
}

check_machine() {
  local machine
  machine=$(uname -sm)
  [[ $machine == "Linux x86_64" ]] ||
    die "expected Linux x86_64 (the LibTorch wheel is built for it), found '$machine'"
}

# --- Debian packages --------------------------------------------------------------------------------

wanted_packages() { sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "${PACKAGES[@]}"; }

missing_packages() {
  # shellcheck disable=SC2016  # the ${} is dpkg-query's
  comm -23 <(wanted_packages | sort -u) \
    <(wanted_packages | xargs dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2> /dev/null |
      sed -n 's/^installed //p' | sort -u)
}

install_packages() {
  [[ -z ${D2V_NO_APT:-} ]] || return 0
  if ! have dpkg-query || ! have apt-get; then
    die "expected Debian's dpkg and apt-get, found none. Install the packages of ${PACKAGES[*]} by hand," \
      "then run again with D2V_NO_APT=1"
  fi
  local missing
  missing=$(missing_packages | tr '\n' ' ')
  missing=${missing% }
  [[ -n $missing ]] || return 0
  if ((EUID != 0)); then
    say "These Debian packages are missing. Run this, then run $(basename "$0") again:" >&2
    say "  sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends $missing'" >&2
    exit 1
  fi
  say "setup: installing Debian packages: $missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || die "'apt-get update' failed (its message is above). Is there a route to Debian's packages?"
  # shellcheck disable=SC2086  # one word per package
  apt-get install -y -qq --no-install-recommends $missing > "$PART/apt.log" 2>&1 || {
    tail -n 20 "$PART/apt.log" >&2
    die "'apt-get install' failed (its last lines are above)"
  }
}

# --- wheels -----------------------------------------------------------------------------------------

# fetch_wheels FOLDER < requirements: downloads wheels whose hashes are given; Python dependencies are left out.
fetch_wheels() {
  local folder=$1 list=$PART/requirements.txt
  sed 's/[[:space:]]*#.*//' > "$list"
  mkdir -p "$folder"
  python3 -m pip --version > /dev/null 2>&1 ||
    die "expected 'python3 -m pip' to work, found that it does not. Install Debian's python3-pip"
  # pip puts the wheels together in TMPDIR, often a small disk; where they are unpacked, there is room.
  mkdir -p "$PART/tmp"
  TMPDIR=$PART/tmp python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes --requirement "$list" \
    --dest "$folder" --python-version 3.11 --implementation cp \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_25_x86_64 \
    --platform manylinux_2_18_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
    --platform manylinux2010_x86_64 ||
    die "pip could not download the wheels (its message is above). Nothing was installed; run again." \
      "Behind a proxy or with an own index: set pip up (pip config) as for any other download"
}

# unpack FOLDER WHEEL... [-- PATTERN...]: unzips into FOLDER; with patterns, only the files that match.
unpack() {
  local folder=$1 wheels=()
  shift
  while (($# > 0)) && [[ $1 != -- ]]; do
    wheels+=("$1")
    shift
  done
  (($# == 0)) || shift
  local wheel
  for wheel in "${wheels[@]}"; do
    unzip -q -o "$wheel" "$@" -d "$folder" || die "could not unpack $(basename "$wheel"). Is the disk full? ($(free_space))"
  done
}

free_space() { df -Ph "$D2V_CACHE_DIR" | awk 'NR == 2 {print $4 " free in " $6}'; }

# disk_of FOLDER: prints the disk's device number, free MB and mount point; FOLDER need not be there yet.
disk_of() {
  local folder=$1
  while [[ ! -e $folder ]]; do folder=$(dirname "$folder"); done
  say "$(stat -c %d "$folder") $(df -Pm "$folder" | awk 'NR == 2 {print $4, $6}')"
}

# need_space_mb HERE KEPT: room for HERE MB in D2V_CACHE, and for KEPT MB of downloads in pip's own cache, which is
# often on another disk and may be turned off.
need_space_mb() {
  local here=$1 kept=$2 pip_cache disk free mount pip_disk pip_free pip_mount
  read -r disk free mount < <(disk_of "$D2V_CACHE_DIR")
  if pip_cache=$(python3 -m pip cache dir 2> /dev/null) && [[ $pip_cache == /* ]]; then
    read -r pip_disk pip_free pip_mount < <(disk_of "$pip_cache")
    if [[ $pip_disk == "$disk" ]]; then
      here=$((here + kept))
    elif ((pip_free < kept)); then
      die "expected $kept MB free for pip's cache in $pip_cache, found $pip_free MB in $pip_mount." \
        "Make room, or set PIP_CACHE_DIR to another folder or PIP_NO_CACHE_DIR=1"
    fi
  fi
  ((free >= here)) ||
    die "expected $here MB free for $D2V_CACHE_DIR, found $free MB in $mount. Make room, or set D2V_CACHE"
}

# put_in_place PART TARGET: the one moment at which the result appears.
put_in_place() {
  sync -f "$1"
  if [[ -e $2 ]]; then
    mv -T "$2" "$PART/old"
  fi
  mv -T "$1" "$2"
}

# --- LibTorch ---------------------------------------------------------------------------------------

# The stamp of a finished folder: its level, then the hash of the lists that it was made from.
stamp_lists() {
  case $1 in
    cuda) cat tools/requirements-libtorch.txt tools/requirements-cuda.txt ;;
    *) cat tools/requirements-libtorch.txt ;;
  esac | sha256sum | cut -c1-16
}

level_rank() {
  local i
  for i in "${!LEVELS[@]}"; do
    [[ ${LEVELS[i]} != "$1" ]] || say "$i"
  done
}

libtorch_is_there() {
  local level lists
  [[ -f $TARGET/.d2v && -f $TARGET/torch/lib/libtorch_cpu.so ]] || return 1
  read -r level lists < "$TARGET/.d2v"
  [[ $lists == "$(stamp_lists "$level")" ]] && (($(level_rank "$level") >= $(level_rank "$LEVEL")))
}

torch_files() {
  printf '%s\n' 'torch/include/*' 'torch/lib/libc10.so' 'torch/lib/libtorch_cpu.so' 'torch/lib/libgomp*' \
    'torch-*/licenses/*'
  if [[ $LEVEL != cpu ]]; then
    printf '%s\n' 'torch/lib/libc10_cuda.so' 'torch/lib/libtorch_cuda*.so' 'torch/lib/libtorch_nvshmem.so' \
      'torch/lib/libcaffe2_nvrtc.so' 'torch/lib/libtorch.so'
  fi
}

system_has_library() { ldconfig -p 2> /dev/null | grep -qF "/$1" || /sbin/ldconfig -p | grep -qF "/$1"; }

# Libraries that libtorch_cuda loads: the toolkit's where it has them, else the wheels'.
add_cuda_libraries() {
  local root=$1 toolkit="" nvcc requirement library
  local missing=$PART/cuda-missing.txt
  if nvcc=$(find_nvcc); then
    toolkit=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
  fi
  : > "$missing"
  while IFS='#' read -r requirement library; do
    library=${library// /}
    [[ -n $requirement && -n $library ]] || continue
    if system_has_library "$library"; then
      continue
    elif [[ -n $toolkit && -e $toolkit/lib64/$library ]]; then
      link_toolkit "$toolkit/lib64" "$root"
    else
      say "$requirement" >> "$missing"
    fi
  done < tools/requirements-cuda.txt
  [[ -s $missing ]] || return 0
  say "setup: fetching CUDA libraries: $(sed 's/==.*//' "$missing" | tr '\n' ' ')"
  fetch_wheels "$PART/cuda-wheels" < "$missing"
  unpack "$root" "$PART"/cuda-wheels/*.whl
}

# LibTorch looks for its libraries in nvidia/cu13/lib beside itself; the toolkit's get a link there.
link_toolkit() {
  local file
  for file in "$1"/lib*.so.*; do
    [[ -e $2/nvidia/cu13/lib/$(basename "$file") ]] || ln -s "$file" "$2/nvidia/cu13/lib/"
  done
}

check_libtorch() {
  local root=$1 library=libtorch_cpu.so missing
  [[ $LEVEL != cuda ]] || library=libtorch_cuda.so
  # libcuda comes with the NVIDIA driver, which a machine that only builds does not have.
  missing=$(ldd "$root/torch/lib/$library" | grep 'not found' | grep -v 'libcuda\.so\.1' || true)
  [[ -z $missing ]] || die "LibTorch was unpacked, but $library does not find:" "$missing"
}

install_libtorch() {
  if libtorch_is_there; then
    return 0
  fi
  local root=$PART/libtorch
  # The wheels, pip's second copy of them, and what is unpacked; then what pip keeps.
  case $LEVEL in
    cpu) need_space_mb 2500 600 ;;
    cuda-build) need_space_mb 4000 600 ;;
    cuda) need_space_mb 11000 3000 ;;
  esac
  say "setup: fetching LibTorch $VERSION (about 545 MB)"
  fetch_wheels "$PART/wheels" < tools/requirements-libtorch.txt
  say "setup: unpacking LibTorch"
  mkdir -p "$root"
  local files
  mapfile -t files < <(torch_files)
  unpack "$root" "$PART"/wheels/torch-*.whl -- "${files[@]}"
  unpack "$root" "$PART"/wheels/nvidia_*.whl -- 'nvidia/*/lib/*'
  if [[ $LEVEL == cuda ]]; then
    add_cuda_libraries "$root"
  fi
  check_libtorch "$root"
  say "$LEVEL $(stamp_lists "$LEVEL")" > "$root/.d2v"
  put_in_place "$root" "$TARGET"
  say "setup: LibTorch is in $TARGET"
}

check_given_libtorch() {
  local folder
  for folder in "$LIBTORCH_ROOT/torch" "$LIBTORCH_ROOT"; do
    if [[ -f $folder/lib/libtorch_cpu.so && -f $folder/include/ATen/ATen.h ]]; then
      return 0
    fi
  done
  die "LIBTORCH_ROOT=$LIBTORCH_ROOT: expected torch/lib/libtorch_cpu.so and torch/include/ATen/ATen.h there," \
    "found none. Correct it, or unset it to have LibTorch downloaded"
}

install_nvcc() {
  local target=$D2V_CACHE_DIR/nvcc-$NVCC_VERSION root=$PART/nvcc
  if find_nvcc > /dev/null; then
    return 0
  fi
  need_space_mb 1500 300
  say "setup: no CUDA toolkit found; fetching nvcc $NVCC_VERSION"
  fetch_wheels "$PART/nvcc-wheels" < tools/requirements-nvcc.txt
  mkdir -p "$root"
  unpack "$root" "$PART"/nvcc-wheels/*.whl
  chmod +x "$root"/nvidia/cu13/bin/* "$root"/nvidia/cu13/nvvm/bin/*
  # The linker asks for libcudart.so, and CMake for lib64; the wheels have neither.
  ln -s libcudart.so.13 "$root/nvidia/cu13/lib/libcudart.so"
  ln -s lib "$root/nvidia/cu13/lib64"
  put_in_place "$root" "$target"
}

main() {
  parse_arguments "$@"
  check_machine
  mkdir -p "$D2V_CACHE_DIR" || die "expected to be able to create $D2V_CACHE_DIR; set D2V_CACHE to another folder"
  # One set-up at a time; the lock also tells that folders left by a killed one are nobody's.
  exec 9> "$D2V_CACHE_DIR/.setup.lock"
  if ! flock -n 9; then
    say "setup: another set-up is running; waiting for it"
    flock 9
  fi
  rm -rf "$D2V_CACHE_DIR"/.setup.*.part
  PART=$D2V_CACHE_DIR/.setup.$$.part
  mkdir "$PART"
  trap 'rm -rf "$PART"' EXIT
  install_packages
  if [[ -n ${LIBTORCH_ROOT:-} ]]; then
    check_given_libtorch
  else
    install_libtorch
  fi
  if [[ $LEVEL != cpu ]]; then
    install_nvcc
  fi
}

main "$@"
