#!/usr/bin/env bash
# d2v inspect shows every recipe, the largest included, without building or training a model.
# Needs $D2V, the program, and $D2V_REPO_ROOT.
set -euo pipefail

failures=0

for recipe in "${D2V_REPO_ROOT:?}"/recipes/*.ini; do
  # Where the token file decides on the vocabulary, any size stands for it.
  extra=()
  if grep -q '^modality = text' "$recipe" && ! grep -q '^vocabulary_size' "$recipe"; then
    extra=(--text.vocabulary_size 1000)
  fi
  if ! output=$("$D2V" inspect "$recipe" "${extra[@]}" 2>&1); then
    echo "d2v inspect $recipe failed: $output"
    failures=$((failures + 1))
    continue
  fi
  for pattern in '^parameter  ' ' parameters, .* elements; trained' '^student: ' '^an update of ' \
    '^GFLOP per sample ' '^student  *[0-9]' '^an update: .* TFLOP' '^memory, estimated: ' '^activations: '; do
    if ! grep -q -e "$pattern" <<<"$output"; then
      echo "d2v inspect $recipe: expected /$pattern/"
      failures=$((failures + 1))
    fi
  done
done

exit $((failures > 0))
