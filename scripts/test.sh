#!/usr/bin/env bash
# Installs what is missing, builds NoPeek, and runs every test; those of the window on virtual displays.
# Arguments go on to cmake: scripts/test.sh -DNOPEEK_WERROR=ON
set -eu
cd "$(dirname "$0")/.."

scripts/install-deps.sh
cmake --preset release "$@"
cmake --build --preset release
ctest --preset release
