#!/usr/bin/env bash
# Installs a portable build and runs it where it did not stand when it was built: tests/levels/install_test.sh BUILD
set -eu
build=$1
source=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$build" --prefix "$folder/before" >/dev/null
mv "$folder/before" "$folder/moved"
nopeek=$folder/moved/bin/nopeek
fail() { echo "$*"; exit 1; }

diff -r "$source/assets" "$folder/moved/share/nopeek" || fail "the assets are not those of the source"
# A corpus that only the installation has: what it trains must write these words.
yes 'zebras sleep .' | head -100 >"$folder/moved/share/nopeek/corpora/toy.txt"

declare -A vectors=([x86-64-v2]=SSE4.2 [x86-64-v3]=AVX2 [x86-64-v4]=AVX-512)
for level in "${!vectors[@]}"; do
  run() { "$source/scripts/at-level.sh" $level "$nopeek" "$@" >"$folder/says"; }
  status=0
  run --version || status=$?
  if [ $status -eq 77 ]; then cat "$folder/says"; continue; fi
  grep "core: $level$" "$folder/says" || fail "at $level it says: $(cat "$folder/says")"
  run bench --config tiny --only step --samples 3 --json
  grep -F "\"$level (${vectors[$level]})\"" "$folder/says" || fail "at $level bench says: $(cat "$folder/says")"
done
loaded=$(ldd "$nopeek" | awk '/libnopeek_core/ { print $3 }')
case $loaded in
  "$folder"/*) ;;
  *) fail "it loads $loaded" ;;
esac
"$nopeek" train --corpus toy --steps 20 | grep zebras || fail "it does not train on the installed corpus"
