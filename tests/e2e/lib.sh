# lib.sh - what the end-to-end scenarios share
#
# A scenario is a folder with a program `run`, which brings a lab up, states facts and ends:
#
#     . "$(dirname "$(readlink -f "$0")")/../lib.sh"
#     scenario                          # or: scenario --ipv4-only
#     dnsd_start                        # with the folder's site.yaml, else reference/site.yaml
#     fact "isp-a answers with its own address" answers_of_isp_a
#     scenario_end
#
# Run by tests/run.sh, or by hand as root: tests/e2e/views/run. Each fact prints "ok NAME", or
# "not ok NAME" with the output of its commands. Status 77 is a skip. MH_BUILD names the build
# whose binaries are used. The default is the first of asan, debug and release that exists.
# shellcheck shell=bash
set -euo pipefail

E2E_HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
E2E_TOP=$(dirname "$(dirname "$E2E_HERE")")
SCENARIO=$(dirname "$(readlink -f "$0")")
SITE_NAME=site.yaml
N_NOT_OK=0
DNSD_STATUS=0
# shellcheck disable=SC2034 # read by wait_for
LAB_PATIENCE=5

# shellcheck source=tests/lab/lab.sh
. "$E2E_TOP/tests/lab/lab.sh"

e2e_build() {
	local preset
	for preset in asan debug release; do
		[ ! -x "$E2E_TOP/build/$preset/bin/dnsd" ] || { echo "$E2E_TOP/build/$preset" && return; }
	done
	echo "no build found; make one: cmake --preset asan && cmake --build --preset asan" >&2
	return 1
}

MH_BUILD=${MH_BUILD:-$(e2e_build)}
DNSD=$MH_BUILD/bin/dnsd
# shellcheck disable=SC2034 # for the scenarios
TOOLS=$MH_BUILD/tests/e2e # our own small programs, tests/e2e/*.c

scenario_settings() {
	LAB=mh$$
	while [ $# -gt 0 ]; do
		case $1 in
		--ipv4-only) LAB_IPV6=no ;;
		--no-servers) LAB_SERVERS=no ;;
		--pair) LAB_PAIR=yes ;;
		--routed)
			# shellcheck disable=SC2034 # read by the lab
			LAB_SOURCE_RULES=no
			SITE_NAME=routed.yaml
			;;
		*) lab_die "scenario: unknown option $1" ;;
		esac
		shift
	done
}

# A lab of its own, with a writable copy of the site in $SITE_DIR.
scenario() {
	if [ "$(id -u)" -ne 0 ]; then
		echo "network namespaces need root"
		exit 77
	fi
	scenario_settings "$@"
	lab_down_at_exit
	lab_up
	SITE_DIR=$(lab_dir)/site
	RUNTIME=$(lab_dir)/run
	cp -r "$E2E_HERE/reference" "$SITE_DIR"
	find "$SCENARIO" -maxdepth 1 \( -name '*.yaml' -o -name '*.zone' \) -exec cp {} "$SITE_DIR/" \;
	SITE=$SITE_DIR/$SITE_NAME
}

scenario_end() {
	local daemon
	for daemon in dnsd routed; do
		if [ "$N_NOT_OK" -gt 0 ] && [ -e "$(lab_dir)/$daemon.log" ]; then
			echo "# what $daemon said:"
			tail -n 60 "$(lab_dir)/$daemon.log" | sed 's/^/# /'
		fi
	done
	[ "$N_NOT_OK" -eq 0 ] || exit 1
	exit 0
}

# fact NAME COMMAND...: runs the command in a subshell with set -e. The fact holds if all
# succeeds.
fact() {
	local name=$1 status said
	shift
	said=$(lab_dir)/said
	set +e
	(
		set -e
		"$@"
	) >"$said" 2>&1
	status=$?
	set -e
	if [ "$status" -eq 0 ]; then
		echo "ok $name"
		grep '^measured: ' "$said" | sed 's/^/# /' || true
		return 0
	fi
	N_NOT_OK=$((N_NOT_OK + 1))
	echo "not ok $name"
	sed 's/^/#   /' "$said"
}

# expect WHAT GOT WANT: fails with the difference if the texts differ.
expect() {
	local what=$1 got=$2 want=$3
	[ "$got" != "$want" ] || return 0
	echo "$what:"
	diff --label wanted --label got -u <(echo "$want") <(echo "$got") | tail -n +3
	return 1
}

expect_contains() {
	local what=$1 text=$2 part=$3
	[[ $text != *"$part"* ]] || return 0
	echo "$what does not say '$part':"
	echo "$text"
	return 1
}

# fails COMMAND...: holds if the command fails. `! COMMAND` would never end a fact, since set -e
# ignores an inverted status.
fails() {
	! "$@"
}

# silent_about PATTERN COMMAND...: the command succeeds, and no line of its output matches.
silent_about() {
	local pattern=$1 output
	shift
	output=$("$@") || return
	fails grep -E -- "$pattern" <<<"$output"
}

# ---- dnsd ----------------------------------------------------------------------------------

dnsd_start() {
	if ! lab_start_dnsd "$DNSD" "$SITE" "$@"; then
		echo "not ok dnsd starts"
		N_NOT_OK=$((N_NOT_OK + 1))
		scenario_end
	fi
}

