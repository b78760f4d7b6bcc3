#!/usr/bin/env bash
# Fuzzes every parser: scripts/fuzz.sh [SECONDS [TARGET...]], by default 60 seconds for each target of tests/fuzz, as
# many at once as there are cores (FUZZ_JOBS: another number). Before each change: scripts/fuzz.sh 5
# Status 0: nothing was found; 1: something was, and the table says how to see it again; 77: clang or its libFuzzer is
# missing, and nothing was run. What was learned stays in build/fuzz/corpus, for the next time.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift $(($# > 0))
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "scripts/fuzz.sh: '$seconds' is no number of seconds. Usage: scripts/fuzz.sh [SECONDS [TARGET...]]" >&2
  exit 2
fi

if ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
     clang++-19 -x c++ -fsanitize=fuzzer,address,undefined -o /dev/null - 2>/dev/null; then
  echo "scripts/fuzz.sh: skipped, for want of clang 19 with libFuzzer (Debian: clang-19 and libclang-rt-19-dev)" >&2
  exit 77
fi
[ -f build/asan/build.ninja ] || cmake --preset asan > /dev/null
cmake --build --preset asan --target fuzz_targets

export build=build/asan fuzz=build/fuzz
seeds=build/fuzz/seeds
mapfile -t all < <(cd tests/fuzz && printf '%s\n' *_fuzz.cpp | sed 's/_fuzz.cpp$//')
[ $# -gt 0 ] || set -- "${all[@]}"
for target; do
  [ -f "tests/fuzz/${target}_fuzz.cpp" ] && continue
  echo "scripts/fuzz.sh: there is no target '$target'. There are: ${all[*]}" >&2
  exit 2
done

# ------------------------------------------------------------------ seeds: files that the program itself writes

# One input for several files, as tests/fuzz/fuzz.h takes it apart.
join() {
  local between=
  for file; do
    printf '%b' "$between"
    cat "$file"
    between='\n%%\n'
  done
}

# A file of one tensor: type, bytes of an element.
tensor() {
  local header
  header=$(printf '{"a":{"dtype":"%s","shape":[2],"data_offsets":[0,%d]}}' "$1" $((2 * $2)))
  printf "\\x$(printf %x ${#header})\\0\\0\\0\\0\\0\\0\\0%s" "$header"
  head -c $((2 * $2)) /dev/zero
}

make_runs() {
  rm -rf "$seeds"
  mkdir -p "$seeds"/{command_line,config,corpus,json,model,run_folder,run_json,safetensors,settings,text,tokenizer,tour,vocabulary}
  yes 'to be or not
' | head -n 60 > "$seeds/text/short"
  for kind in word char bpe; do
    "$build/nopeek" train --corpus "$seeds/text/short" --tokenizer $kind --d-model 4 --heads 2 --layers 1 --context 2 \
      --batch 1 --steps 3 --mask on --threads 1 --save "$fuzz/runs/$kind" > /dev/null 2>&1 && continue
    echo "scripts/fuzz.sh: '$build/nopeek train' failed, which makes the seeds; try it with --tokenizer $kind" >&2
    exit 2
  done
}

make_seeds() {
  local kind run lane type
  make_runs
  for kind in word char bpe; do
    run=$fuzz/runs/$kind lane=$fuzz/runs/$kind/masked
    cp "$lane/config.json" "$seeds/config/$kind"
    cp "$run/run.json" "$seeds/run_json/$kind"
    cp "$lane/tokenizer.json" "$seeds/json/$kind"
    cp "$run/run.json" "$seeds/json/run-$kind"
    cp "$run/corpus.safetensors" "$seeds/safetensors/corpus-$kind"
    join "$lane/tokenizer.json" "$seeds/text/short" > "$seeds/tokenizer/$kind"
    [ $kind = bpe ] && continue  # its vocabulary of 256 bytes would make all that follows ten times slower
    cp "$lane/model.safetensors" "$seeds/safetensors/model-$kind"
    join "$lane"/{config.json,tokenizer.json,model.safetensors} > "$seeds/model/$kind"
    join "$run"/{run.json,corpus.safetensors} "$lane"/{config.json,tokenizer.json,model.safetensors,training.safetensors} \
      > "$seeds/run_folder/$kind"
  done
  for type in F64:8 F32:4 F16:2 BF16:2 I64:8 I16:2 U16:2 U8:1 BOOL:1 F8_E5M2:1; do
    tensor ${type%:*} ${type#*:} > "$seeds/safetensors/${type%:*}"
  done
  for text in assets/corpora/*.txt; do head -c 600 "$text" > "$seeds/corpus/$(basename "$text")"; done
  cp "$seeds/text/short" "$seeds/corpus/short"
  printf 'caf\xc3\xa9 \xe4\xb8\x96 \xf0\x9f\x99\x82\xe2\x80\x8d \xff\xc2\x85\x1b[2J' > "$seeds/text/hostile"
  cp tests/tours/*.tour tests/soak/*.tour "$seeds/tour"
  for tour in assets/tours/*.tour; do cp "$tour" "$seeds/tour/shown-$(basename "$tour")"; done
  printf '{"dark":true,"text_size":1.25,"rate":60,"window_width":1600,"window_height":900,"corpus":"toy","layers":2,"heads":4,"width":64,"context":24,"dropout":0,"batch":16,"learning_rate":0.003,"panel_open":true,"reduce_motion":false}' \
    > "$seeds/settings/all"
  local vocabulary='{"a":0,"b":1,"\\u0120":2,"ab":3,"\\u0120ab":4,"<|endoftext|>":5}' merges='#version: 0.2\na b\n\u0120 ab\n'
  printf "$vocabulary\n%%%%\n$merges\n%%%%\n\n%%%%\n\n%%%%\n\n%%%%\nab ba<|endoftext|>" > "$seeds/vocabulary/plain"
  printf "$vocabulary\n%%%%\n$merges\n%%%%\n{\"<new>\":6}\n%%%%\n{\"eos_token\":\"<new>\"}\n%%%%\n{\"add_prefix_space\":false}\n%%%%\nab<new>" \
    > "$seeds/vocabulary/added"
  printf 'train\n--corpus\ntoy\n--steps=600\n--seed\n1\n--lr\n3e-3\n--threads\n2' > "$seeds/command_line/train"
  printf 'generate\n--model\nm\n--prompt=\n--temperature\n0.8\n--top-k\n4\n--top-p\n.9' > "$seeds/command_line/generate"
  printf 'bench\n--config\ntiny\n--samples\n3\n--json' > "$seeds/command_line/bench"
  printf 'inspect\n--model\nm\n--text\na b\n--mask\noff\n--grad' > "$seeds/command_line/inspect"
}

# ------------------------------------------------------------------ runs

# One target; the log is kept, and its last line is the table's.
fuzz_one() {
  local target=$1 seconds=$2 status=0 log=$fuzz/logs/$1.log memory
  mkdir -p "$fuzz/corpus/$target"
  memory=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" nopeek-fuzz-XXXXXX)
  TMPDIR=$memory "$build/tests/fuzz/${target}_fuzz" "$fuzz/corpus/$target" "$fuzz/seeds/$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -dict=tests/fuzz/fuzz.dict -artifact_prefix="$fuzz/findings/$target-" -print_final_stats=1 \
    > "$log" 2>&1 || status=$?
  rm -rf "$memory"
  local inputs edges rss
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  rss=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  printf '%-14s %10s %8s %8s   %s\n' "$target" "${inputs:-?}" "${edges:-?}" "${rss:-?}" \
    "$([ $status = 0 ] && echo nothing found || sed -n 's/.*Test unit written to \(.*\)/FOUND \1/p; s/^BROKEN:/BROKEN:/p' "$log" | tail -n 2 | paste -sd ' ')"
  return $status
}
export -f fuzz_one

make_seeds
mkdir -p "$fuzz/logs" "$fuzz/findings"
printf '%-14s %10s %8s %8s\n' target inputs edges MB
if printf '%s\n' "$@" | xargs -P "${FUZZ_JOBS:-$(nproc)}" -I{} bash -c 'fuzz_one {} '"$seconds"; then exit 0; fi
echo
echo "Something was found. The reports are in $fuzz/logs; to see one again, for example of json:"
echo "  $build/tests/fuzz/json_fuzz $fuzz/findings/json-crash-..."
exit 1
