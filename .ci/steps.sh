# shellcheck shell=bash
# Sourced by check and .ci/run: named steps with time limits, whose results are counted at the end. Needs $root.
#
# Results are kept in $HOLDFAST_RESULTS: <number>-<step>*.xml (JUnit, from gtest and pytest) and <number>-<step>.failed
# (the step did not end with 0; one line that says how).

python=/usr/bin/python3
export HOLDFAST_RESULTS=${HOLDFAST_RESULTS:-$root/build/results}
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

# start_results: forgets the results of earlier runs.
start_results() {
  rm -rf "$HOLDFAST_RESULTS"
  mkdir -p "$HOLDFAST_RESULTS"
}

# step <name> <limit in seconds> <command>...: runs the command without standard input, ends it with all its children
# when the limit is over, and says how it went. The command may write JUnit results to $report. Never ends the script.
step() {
  local name=$1 limit_s=$2 started=$SECONDS code=0
  shift 2
  local number
  number=$(find "$HOLDFAST_RESULTS" -name '*.started' | wc -l)
  local file
  file=$HOLDFAST_RESULTS/$(printf '%03d' "$number")-${name//[^A-Za-z0-9]/-}
  : >"$file.started"
  echo "--> $name"
  # In the background, so that an interrupt ends it: timeout has made it a process group of its own.
  report=$file.xml timeout --kill-after=20 "$limit_s" "${wrapper[@]}" "$@" </dev/null &
  step_pid=$!
  wait "$step_pid" || code=$?
  step_pid=
  local took=$((SECONDS - started))
  if ((code == 0)); then
    echo "    $name: ok, $took s"
    return 0
  fi
  local how="exit code $code"
  ((code == 124 || code == 137)) && how="not done after $limit_s s"
  echo "$name: $how" >"$file.failed"
  echo "    $name: FAILED, $how, $took s"
  return 1
}

# count_results: prints what failed, then "N passed, N failed" as the last line. Fails when anything failed.
count_results() { "$python" "$root/.ci/count_results.py" "$HOLDFAST_RESULTS"; }

# What every command of a step is started with, e.g. setarch.
wrapper=()

step_pid=
end_step() {
  [[ -z $step_pid ]] || kill -TERM "$step_pid" 2>/dev/null || true
  exit 130
}
trap end_step INT TERM

# build <preset> [<target>...]: configures and builds, with all warnings as errors.
build() {
  local preset=$1 quiet=--quiet
  shift
  [[ ! -t 1 ]] || quiet=
  quiet=$quiet step "build $preset" 2400 bash -euo pipefail -c '
    preset=$1; shift
    cmake --preset "$preset" -Wno-dev >/dev/null
    cmake --build --preset "$preset" ${1:+--target "$@"} -- $quiet' - "$preset" "$@"
}

# unit_tests <preset> <limit in seconds>: the gtest binary of every folder that has tests, in two halves at once.
unit_tests() {
  local preset=$1 limit_s=$2 folder
  for folder in "$root"/src/*/; do
    folder=$(basename "$folder")
    compgen -G "$root/src/$folder/*_test.cc" >/dev/null || continue
    # These know no threads, and their models take minutes there.
    [[ $preset == tsan && ( $folder == structures || $folder == values ) ]] && continue
    # shellcheck disable=SC2016  # for the shell of the step
    GTEST_TOTAL_SHARDS=2 step "unit tests of $folder ($preset)" "$limit_s" bash -c '
      cd "$1"
      half() { GTEST_SHARD_INDEX=$2 "./$1" --gtest_brief=1 --gtest_output="xml:${report%.xml}-$2.xml"; }
      half "$2" 0 & first=$!
      code=0
      half "$2" 1 || code=$?
      wait "$first" || code=$?
      exit "$code"' - "$root/build/$preset/src/$folder" "${folder}_test" || true
  done
}

# python_tests <name> <limit in seconds> <path or argument of pytest>...: one run of pytest from the top of the tree. A test
# that takes more than two minutes shows where it stands.
python_tests() {
  local name=$1 limit_s=$2
  shift 2
  step "$name" "$limit_s" bash -c \
    'cd "$1" && shift && exec "$@" --junitxml="$report"' - "$root" "$python" -m pytest -q -p no:cacheprovider \
    -o faulthandler_timeout=120 "$@"
}

# has_suite <folder of tests/>
has_suite() { compgen -G "$root/tests/$1/test_*.py" >/dev/null; }

# use_reference: puts the reference server in front of the path and tells the tests. Debian has it in redis-tools, where it
# is one program with redis-check-rdb and goes by the name it is called with.
use_reference() {
  local folder=$root/build/reference
  mkdir -p "$folder"
  ln -sf /usr/bin/redis-check-rdb "$folder/redis-server"
  export REDIS_SERVER=$folder/redis-server PATH=$folder:$PATH
}
