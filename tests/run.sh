#!/usr/bin/env bash
# run.sh - installs what is missing, builds, and runs every test
#
# Usage: sudo tests/run.sh [--list] [--only PATTERN]
#
# --list shows the names of all tests, --only runs those whose name contains PATTERN (a glob:
# --only 'unit/*/test_site', --only e2e/views, --only checks). Prints a line for each, the
# output of those that fail, and at the end exactly one line
#     N passed, N failed, N skipped
# where each case of a test program and each fact of a scenario counts as one. With CI=true a
# skipped test is a failed one. The exit status is 0 if none failed.
set -euo pipefail

TOP=$(dirname "$(dirname "$(readlink -f "$0")")")
cd "$TOP"
# shellcheck source=tests/signals.sh
. tests/signals.sh
# shellcheck source=tests/packages.sh
. tests/packages.sh
# shellcheck source=tests/build.sh
. tests/build.sh
# shellcheck source=tests/checks.sh
. tests/checks.sh

ONLY=
LIST=no
LOGS=
CHILD=
N_PASSED=0
N_FAILED=0
N_SKIPPED=0
declare -A BUILT=()
declare -A RUNNING=() # scenarios: process to name and start

# ---- one test ------------------------------------------------------------------------------

is_wanted() {
	# shellcheck disable=SC2053 # the pattern is meant as one
	[ -z "$ONLY" ] || [[ $1 == *$ONLY* ]]
}

# try NAME COMMAND...: runs it with its output in a log, then reports. 77 says skipped.
try() {
	local name=$1 status=0 start=${EPOCHREALTIME/[.,]/}
	shift
	is_wanted "$name" || return 0
	if [ "$LIST" = yes ]; then
		echo "$name"
		return 0
	fi
	run_logged "$name" "$@" || status=$?
	report "$name" "$status" $((${EPOCHREALTIME/[.,]/} - start))
}

log_of() {
	echo "$LOGS/${1//\//.}.log"
}

# In its own process group, so that an interrupt ends all of it, and nothing else.
run_logged() {
	local log status=0
	log=$(log_of "$1")
	shift
	set -m
	("$@") </dev/null >"$log" 2>&1 &
	CHILD=$!
	set +m
	wait "$CHILD" || status=$?
	CHILD=
	return "$status"
}

# report NAME STATUS MICROSECONDS: counts the log's "ok" and "not ok" lines, or the run as one.
report() {
	local name=$1 status=$2 ok not_ok skipped log
	log=$(log_of "$name")
	not_ok=$(grep -ac '^not ok ' <(grep -av '# SKIP' "$log")) || true
	skipped=$(grep -acE '^(not )?ok .*# SKIP' "$log") || true
	ok=$(grep -ac '^ok ' <(grep -av '# SKIP' "$log")) || true
	if [ "$status" -eq 77 ]; then
		skipped=$((skipped + 1))
	elif [ "$status" -ne 0 ] && [ "$not_ok" -eq 0 ]; then
		not_ok=1
	elif [ $((ok + not_ok + skipped)) -eq 0 ]; then
		ok=1
	fi
	count "$name" "$ok" "$not_ok" "$skipped" "$(seconds "$3")"
	if [ "$not_ok" -gt 0 ]; then
		sed 's/^/      | /' "$log" | tail -n 200
	elif [ "$skipped" -gt 0 ]; then
		show_skips "$log"
	fi
}

show_skips() {
	{ grep -aE '# SKIP' "$1" || tail -n 1 "$1"; } | sed 's/^/      | SKIPPED: /'
}

seconds() {
	printf '%d.%d s' $(($1 / 1000000)) $(($1 / 100000 % 10))
}

# count NAME PASSED FAILED SKIPPED TIME
count() {
	local word=pass what=
	N_PASSED=$((N_PASSED + $2))
	N_FAILED=$((N_FAILED + $3))
	N_SKIPPED=$((N_SKIPPED + $4))
	[ "$4" -eq 0 ] || word=SKIP
	[ "$3" -eq 0 ] || word=FAIL
	[ $(($2 + $3 + $4)) -eq 1 ] || what="$2 of $(($2 + $3 + $4))"
	printf '%s  %-40s %12s %9s\n' "$word" "$1" "$what" "$5"
}

# ---- builds and test programs --------------------------------------------------------------

build_debug() {
	build debug
}

build_asan() {
	build asan
}

# Not the unit tests: they take two minutes here, and run in the other two.
build_release() {
	build_configure release -DMH_WERROR=ON && build_targets release tools
}

# need_build PRESET: builds it for the next tests. Counted as a test, once.
need_build() {
	[ -z "${BUILT[$1]:-}" ] || return "${BUILT[$1]/ok/0}"
	BUILT[$1]=ok
	if [ "$LIST" = yes ]; then
		echo "build/$1"
		return 0
	fi
	local start=${EPOCHREALTIME/[.,]/} status=0
	run_logged "build/$1" "build_$1" || status=$?
	report "build/$1" "$status" $((${EPOCHREALTIME/[.,]/} - start))
	[ "$status" -eq 0 ] || BUILT[$1]=1
	return "$status"
}

# The unit tests and the replayed fuzz seeds of one build, a line for each program. ctest runs
# them side by side. It reports the programs, and they report their cases.
unit_tests() {
	local preset=$1 log
	[ -n "$(list_units "unit/$preset")" ] || return 0
	need_build "$preset" || return 0
	if [ "$LIST" = yes ]; then
		list_units "unit/$preset"
		return 0
	fi
	log=$(log_of "unit/$preset")
	CMOCKA_MESSAGE_OUTPUT=TAP run_logged "unit/$preset" ctest --test-dir "build/$preset" -L unit -V \
		-j "$(nproc)" -R "^($(list_units "unit/$preset" | sed 's|.*/||' | paste -sd'|'))\$" || true
	report_units "unit/$preset" "$log"
}

