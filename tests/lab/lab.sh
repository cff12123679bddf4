# lab.sh - the reference site in network namespaces: up, exec, down
#
# Sourced by tests/lab/lab (the command), tests/demo.sh and the scenarios of tests/e2e. Every
# namespace is called LAB-NODE, and LAB has a process id in it (mh4242-router), so that labs
# never collide. Files are in /run/multihomed-lab/LAB. Only processes inside our own namespaces
# are ended.
#
#                          inet (hosts 192.0.2.53 .54 .80, routes)
#            .---------------+----------+-----------+----------.
#         isp-a            isp-b      parent     resolver    outside
#   192.168.2.6/29    172.16.1.2/30   NSD        unbound     a client
#            |               |
#          wan-a           wan-b
#            '--- router ----'
#                  | lan0 10.0.0.1/24
#                 lan (a switch)
#              .---+----.
#             web     lanhost
#     10.0.0.10       10.0.0.20
#     lo 10.0.1.1 10.0.1.5
#
# topology.sh lays the cables, faults.sh breaks them, servers.sh runs NSD, unbound and dnsd,
# machine.sh boots systemd on a node.
# shellcheck shell=bash

LAB_HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# shellcheck source=tests/signals.sh
. "$LAB_HERE/../signals.sh"
LAB_ROOT=/run/multihomed-lab
LAB_NODES=(inet isp-a isp-b parent resolver outside router lan web lanhost)

LAB=${LAB:-}
LAB_IPV6=yes	     # no: neither the uplinks nor the LAN have IPv6 addresses
LAB_SOURCE_RULES=yes # no: routed makes the router's routes, rules and forwarding
LAB_SERVERS=yes	     # no: neither parent name server nor resolver
LAB_PAIR=no	     # yes: two routers, and addresses that belong to both; see topology.sh
LAB_0X20=yes	     # no: the resolver keeps the case of names, as most do

# shellcheck source=tests/lab/topology.sh
. "$LAB_HERE/topology.sh"
# shellcheck source=tests/lab/faults.sh
. "$LAB_HERE/faults.sh"
# shellcheck source=tests/lab/servers.sh
. "$LAB_HERE/servers.sh"
# shellcheck source=tests/lab/machine.sh
. "$LAB_HERE/machine.sh"

lab_die() {
	echo "lab: $*" >&2
	exit 1
}

lab_dir() {
	echo "$LAB_ROOT/$LAB"
}

lab_ns() {
	echo "$LAB-$1"
}

# lab_exec NODE COMMAND...: runs the command on the node.
lab_exec() {
	local node=$1
	shift
	ip netns exec "$LAB-$node" "$@"
}

# lab_ip NODE: lines for `ip -batch`, from standard input.
lab_ip() {
	ip -n "$LAB-$1" -batch -
}

# wait_for SECONDS COMMAND...: waits until the command succeeds, or says which one did not.
# A function with several commands joins them by &&: set -e has no effect in a condition.
# Scenarios set LAB_PATIENCE, a factor: they state that it happens, not how fast, and a machine
# may be busy.
wait_for() {
	local seconds=$(($1 * ${LAB_PATIENCE:-1})) end
	shift
	end=$((${EPOCHREALTIME/[.,]/} + seconds * 1000000))
	until "$@" >/dev/null 2>&1; do
		if [ "${EPOCHREALTIME/[.,]/}" -ge "$end" ]; then
			echo "waited $seconds s in vain for: $*" >&2
			return 1
		fi
		sleep 0.02
	done
}

lab_check_name() {
	[[ $LAB =~ ^[A-Za-z0-9]{1,24}$ ]] || lab_die "a lab is named with letters and digits, not '$LAB'"
}

lab_up() {
	LAB=${LAB:-mh$$}
	lab_check_name
	[ "$LAB_PAIR" = no ] || LAB_NODES+=(router2)
	[ "$(id -u)" -eq 0 ] || lab_die "network namespaces need root: try sudo"
	[ ! -e "$(lab_dir)" ] || lab_die "lab $LAB is up already; take it down with: lab down --name $LAB"

	mkdir -p "$(lab_dir)"
	lab_save
	lab_build
	if [ "$LAB_SERVERS" = yes ]; then
		lab_start_parent
		lab_start_resolver
	fi
}

# The settings for later calls of the command.
lab_save() {
	declare -p LAB_IPV6 LAB_SOURCE_RULES LAB_SERVERS LAB_PAIR >"$(lab_dir)/settings"
}

lab_load() {
	lab_check_name
	[ -e "$(lab_dir)/settings" ] || lab_die "there is no lab called $LAB; those up: $(lab_list | paste -sd' ' | grep . || echo none)"
	# the file declares, and inside a function that would make locals
	# shellcheck disable=SC1090
	. <(sed 's/^declare --/declare -g --/' "$(lab_dir)/settings")
	[ "$LAB_PAIR" = no ] || LAB_NODES+=(router2)
}

lab_list() {
	local dir
	for dir in "$LAB_ROOT"/*/; do
		[ ! -e "$dir" ] || basename "$dir"
	done
}

# All processes in the namespaces of the lab.
lab_pids() {
	local node
	for node in "${LAB_NODES[@]}"; do
		ip netns pids "$LAB-$node" 2>/dev/null || true
	done
}

lab_signal() {
	local pid
	for pid in $(lab_pids); do
		[ "$pid" = $$ ] || kill "-$1" "$pid" 2>/dev/null || true
	done
}

lab_is_quiet() {
	[ -z "$(lab_pids)" ]
}

# May be called at any moment, also in the middle of lab_up, and twice. No signal interrupts it:
# it takes three seconds at most.
lab_down() {
	local node
	[ -n "$LAB" ] || return 0
	trap '' INT TERM HUP
	lab_unplug
	lab_signal TERM
	wait_for 3 lab_is_quiet 2>/dev/null || lab_signal KILL
	for node in "${LAB_NODES[@]}"; do
		ip netns del "$LAB-$node" 2>/dev/null || true
	done
	rm -rf "${LAB_ROOT:?}/$LAB"
}

# For scripts: the lab goes down at every kind of end of the script.
lab_down_at_exit() {
	trap lab_down EXIT
	exit_on_signals
}
