#!/usr/bin/env bash
# Uses the window without a pause and watches what it takes: scripts/soak.sh [MINUTES [PROGRAM]], by default 13 minutes
# of build/release/nopeek on a virtual display. tests/soak/round.tour is played over and over, until time is up.
# Status 0: memory, handles and threads were flat in the second half; 1: they grew, or a round failed; 2: it cannot run.
set -eu
cd "$(dirname "$0")/.."
minutes=${1:-13} program=$(realpath "${2:-build/release/nopeek}")
root=$PWD home=$PWD/build/soak
interval=2      # seconds between two looks; a round takes three quarters of a minute, in which memory goes up and down
most_growth=2   # percent: what a quiet allocator wavers by; 1 MB lost a round would be 2.5
if ! [[ $minutes =~ ^[1-9][0-9]*$ ]] || ! [ -x "$program" ]; then
  echo "Usage: scripts/soak.sh [MINUTES [PROGRAM]], and $program must be built" >&2
  exit 2
fi

# What the tour drops.
make_files() {
  yes 'the soak goes on and the window stays .

all is well and nothing grows .
' | head -n 2000 > soak.txt
  yes 'another text , of other words .
' | head -n 2000 > other.txt
  printf 'caf\xe9 and caf\xe9 again\n' > not-utf8.txt
  "$program" train --corpus soak.txt --steps 40 --save "$home/run" > /dev/null
  cp -r run damaged-run
  cp -r run/masked damaged-model
  truncate -s 1000 damaged-run/masked/training.safetensors damaged-model/model.safetensors
}

# More rounds than there is time for (the window is closed from outside), and less than the megabyte that a tour may have.
make_tour() {
  for _ in $(seq $((minutes * 6))); do cat "$root/tests/soak/round.tour"; done > soak.tour
  echo quit >> soak.tour
}

# round (when the last one ended), second, memory in MB, handles, threads
look() {
  printf '%s %s %s %s %s\n' "$(stat -c %Y round.json 2>/dev/null || echo 0)" $SECONDS $(($(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' /proc/"$1"/status) / 1024)) \
    "$(ls /proc/"$1"/fd | wc -l)" "$(ls /proc/"$1"/task | wc -l)"
}

figure() { sed -n "s/^ *\"$1\": \([0-9.]*\),*$/\1/p" round.json | head -n 1; }

# Compares the whole rounds of the third quarter of the time with those of the last one.
judge() {
  awk -v most=$most_growth '
    $1 != round[n] { round[++n] = $1; begin[n] = $2 }
    { ++looks[n]; memory[n] += $3; end = $2
      if ($4 > handles[n]) handles[n] = $4
      if ($5 > threads[n]) threads[n] = $5 }
    function take(quarter, i) {
      ++rounds[quarter]; mean[quarter] += memory[i] / looks[i]
      if (handles[i] > most_handles[quarter]) most_handles[quarter] = handles[i]
      if (threads[i] > most_threads[quarter]) most_threads[quarter] = threads[i]
    }
    END {
      for (i = 1; i < n; ++i) if (begin[i] >= end / 2) take(begin[i] < end * 3 / 4 ? 3 : 4, i)
      if (!rounds[3] || !rounds[4]) { print "too short to judge"; exit 1 }
      for (quarter = 3; quarter <= 4; ++quarter) {
        mean[quarter] /= rounds[quarter]
        printf "quarter %d: %d rounds, %.0f MB, %d handles, %d threads\n", quarter, rounds[quarter], mean[quarter],
               most_handles[quarter], most_threads[quarter]
      }
      grown = 0
      if (mean[4] > mean[3] * (1 + most / 100)) { print "GREW: memory"; grown = 1 }
      if (most_handles[4] > most_handles[3]) { print "GREW: handles"; grown = 1 }
      if (most_threads[4] > most_threads[3]) { print "GREW: threads"; grown = 1 }
      if (!grown) print "flat"
      exit grown
    }' samples
}

rm -rf "$home"
mkdir -p "$home"
cd "$home"
make_files
make_tour
HOME=$home XDG_CONFIG_HOME=$home/config "$root/scripts/xvfb.sh" \
  sh -c 'echo $$ > pid; exec "$0" --tour soak.tour' "$program" > window.log 2>&1 &
display=$!
until [ -s pid ]; do kill -0 $display 2>/dev/null || { cat window.log >&2; exit 2; }; sleep 0.1; done
pid=$(cat pid)
trap 'kill "$pid" 2>/dev/null || true' EXIT

SECONDS=0
printf '%6s %6s %8s %8s\n' second MB handles threads
while [ $SECONDS -lt $((minutes * 60)) ]; do
  sleep $interval
  if ! kill -0 "$pid" 2>/dev/null; then
    echo "The window ended by itself after $SECONDS seconds:"
    cat window.log
    exit 1
  fi
  look "$pid" >> samples
  [ $((SECONDS % 10)) -ge $interval ] || tail -n 1 samples | cut -d ' ' -f 2- | xargs printf '%6s %6s %8s %8s\n'
done
[ -f round.json ] || { echo "Not one round was played to its end."; exit 1; }
echo "runs $(figure run), frames $(figure count), hitches $(figure hitches), exports $(find . -name '*.gif' | wc -l) of each kind"
judge
