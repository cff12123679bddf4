# machine.sh - a node of the lab that runs systemd, for units and packages as on a real router
#
# Part of lab.sh. `lab_boot NODE` boots the installed systemd in the node's network namespace,
# with its own pids, mounts, cgroup and root. What is installed, written or started there ends
# with the lab. Only the lab's folder is the same inside and outside.
# shellcheck shell=bash

lab_machine_dir() {
	echo "$(lab_dir)/machine-$1"
}

lab_cgroup2() {
	awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts
}

# lab_boot NODE: boots it, and waits until it is up.
lab_boot() {
	local node=$1 dir cgroup
	dir=$(lab_machine_dir "$node")
	cgroup=$(lab_cgroup2)
	[ -n "$cgroup" ] || lab_die "no cgroup2 is mounted here, which systemd needs"
	mkdir -p "$dir" "$cgroup/$LAB-$node"
	# not by ip netns exec, which hides the cgroups
	bash -c "echo \$\$ >'$cgroup/$LAB-$node/cgroup.procs' && exec \"\$@\"" - \
		nsenter --net="/run/netns/$LAB-$node" \
		unshare --cgroup --mount --pid --uts --ipc --fork --kill-child \
		"$LAB_HERE/machine-init.sh" "$dir" "$(lab_dir)" </dev/null >"$dir.log" 2>&1 &
	echo $! >"$dir.pid"
	wait_for 20 lab_has_booted "$node" || lab_die "systemd does not come up: $(tail -n 5 "$dir.log")"
}

# lab_on NODE COMMAND...: on that machine, with the machine's environment.
lab_on() {
	local node=$1 init
	shift
	init=$(pgrep -P "$(cat "$(lab_machine_dir "$node").pid")") || return 1
	nsenter -t "$init" -a env -i HOME=/root LC_ALL=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# The machine is up, and no unit has failed.
lab_has_booted() {
	[ "$(lab_on "$1" systemctl is-system-running)" = running ]
}

# The machines of the lab are switched off; their cgroups go with them.
lab_unplug() {
	local pid cgroup node group
	cgroup=$(lab_cgroup2)
	for pid in "$(lab_dir)"/machine-*.pid; do
		[ -e "$pid" ] || continue
		node=${pid##*/machine-}
		pkill -KILL -P "$(cat "$pid")" 2>/dev/null || true
		wait_for 3 process_is_gone "$(cat "$pid")" 2>/dev/null || true
		rm -f "$pid"
		group=$cgroup/$LAB-${node%.pid}
		[ ! -d "$group" ] || wait_for 3 lab_cgroup_is_gone "$group" 2>/dev/null || true
	done
}

lab_cgroup_is_gone() {
	find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
	[ ! -d "$1" ]
}
