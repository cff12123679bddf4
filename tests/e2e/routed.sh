# routed.sh - what the scenarios of routed share, besides lib.sh
#
# A scenario of routed begins like this:
#
#     . "$(dirname "$(readlink -f "$0")")/../lib.sh"
#     . "$E2E_HERE/routed.sh"
#     routed_scenario                   # reference/routed.yaml, or the folder's own
#     routed_start
#
# The router starts bare: addresses on its interfaces, but no route, rule or forwarding. Web
# servers on `web` (80, 443, 5060), `lanhost` (80) and `outside` (80, 7777) answer with the
# address at which they were reached. `inet` answers the probes.
# shellcheck shell=bash
# shellcheck disable=SC2034 # constants for the scenarios

ROUTED=$MH_BUILD/bin/routed
OUTSIDE=203.0.113.10
OUTSIDE6=2001:db8:113::10
# connection marks of routing.mark 0xff00: the uplink, and the direction. 0x4000 (an inbound
# connection was answered) is ignored
MARK_OUT_A=0x100 MARK_OUT_B=0x200 MARK_IN_A=0x8100 MARK_IN_B=0x8200
ROUTED_STATUS=0

routed_scenario() {
	scenario --routed --no-servers "$@"
	routed_servers
}

routed_servers() {
	lab_spawn web web "$TOOLS/server" '*' 80 443 5060
	lab_spawn lanhost lanweb "$TOOLS/server" '*' 80
	lab_spawn outside outweb "$TOOLS/server" '*' 80 7777 25
	lab_spawn inet probed-dns "$TOOLS/server" 192.0.2.53 53
	lab_spawn inet probed-tcp "$TOOLS/server" 192.0.2.80 443
	wait_for 5 page web 127.0.0.1
	wait_for 5 page lanhost 127.0.0.1
	wait_for 5 page outside 127.0.0.1
}

# routed_edit SED-EXPRESSION...: edits the scenario's site.yaml.
routed_edit() {
	local expression
	for expression in "$@"; do
		sed -i "$expression" "$SITE"
	done
}

routed_spawn() {
	lab_spawn router routed "$ROUTED" run -c "$SITE" --runtime "$RUNTIME"
}

# Starts routed and waits until both uplinks are up. "routed_start any" waits only until it
# answers.
routed_start() {
	local until=routed_is_settled
	[ "${1:-}" != any ] || until=routed_answers
	routed_spawn
	if ! wait_for 10 "$until"; then
		routed_verb status || true
		echo "not ok routed starts"
		N_NOT_OK=$((N_NOT_OK + 1))
		scenario_end
	fi
}

routed_verb() {
	local verb=$1
	shift
	lab_exec router "$ROUTED" "$verb" -c "$SITE" --runtime "$RUNTIME" "$@"
}

routed_answers() {
	routed_verb status --json
}

routed_is_settled() {
	has_state isp-a up && has_state isp-b up && plan_is_empty
}

routed_pid() {
	cat "$(lab_dir)/routed.pid"
}

routed_hup() {
	kill -HUP "$(routed_pid)"
}

# Returns when the new configuration is active, however busy the machine is. After a signal, an
# empty plan may still be that of the old configuration.
routed_reload() {
	routed_verb reload
}

routed_log_has() {
	grep -qE -- "$1" "$(lab_dir)/routed.log"
}

# Ends routed. States that it ended well, and that the sanitizers found nothing.
routed_end() {
	ROUTED_STATUS=0
	lab_stop routed || ROUTED_STATUS=$?
	fact "routed ends cleanly" routed_ended_cleanly
}

routed_ended_cleanly() {
	expect "exit status" "$ROUTED_STATUS" 0
	fails grep -E 'ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|SUMMARY:' "$(lab_dir)/routed.log"
}

# ---- what routed says ----------------------------------------------------------------------

# status_of UPLINK KEY
status_of() {
	routed_verb status --json | jq -r --arg name "$1" --arg key "$2" \
		'.uplinks[] | select(.name == $name) | .[$key]'
}

has_state() {
	[ "$(status_of "$1" state)" = "$2" ]
}

# For IPv4: an uplink may be active for one family only.
is_active() {
	[ "$(status_of "$1" active_ipv4)" = true ]
}

is_not_active() {
	[ "$(status_of "$1" active_ipv4)" = false ]
}

plan_is_empty() {
	[ -z "$(routed_verb plan)" ]
}

expect_empty_plan() {
	wait_for 5 plan_is_empty || { routed_verb plan && return 1; }
}

# ---- pages: which address was reached, and from which address --------------------------------

# page NODE HOST[:PORT] [CURL-OPTION...]: prints the server's page: "local X from Y".
page() {
	local node=$1 host=$2
	shift 2
	lab_exec "$node" curl -sS --noproxy '*' --max-time 2 "$@" "http://$host/"
}

# expect_page NODE HOST LOCAL FROM [CURL-OPTION...]
expect_page() {
	local node=$1 host=$2 want="local $3 from $4"
	shift 4
	expect "the page of $host, asked from $node $*" "$(page "$node" "$host" "$@" 2>&1)" "$want"
}

