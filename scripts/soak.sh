#!/usr/bin/env bash
# Uses the window without a pause and watches what it takes: scripts/soak.sh [MINUTES [PROGRAM]], by default 13 minutes
# of build/release/nopeek on a virtual display. tests/soak/round.tour is played over and over, until time is up.
# Status 0: memory, handles and threads were flat in the second half; 1: they grew, or a round failed; 2: it cannot run.
set -eu
cd "$(dirname "$0")/.."
minutes=${1:-13} program=$(realpath "${2:-build/release/nopeek}")
root=$PWD home=$PWD/build/soak
interval=10    # seconds between two looks
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

# second, memory in MB, handles, threads
look() {
  printf '%s %s %s %s\n' $SECONDS $(($(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' /proc/"$1"/status) / 1024)) \
    "$(ls /proc/"$1"/fd | wc -l)" "$(ls /proc/"$1"/task | wc -l)"
}

figure() { sed -n "s/^ *\"$1\": \([0-9.]*\),*$/\1/p" round.json | head -n 1; }

# Compares the first third of the second half with the last one.
judge() {
  awk -v most=$most_growth '
    { second[NR] = $1; memory[NR] = $2; handles[NR] = $3; threads[NR] = $4 }
    function mean(of, from, to,   i, sum) { for (i = from; i <= to; ++i) sum += of[i]; return sum / (to - from + 1) }
    function highest(of, from, to,   i, m) { for (i = from; i <= to; ++i) if (of[i] > m) m = of[i]; return m }
    END {
      from = int(NR / 2) + 1; third = int((NR - from + 1) / 3)
      if (third < 1) { print "too short to judge"; exit 1 }
      a = from + third - 1; b = NR - third + 1
      printf "memory: %.0f MB from second %d to %d, %.0f MB from %d to %d\n",
             mean(memory, from, a), second[from], second[a], mean(memory, b, NR), second[b], second[NR]
      grown = 0
      if (mean(memory, b, NR) > mean(memory, from, a) * (1 + most / 100)) { print "GREW: memory"; grown = 1 }
      if (highest(handles, b, NR) > highest(handles, from, a)) { print "GREW: handles"; grown = 1 }
      if (highest(threads, b, NR) > highest(threads, from, a)) { print "GREW: threads"; grown = 1 }
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
  tail -n 1 samples | xargs printf '%6s %6s %8s %8s\n'
done
[ -f round.json ] || { echo "Not one round was played to its end."; exit 1; }
echo "runs $(figure run), frames $(figure count), hitches $(figure hitches), exports $(find . -name '*.gif' | wc -l) of each kind"
judge
