# pair.sh - what the scenarios with both daemons share, beside lib.sh and routed.sh
# shellcheck shell=bash

NAME=www.example.com
INSIDE=10.0.0.1 # the router on the LAN: its view is reached whatever happens to the uplinks
A=192.168.2.1
B=172.16.1.1

# dnsd_says JQ-FILTER: of its status.
dnsd_says() {
	dnsd_verb status --json | jq -r "$1"
}

dnsd_says_so() {
	[ "$(dnsd_says "$1")" = true ]
}

# view_is UPLINK STATE SOURCE: the state that dnsd uses, and who reported it.
view_is() {
	dnsd_says_so "any(.views[]; .name == \"$1\" and .state == \"$2\" and .source == \"$3\")"
}

why_of_view() {
	dnsd_says ".views[] | select(.name == \"$1\") | .why"
}

follows() {
	dnsd_says_so '.routed.connected'
}

# offered ADDRESS...: the addresses of usable uplinks, as answered in the LAN.
offered() {
	answers lanhost $INSIDE "mail.$NAME" A "$(echo "$@" | tr ' ' '\n' | sort | paste -sd' ')"
}

# From here on, the answers are watched from the LAN without a pause.
changes_start() {
	: >"$(lab_dir)/changes.log"
	lab_spawn lanhost changes "$TOOLS/changes" $INSIDE "mail.$NAME"
	wait_for 5 talk_said changes 1
}

# All answers since then, in their order: "ADDRESSES; ADDRESSES".
changes_end() {
	lab_stop changes || true
	cut -d' ' -f2- "$(lab_dir)/changes.log" | paste -sd';' | sed 's/;/; /g'
}

# expect_changes WANTED: the end of that list.
expect_changes() {
	expect "answers that there were" "$(changes_end)" "$1"
}

# The time of day, in microseconds, at which the answer last changed to that one.
changed_at() {
	grep -E "^[0-9]+ $1\$" "$(lab_dir)/changes.log" | tail -n 1 | cut -d' ' -f1
}

serial_of() {
	ask "$1" "$2" $NAME SOA +short | awk '{ print $3 }'
}

# Prints the serial, which must be the same in every view.
serial() {
	local serial
	serial=$(serial_of lanhost $INSIDE)
	expect "serial of isp-a's view" "$(serial_of web $A)" "$serial" >&2
	expect "serial of isp-b's view" "$(serial_of web $B)" "$serial" >&2
	echo "$serial"
}
