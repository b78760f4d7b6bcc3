#!/usr/bin/env bash
# Installs what is missing, builds NoPeek, and opens its window. Arguments go on to NoPeek: scripts/run.sh --theme light
# Without a display it plays the demo on a virtual one, and says where the pictures are.
set -eu
cd "$(dirname "$0")/.."

scripts/install-deps.sh
[ -e build/release/nopeek ] || echo "Building NoPeek, which takes a minute or two; [n/m] says how far it is."
cmake --preset release --log-level=WARNING
cmake --build --preset release --target nopeek

if [ $# -eq 0 ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ "$(uname)" = Linux ]; then
  pictures=build/pictures
  echo "There is no display: playing the demo tour on a virtual one. It takes about half a minute."
  rm -rf "$pictures"
  scripts/xvfb.sh build/release/nopeek --tour assets/tours/mask-lab.tour --shots "$pictures"
  echo "The pictures of the demo are in $PWD/$pictures:"
  ls "$pictures"
  exit 0
fi
exec build/release/nopeek "$@"
