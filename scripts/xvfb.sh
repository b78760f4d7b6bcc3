#!/usr/bin/env bash
# Runs a command on a virtual display of its own: scripts/xvfb.sh build/release/nopeek --tour FILE
# Its exit status is the command's. -noreset: without it Xvfb starts anew whenever its last window closes.
set -eu
if ! command -v xvfb-run >/dev/null || ! command -v xauth >/dev/null; then
  echo "scripts/xvfb.sh: xvfb-run or xauth is missing; run scripts/install-deps.sh" >&2
  exit 2
fi
exec xvfb-run -a -s '-noreset -screen 0 1920x1080x24' "$@"