list_units() {
	local source name
	for source in tests/unit/test_*.c tests/fuzz/fuzz_*.c; do
		[ -e "$source" ] || continue
		name=$1/$(basename "$source" .c)
		! is_wanted "$name" || echo "$name"
	done
}

# ctest -V says "N: line" for each line of test N, and " i/n Test #N: name ... Passed 0.1 sec".
report_units() {
	local prefix=$1 log=$2 number name verdict took own
	while read -r number name verdict took; do
		own=$(log_of "$prefix/$name")
		sed -n "s/^$number: //p" "$log" >"$own"
		case $verdict in
		Passed) verdict=0 ;;
		*Skipped) verdict=77 ;;
		*) echo "$name: $verdict" >>"$own" && verdict=1 ;;
		esac
		report "$prefix/$name" "$verdict" "$(to_micros "$took")"
	done < <(sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#([0-9]+): ([^ ]+) \.*( *|\*+)([A-Z][A-Za-z ]*[a-z]) +([0-9.]+) sec.*/\1 \2 \4 \5/p' "$log" |
		sed -E 's/Not Run/NotRun/' | sort -k2)
	grep -qE 'tests (passed|failed) out of' "$log" ||
		{ count "$prefix" 0 1 0 "" && tail -n 20 "$log" | sed 's/^/      | /'; }
}

to_micros() {
	awk -v s="$1" 'BEGIN { printf "%d", s * 1000000 }'
}

# ---- scenarios -----------------------------------------------------------------------------

# Each folder of tests/e2e with a `run`, against the asan build: a finding is a failure. They
# mostly wait, so as many as there are processors run side by side.
scenarios() {
	local run name
	for run in tests/e2e/*/run; do
		[ -e "$run" ] || continue
		name=e2e/$(basename "$(dirname "$run")")
		is_wanted "$name" || continue
		need_build asan || return 0
		[ "$LIST" = no ] || { echo "$name" && continue; }
		[ "${#RUNNING[@]}" -lt "$(nproc)" ] || scenario_reap
		scenario_begin "$name" "$run"
	done
	while [ "${#RUNNING[@]}" -gt 0 ]; do
		scenario_reap
	done
}

scenario_begin() {
	local log
	log=$(log_of "$1")
	set -m
	MH_BUILD=$TOP/build/asan timeout --foreground -k 30 300 "$2" </dev/null >"$log" 2>&1 &
	set +m
	RUNNING[$!]="$1 ${EPOCHREALTIME/[.,]/}"
}

# Reports the next one that ends.
scenario_reap() {
	local pid status=0 name start
	wait -n -p pid "${!RUNNING[@]}" || status=$?
	read -r name start <<<"${RUNNING[$pid]}"
	unset "RUNNING[$pid]"
	report "$name" "$status" $((${EPOCHREALTIME/[.,]/} - start))
}

# ---- all of it -----------------------------------------------------------------------------

all_tests() {
	local preset
	try checks/format check_format
	try checks/includes check_includes
	try checks/paths check_doc_paths
	try checks/names check_doc_names
	try checks/modules check_doc_modules
	try checks/shell check_shell
	try checks/manpages check_manpages
	try checks/cppcheck check_cppcheck
	for preset in debug release asan; do
		! is_wanted "build/$preset" || need_build "$preset" || true
	done
	if is_wanted checks/tidy && need_build debug; then
		try checks/tidy check_tidy build/debug
	fi
	unit_tests debug
	unit_tests asan
	scenarios
}

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
}

on_exit() {
	local pid
	trap '' INT TERM HUP
	for pid in $CHILD "${!RUNNING[@]}"; do
		kill -TERM -- "-$pid" 2>/dev/null || true
	done
	for pid in $CHILD "${!RUNNING[@]}"; do
		wait "$pid" 2>/dev/null || true
	done
	[ -z "$LOGS" ] || rm -rf "$LOGS"
}

main() {
	while [ $# -gt 0 ]; do
		case $1 in
		--list) LIST=yes ;;
		--only)
			ONLY=${2:?--only needs a pattern}
			shift
			;;
		-h | --help)
			usage
			exit 0
			;;
		*)
			usage >&2
			exit 2
			;;
		esac
		shift
	done
	if [ "$LIST" = yes ]; then
		all_tests
		exit 0
	fi
	[ "$(id -u)" -eq 0 ] || {
		echo "run.sh: network namespaces need root: sudo tests/run.sh" >&2
		exit 2
	}

	trap on_exit EXIT
	exit_on_signals
	packages_install
	LOGS=$(mktemp -d)
	all_tests
	conclude
}

conclude() {
	local status=0
	[ $((N_PASSED + N_FAILED + N_SKIPPED)) -gt 0 ] || echo "run.sh: no test is called '$ONLY'; see --list"
	if [ "$N_SKIPPED" -gt 0 ] && [ "${CI:-}" = true ]; then
		echo "CI: each of the $N_SKIPPED skipped tests is a failure"
		status=1
	fi
	[ "$N_FAILED" -eq 0 ] && [ $((N_PASSED + N_SKIPPED)) -gt 0 ] || status=1
	echo "$N_PASSED passed, $N_FAILED failed, $N_SKIPPED skipped"
	exit "$status"
}

main "$@"
