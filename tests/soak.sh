#!/usr/bin/env bash
# soak.sh - both daemons under all kinds of faults, at random, for any length of time
#
#   sudo tests/soak.sh MINUTES [SEED]
#
# The reference site in network namespaces, the release build. One after the other, at random:
# cables are cut, lines fall silent or lose packets, gateways die, addresses change, interfaces
# vanish, uplinks are drained, configurations reloaded, daemons restarted and killed. Meanwhile
# conversations go on over each uplink, inward and outward, over IPv4 and IPv6, and clients ask
# for the name and connect to the answered addresses. In the last third nothing is restarted, and
# the growth of the daemons is measured. Prints each step, then a table of values that must be 0:
#
#   lost conversations on an uplink without a fault
#   answers with an address that did not work, later than 5 s after a fault of its uplink
#   packets that left to the wrong ISP
#   growth of descriptors, and of resident memory by more than 512 KiB
#
# The exit status is 0 if all are 0. The same SEED gives the same steps in the same order.
set -euo pipefail

MH_BUILD=$(dirname "$(dirname "$(readlink -f "$0")")")/build/release
export MH_BUILD
# shellcheck source=tests/e2e/lib.sh
. "$MH_BUILD/../../tests/e2e/lib.sh"
# shellcheck source=tests/e2e/routed.sh
. "$E2E_HERE/routed.sh"

MINUTES=${1:-}
SEED=${2:-$((RANDOM * 32768 + RANDOM))}
[[ $MINUTES =~ ^[1-9][0-9]*$ && $SEED =~ ^[0-9]+$ ]] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" && exit 2; }
[ -x "$ROUTED" ] && [ -x "$TOOLS/follow" ] || {
	echo "soak: build first: cmake --preset release && cmake --build --preset release" >&2
	exit 1
}
RANDOM=$SEED

GRACE_US=5000000 # until a line that fell silent is found dead, at the worst patience
N_LOST=0
N_ACTIONS=0
N_STRANGERS=0
declare -A HAPPENED=()

say() {
	printf '%(%H:%M:%S)T %s\n' -1 "$*"
}

random() {
	echo $((RANDOM % $1))
}

# ---- conversations -------------------------------------------------------------------------

# NAME UPLINK NODE HOST PORT [SOURCE]. The server's loopbacks choose the uplink.
CONVERSATIONS="
in-a    a outside @a 443
in-b    b outside @b 443
in6-a   a outside 2001:db8:a::1 443
in6-b   b outside 2001:db8:b::1 443
out-a   a web 203.0.113.10 7777 10.0.1.1
out-b   b web 203.0.113.10 7777 10.0.1.5
out6-a  a web 2001:db8:113::10 7777 2001:db8:c1::1
out6-b  b web 2001:db8:113::10 7777 2001:db8:c1::5
"

# The present address of an uplink, which may have changed.
address_of() {
	router_ip -4 -j address show dev "wan-$1" 2>/dev/null | jq -r 'first(.[0].addr_info[].local) // empty'
}

conversation_start() {
	local name=$1 up=$2 node=$3 host=$4
	shift 4
	[ "$host" != "@$up" ] || host=$(address_of "$up")
	lab_stop "$name" 2>/dev/null || true
	: >"$(lab_dir)/$name.log"
	lab_spawn "$node" "$name" "$TOOLS/talk" "$host" "$@"
}

# each_conversation UPLINK COMMAND...: the words of the line are its last arguments. UPLINK is a,
# b or all.
each_conversation() {
	local wanted=$1 line
	shift
	while read -r -a line <&3; do
		[ "${#line[@]}" -gt 0 ] || continue
		[ "$wanted" = all ] || [ "$wanted" = "${line[1]}" ] || continue
		"$@" "${line[@]}"
	done 3<<<"$CONVERSATIONS"
}

conversation_revive() {
	if talk_is_broken "$1" || ! wait_for 1 talk_said "$1" $(($(talk_lines "$1") + 2)) 2>/dev/null; then
		conversation_start "$@"
		wait_for 10 talk_said "$1" 3 || say "conversation $1 does not begin"
	fi
}

# A conversation on an uplink without a fault must go on.
conversation_check() {
	if ! wait_for 10 talk_said "$1" $(($(talk_lines "$1") + 2)) 2>/dev/null; then
		N_LOST=$((N_LOST + 1))
		say "LOST: $1: $(tail -n 1 "$(lab_dir)/$1.log")"
		conversation_start "$@"
	fi
}

# ---- faults --------------------------------------------------------------------------------

