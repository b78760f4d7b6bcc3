#!/usr/bin/env bash
# Runs a command on a virtual display of its own: scripts/xvfb.sh build/release/nopeek --tour FILE
# NOPEEK_DISPLAY=5120x2880 makes it larger than 1920x1080.
# Its exit status is the command's. -noreset: without it Xvfb starts anew whenever its last window closes.
set -eu
if ! command -v xvfb-run >/dev/null || ! command -v xauth >/dev/null; then
  echo "scripts/xvfb.sh: xvfb-run or xauth is missing; run scripts/install-deps.sh" >&2
  exit 2
fi
exec xvfb-run -a -s "-noreset -screen 0 ${NOPEEK_DISPLAY:-1920x1080}x24" "$@"