# On the router, with the lab's site and control socket: dnsd_verb status --json
dnsd_verb() {
	local verb=$1
	shift
	lab_exec router "$DNSD" "$verb" -c "$SITE" --runtime "$RUNTIME" "$@"
}

dnsd_pid() {
	cat "$(lab_dir)/dnsd.pid"
}

# hup_at_start NAME: starts a daemon and sends it a SIGHUP before it is ready. The daemon survives
# that as soon as it blocks the signal (SigBlk), some milliseconds before it is ready. We stop it
# there. If the moment was missed, we try again.
hup_at_start() {
	local name=$1 pid tries=0 before end
	while [ $((tries += 1)) -le 50 ]; do
		before=$(times_ready "$name")
		"${name}_spawn"
		pid=$(cat "$(lab_dir)/$name.pid")
		end=$((SECONDS + 10))
		until holds_hup "$name" "$pid" || [ "$SECONDS" -gt "$end" ]; do :; done
		kill -STOP "$pid" || return 1
		if [ "$(times_ready "$name")" -eq "$before" ]; then
			kill -HUP "$pid"
			kill -CONT "$pid"
			return
		fi
		kill -CONT "$pid"
		lab_stop "$name"
	done
	echo "$name was ready each time before it could be held"
	return 1
}

times_ready() {
	grep -cF "is ready" "$(lab_dir)/$1.log" || true
}

# Uses no other program: each look must take less than milliseconds.
holds_hup() {
	local key value name="" held=0
	while read -r key value; do
		case $key in
		Name:) name=$value ;;
		SigBlk: | SigCgt:) held=$((held | 0x$value)) ;;
		esac
	done 2>/dev/null <"/proc/$2/status"
	[ "$name" = "$1" ] && [ $((held & 1)) -ne 0 ]
}

dnsd_spawn() {
	lab_spawn router dnsd "$DNSD" run -c "$SITE" --runtime "$RUNTIME"
}

# becomes KIND FILE: puts another kind of file in its place. `comes_back FILE` undoes it.
becomes() {
	mv "$2" "$2.kept"
	case $1 in
	fifo) mkfifo "$2" ;;
	device) ln -s /dev/zero "$2" ;;
	folder) mkdir "$2" ;;
	dangling) ln -s /nowhere "$2" ;;
	esac
}

comes_back() {
	rm -rf "$1"
	mv "$1.kept" "$1"
}

dnsd_log() {
	cat "$(lab_dir)/dnsd.log"
}

# How many lines of the log contain the text.
dnsd_log_count() {
	grep -cF -- "$1" "$(lab_dir)/dnsd.log" || true
}

dnsd_log_has() {
	grep -qF -- "$1" "$(lab_dir)/dnsd.log"
}

# Ends dnsd. States that it ended well, and that the sanitizers found nothing.
dnsd_end() {
	DNSD_STATUS=0
	lab_stop dnsd || DNSD_STATUS=$?
	fact "dnsd ends cleanly" dnsd_ended_cleanly
}

dnsd_ended_cleanly() {
	expect "exit status" "$DNSD_STATUS" 0
	fails grep -E 'ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|SUMMARY:' "$(lab_dir)/dnsd.log"
}

# ---- questions -----------------------------------------------------------------------------

# ask NODE SERVER NAME TYPE [OPTION...]: dig without recursion, cookie and retry.
ask() {
	local node=$1 server=$2
	shift 2
	lab_exec "$node" dig +norecurse +nocookie +tries=1 +time=2 "@$server" "$@"
}

# The RDATA alone, sorted, on one line.
ask_short() {
	ask "$@" +short | sort | paste -sd' '
}

# expect_answer NODE SERVER NAME TYPE WANT [OPTION...]
expect_answer() {
	local node=$1 server=$2 name=$3 type=$4 want=$5
	shift 5
	expect "$name $type @$server" "$(ask_short "$node" "$server" "$name" "$type" "$@")" "$want"
}

answers() {
	expect_answer "$@" >/dev/null
}

# A whole response as text for comparisons: without the parts that differ each time.
ask_whole() {
	ask "$@" +nocmd +nostats |
		sed -E -e 's/, id: [0-9]+//' -e '/^;; Warning/d' -e '/^; \(1 server/d' -e '/^;; global options/d' -e '/^$/d' |
		tr -s '\t ' ' '
}

# Asks the real resolver, as a client on the Internet. It repeats the query as clients do, since
# unbound does not answer a query that is older than 1.9 s (discard-timeout).
resolve() {
	resolve_whole "$@" +short | grep -vE '^ *(;|$)' | sort | paste -sd' '
}

resolve_whole() {
	lab_exec outside dig +tries=8 +time=2 "@$RESOLVER_ADDR" "$@"
}

# The resolver forgets all that it knew, also which servers were slow.
resolver_restart() {
	lab_stop unbound || true
	lab_start_resolver
}

no_foreign_sources() {
	local up
	for up in a b; do
		expect "packets with foreign source at isp-$up" "$(lab_counter $up foreign)" 0 ||
			{ lab_strangers $up && return 1; }
	done
}

# measure WHAT COMMAND...: prints how long it takes until the command succeeds.
measure() {
	local what=$1 start=${EPOCHREALTIME/[.,]/}
	shift
	wait_for 10 "$@"
	echo "measured: $what after $(((${EPOCHREALTIME/[.,]/} - start) / 1000)) ms"
}