other_of() {
	[ "$1" = a ] && echo b || echo a
}

# note UPLINK begin|change|end: for the verdicts at the end.
note() {
	echo "$(now_us) $1 $2" >>"$(lab_dir)/happenings"
}

is_well() {
	has_state "isp-$1" up
}

all_well() {
	is_well a && is_well b && plan_is_empty
}

# After so many faults, the hold would grow to minutes: the operator ends it.
settle() {
	local up
	wait_for 4 all_well 2>/dev/null && return 0
	for up in a b; do
		is_well "$up" || routed_verb undrain "isp-$up" >/dev/null
	done
	wait_for 30 all_well || { say "NOT SETTLED:" && routed_verb status || true; }
}

# A fault of one uplink for some seconds. The other must not be disturbed.
break_uplink() {
	local kind=$1 up=$2 other
	shift 2
	other=$(other_of "$up")
	note "$up" begin
	lab_fault "$kind" "$up" "$@"
	sleep "$(random 6).$(random 10)"
	each_conversation "$other" conversation_check
	note "$up" change
	lab_heal "$kind" "$up"
	settle
	note "$up" end
	each_conversation "$other" conversation_check
	each_conversation "$up" conversation_revive
}

# The ISP gives another address of the same prefix for a while. isp-b has no other IPv4 address.
readdress() {
	if [ "$1" = a ]; then
		break_uplink address a 192.168.2.$((2 + $(random 3)))/29
	else
		break_uplink address b 2001:db8:b::$((10 + $(random 90)))/64
	fi
}

drain() {
	local up=$1
	note "$up" begin
	routed_verb drain "isp-$up" >/dev/null
	sleep 2
	each_conversation all conversation_check # drained is not broken
	routed_verb undrain "isp-$up" >/dev/null
	settle
	note "$up" end
}

# None of these may disturb a client.
reload() {
	case $1 in
	routed) routed_hup ;;
	dnsd) kill -HUP "$(dnsd_pid)" ;;
	esac
	sleep 1
}

restart() {
	case $1 in
	routed)
		lab_stop routed || true
		lab_spawn router routed "$ROUTED" run -c "$SITE" --runtime "$RUNTIME"
		;;
	dnsd)
		note a begin
		note b begin
		lab_stop dnsd || true
		dnsd_start >/dev/null
		note a end
		note b end
		;;
	esac
	settle
}

shoot() {
	local pid
	pid=$(cat "$(lab_dir)/$1.pid")
	kill -KILL "$pid" || true
	restart "$1"
}

act() {
	local up word
	up=$(random 2)
	up=${up/0/a}
	up=${up/1/b}
	[ $((RANDOM % 2)) -eq 0 ] && word=routed || word=dnsd
	case $(random 14) in
	0 | 1) set -- break_uplink carrier "$up" ;;
	2 | 3) set -- break_uplink silent "$up" ;;
	4) set -- break_uplink gateway "$up" ;;
	5) set -- break_uplink loss "$up" 8 ;;
	6 | 7) set -- readdress "$up" ;;
	8) set -- break_uplink no-address "$up" ;;
	9) set -- break_uplink interface "$up" ;;
	10) set -- drain "$up" ;;
	11) set -- reload "$word" ;;
	12) set -- restart "$word" ;;
	13) set -- shoot "$word" ;;
	esac
	if [ "$RESTARTS" = no ] && { [ "$1" = restart ] || [ "$1" = shoot ]; }; then
		set -- reload "$word"
	fi
	say "$*"
	N_ACTIONS=$((N_ACTIONS + 1))
	HAPPENED[$1]=$((${HAPPENED[$1]:-0} + 1))
	"$@"
	each_conversation all conversation_check
	look_for_strangers
}

# At the first packets with a foreign source: which fault was just before?
look_for_strangers() {
	local n
	n=$(n_strangers)
	[ "$n" -gt "$N_STRANGERS" ] || return 0
	say "LEAKED, $((n - N_STRANGERS)) packets; so far at isp-a: $(lab_strangers a) at isp-b: $(lab_strangers b)"
	N_STRANGERS=$n
}

n_strangers() {
	echo $(($(lab_counter a foreign) + $(lab_counter b foreign)))
}

# ---- verdicts ------------------------------------------------------------------------------