page_is() {
	expect_page "$@" >/dev/null
}

no_page() {
	fails page "$@"
}

# leaves_as NODE SOURCE [CURL-OPTION...]: the source that `outside` sees of a new connection.
leaves_as() {
	local node=$1 source=$2
	shift 2
	expect_page "$node" $OUTSIDE $OUTSIDE "$source" "$@"
}

# datagram NODE HOST PORT: prints the server's answer to one datagram.
datagram() {
	lab_exec "$1" timeout 2 "$TOOLS/talk" -u "$2" "$3" 2>/dev/null | head -n 1 |
		sed -E 's/^ *[0-9]+ (.*) line [0-9]+$/\1/'
}

expect_datagram() {
	expect "the datagram from $1 to $2 port $3" "$(datagram "$1" "$2" "$3")" "local $4 from $5"
}

# ---- conversations that go on --------------------------------------------------------------

# talk_start NAME NODE [-u] HOST PORT: starts one, and waits until the first lines come back.
talk_start() {
	local name=$1 node=$2
	shift 2
	: >"$(lab_dir)/$name.log"
	lab_spawn "$node" "$name" "$TOOLS/talk" "$@"
	wait_for 5 talk_said "$name" 3
}

talk_lines() {
	wc -l <"$(lab_dir)/$1.log"
}

talk_said() {
	[ "$(talk_lines "$1")" -ge "$2" ]
}

talk_is_broken() {
	grep -q '^broken:' "$(lab_dir)/$1.log"
}

# The conversation goes on: some more lines come back.
talk_lives() {
	! talk_is_broken "$1" || { tail -n 3 "$(lab_dir)/$1.log" && return 1; }
	wait_for 8 talk_said "$1" $(($(talk_lines "$1") + 10))
}

# talk_gap NAME: the longest time between two lines, in ms.
talk_gap() {
	awk '$1 > max { max = $1 } END { print max + 0 }' "$(lab_dir)/$1.log"
}

# talk_undisturbed NAME MS: no pause was longer.
talk_undisturbed() {
	talk_lives "$1"
	[ "$(talk_gap "$1")" -le "$2" ] || { echo "$1 paused for $(talk_gap "$1") ms" && return 1; }
}

# ---- the kernel ----------------------------------------------------------------------------

router_ip() {
	ip -n "$LAB-router" "$@"
}

# flows MARK: how many connections have the mark, without those of the router itself. If the
# server goes on sending into a deleted connection, that makes an entry of its own, which leads
# nowhere.
flows() {
	lab_exec router conntrack -L -m "$1/0xbf00" 2>/dev/null | grep -v 'ESTABLISHED.*UNREPLIED' |
		grep -vcE '^[^=]*( [A-Z_]+)? src=(192\.168\.2\.|172\.16\.|2001:db8:[ab]:)' || true
}

flows_are() {
	[ "$(flows "$1")" -eq "$2" ]
}

has_flows() {
	[ "$(flows "$1")" -gt 0 ]
}

# way_out FROM IIF TO: the interface by which a forwarded packet leaves, or why it does not leave.
way_out() {
	router_ip route get "$3" from "$1" iif "$2" 2>&1 |
		sed -nE 's/.* dev ([^ ]+).*/\1/p; s/^RTNETLINK answers: (.*)/\1/p' | head -n 1
}

# The state of routing and NAT in the router's kernel, without counters and ages.
kernel_dump() {
	local family
	for family in -4 -6; do
		router_ip "$family" rule
		router_ip "$family" route show table all | grep -v ' table local ' |
			sed -E 's/ expires [0-9]+sec//'
	done
	router_ip link | sed -nE 's/^[0-9]+: ([^:@]+).* group ([^ ]+).*/\1 group \2/p'
	lab_exec router nft -s list ruleset | without_counts
}

# Removes the sets that packets fill.
without_counts() {
	sed '/set a[a-z]*[46] {/,/^\t}/d'
}

# connects_start NAME NODE HOST PORT: begins a connection every 10 ms, and waits for the first.
connects_start() {
	local name=$1 node=$2
	shift 2
	: >"$(lab_dir)/$name.log"
	lab_spawn "$node" "$name" "$TOOLS/connects" "$@"
	wait_for 5 talk_said "$name" 3
}

# connects_gap NAME: the longest time without a new connection, in ms: from the start of one that
# succeeded until a later one was established. A connection may be late, by TCP's second try.
connects_gap() {
	sort -n "$(lab_dir)/$1.log" | awk '{ begun[NR] = $1; there[NR] = $2 }
		END {
			for (i = NR; i > 0; i--) {
				if (i < NR && next_there - begun[i] > max) max = next_there - begun[i]
				if (i == NR || there[i] < next_there) next_there = there[i]
			}
			print int(max / 1000)
		}'
}

# measured_since MICROSECONDS WHAT: for the log; see fact.
measured_since() {
	echo "measured: $2 after $(((${EPOCHREALTIME/[.,]/} - $1) / 1000)) ms"
}

now_us() {
	echo "${EPOCHREALTIME/[.,]/}"
}