# Addresses that did not work although their uplink had no fault shortly before (GRACE_US), and
# answers that did not come from an uplink without a fault. The address of an answer tells the
# uplink.
judge_answers() {
	awk -v grace=$GRACE_US '
		function uplink(address) {
			if (address ~ /^(192\.168\.2\.|2001:db8:a:)/) return "a"
			if (address ~ /^(172\.16\.|2001:db8:b:)/) return "b"
			return "-"
		}
		function near(up, from, to,    i) {
			for (i = 1; i <= n; i++)
				if ((up == "-" || who[i] == up) && at[i] - grace / 5 <= to && at[i] + grace >= from)
					return 1
			return 0
		}
		function during(up, from,    i, since) {
			for (i = 1; i <= n; i++) {
				if (who[i] != up) continue
				if (what[i] == "begin") since = at[i]
				if (what[i] == "end" && since <= from && from <= at[i]) return 1
			}
			return 0
		}
		NR == FNR { at[++n] = $1; who[n] = $2; what[n] = $3; next }
		{ total++ }
		$5 == "dead" && !near(uplink($4), $1, $2) { bad++; print "BAD: " $0 >"/dev/stderr" }
		$5 == "silent" && !near(uplink($3), $1, $2) && !during(uplink($3), $1) { silent++; print "BAD: " $0 >"/dev/stderr" }
		END { print total + 0, bad + 0, silent + 0 }
	' "$(lab_dir)/happenings" <(cat "$(lab_dir)"/follow-*.log)
}

# Descriptors and resident KiB of a daemon at rest: the least of some samples.
size_of() {
	local pid
	pid=$(cat "$(lab_dir)/$1.pid")
	for _ in 1 2 3 4 5 6 7 8; do
		echo "$(find "/proc/$pid/fd" -maxdepth 1 -type l 2>/dev/null | wc -l) $(awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status")"
		sleep 0.25
	done | awk 'NR == 1 || $1 < fds { fds = $1 } NR == 1 || $2 < kb { kb = $2 } END { print fds, kb }'
}

# verdict NAME VALUE [LIMIT]
verdict() {
	local mark=ok
	[ "$2" -le "${3:-0}" ] || { mark=BAD && N_NOT_OK=$((N_NOT_OK + 1)); }
	printf '%-60s %10s  %s\n' "$1" "$2" "$mark"
}

# ---- all of it -----------------------------------------------------------------------------

soak_site() {
	routed_edit '/^probing:/,/^$/d' 's/failback: .*/failback: 1s/'
}

followers_start() {
	local name server
	for name in www.example.com all.www.example.com; do
		for server in 192.168.2.1 172.16.1.1 2001:db8:a::1 2001:db8:b::1; do
			lab_spawn outside "follow-${name%%.*}-${server//[.:]/_}" "$TOOLS/follow" "$server" "$name" 80 500
		done
	done
}

phase() {
	local until=$1
	while [ "$(date +%s)" -lt "$until" ]; do
		act
	done
}

report() {
	local daemon total bad silent
	local -A begun=() ended=()
	for daemon in routed dnsd; do
		ended[$daemon]=$(size_of "$daemon")
		begun[$daemon]=${BEGUN[$daemon]}
	done
	read -r total bad silent < <(judge_answers)
	echo
	echo "$N_ACTIONS things happened: $(for daemon in "${!HAPPENED[@]}"; do printf '%s %d  ' "$daemon" "${HAPPENED[$daemon]}"; done)"
	echo "$total addresses were asked for and tried"
	verdict "conversations lost on a healthy uplink" "$N_LOST"
	verdict "answers with an address that did not work" "$bad"
	verdict "questions without an answer on a healthy uplink" "$silent"
	verdict "packets to the wrong ISP" "$(n_strangers)"
	for daemon in routed dnsd; do
		verdict "growth of $daemon, descriptors (${begun[$daemon]%% *} at first)" $((${ended[$daemon]%% *} - ${begun[$daemon]%% *}))
		verdict "growth of $daemon, KiB (${begun[$daemon]##* } at first)" $((${ended[$daemon]##* } - ${begun[$daemon]##* })) 512
	done
}

main() {
	local start daemon
	say "soak: $MINUTES minutes, seed $SEED"
	scenario --routed --no-servers
	routed_servers
	soak_site
	: >"$(lab_dir)/happenings"
	routed_start
	dnsd_start
	settle
	each_conversation all conversation_start
	each_conversation all conversation_check
	followers_start
	start=$(date +%s)
	RESTARTS=yes
	phase $((start + MINUTES * 40))
	RESTARTS=no
	settle
	for daemon in routed dnsd; do
		BEGUN[$daemon]=$(size_of "$daemon")
	done
	phase $((start + MINUTES * 60))
	settle
	report
	[ "$N_NOT_OK" -eq 0 ]
}

declare -A BEGUN=()
main
