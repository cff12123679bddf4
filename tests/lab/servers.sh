# servers.sh - the lab's name servers: NSD as the parent, unbound as the resolver, dnsd
#
# Part of lab.sh. The parent serves a small root and com beside example.com, so that the resolver
# starts from its root hints as on the Internet.
# shellcheck shell=bash

PARENT_ADDR=198.51.100.53
RESOLVER_ADDR=192.0.2.10

# lab_spawn NODE NAME COMMAND...: runs it on the node in the background. The files NAME.pid and
# NAME.log are in the lab's folder.
lab_spawn() {
	local node=$1 name=$2
	shift 2
	# not by lab_exec: a function in the background runs in another shell, and we want the
	# pid of the program
	ip netns exec "$LAB-$node" "$@" </dev/null >>"$(lab_dir)/$name.log" 2>&1 &
	echo $! >"$(lab_dir)/$name.pid"
}

# lab_stop NAME [SIGNAL]: ends it and waits. Returns its exit status if it is our child.
lab_stop() {
	local pid status=0
	pid=$(cat "$(lab_dir)/$1.pid" 2>/dev/null) || return 0
	rm -f "$(lab_dir)/$1.pid"
	kill "-${2:-TERM}" "$pid" 2>/dev/null || true
	if ! wait_for 5 process_is_gone "$pid"; then
		kill -KILL "$pid" 2>/dev/null || true
		status=1
	fi
	wait "$pid" 2>/dev/null || status=$?
	[ "$status" -ne 127 ] || status=0 # not our child: its status cannot be read
	return "$status"
}

# Ended processes stay as zombies until their parent reads them.
process_is_gone() {
	local state
	state=$(sed -n 's/^State:[[:space:]]*\([A-Z]\).*/\1/p' "/proc/$1/status" 2>/dev/null) || true
	[ -z "$state" ] || [ "$state" = Z ]
}

# lab_dig NODE ARGUMENT...: dig there, short, one try.
lab_dig() {
	local node=$1
	shift
	lab_exec "$node" dig +time=2 +tries=1 "$@"
}

lab_start_parent() {
	local dir zone
	dir=$(lab_dir)/parent
	mkdir -p "$dir"
	for zone in root com example.com; do
		cp -n "$LAB_HERE/zones/$zone.zone" "$dir/"
	done
	[ -e "$dir/delegation" ] || lab_default_delegation >"$dir/delegation"
	cat >"$dir/nsd.conf" <<-END
		server:
		  server-count: 1
		  username: ""
		  chroot: ""
		  zonesdir: "$dir"
		  database: ""
		  zonelistfile: "$dir/zone.list"
		  xfrdfile: "$dir/xfrd.state"
		  xfrdir: "$dir"
		  pidfile: "$dir/nsd.pid"
		  rrl-ratelimit: 0
		remote-control:
		  control-enable: no
	END
	for zone in . com example.com; do
		printf 'zone:\n  name: "%s"\n  zonefile: "%s.zone"\n' "$zone" "${zone/#./root}"
	done >>"$dir/nsd.conf"
	lab_spawn parent nsd nsd -d -c "$dir/nsd.conf"
	wait_for 5 lab_parent_answers || lab_die "NSD does not answer: $(tail -n 5 "$(lab_dir)/nsd.log")"
}

lab_parent_answers() {
	lab_dig parent +time=1 "@$PARENT_ADDR" example.com SOA +short | grep -q .
}

# The delegation of the host zone in the parent zone: two NS records, and the addresses of their
# names, which are records of the parent.
lab_default_delegation() {
	cat <<-END
		www.example.com.      300 IN NS   www-ns1.example.com.
		www.example.com.      300 IN NS   www-ns2.example.com.
		www-ns1.example.com.  300 IN A    ${UPLINK_ADDR[a]%/*}
		www-ns2.example.com.  300 IN A    ${UPLINK_ADDR[b]%/*}
	END
	[ "$LAB_IPV6" = no ] || cat <<-END
		www-ns1.example.com.  300 IN AAAA ${UPLINK_ADDR6[a]%/*}
		www-ns2.example.com.  300 IN AAAA ${UPLINK_ADDR6[b]%/*}
	END
}

# lab_delegate FILE: puts these records into the parent zone instead. The parent must accept
# them. The resolver forgets all that it knew.
lab_delegate() {
	local dir
	dir=$(lab_dir)/parent
	cp "$1" "$dir/delegation"
	(cd "$dir" && nsd-checkzone example.com example.com.zone) || return 1
	lab_stop nsd || true
	lab_start_parent
	lab_stop unbound || true
	lab_start_resolver
}

# With 0x20, unbound takes three time-outs as a sign that the server changes the case of names.
# It then asks every address three times, and wants the same answer from all. So a cut uplink
# must not cost three time-outs: it costs at most two while it has one address in the delegation,
# but may cost four with IPv4 and IPv6.
# Debian's AppArmor profile allows /usr/sbin/unbound its own folders only, so we run a copy.
lab_start_resolver() {
	local dir
	dir=$(lab_dir)/resolver
	mkdir -p "$dir"
	cp -n /usr/sbin/unbound "$dir/"
	cat >"$dir/root.hints" <<-END
		.                       3600000 NS a.root-servers.example.
		a.root-servers.example. 3600000 A  $PARENT_ADDR
	END
	cat >"$dir/unbound.conf" <<-END
		server:
		  interface: $RESOLVER_ADDR
		  interface: 127.0.0.1
		  access-control: 0.0.0.0/0 allow
		  username: ""
		  chroot: ""
		  directory: "$dir"
		  pidfile: "$dir/unbound.pid"
		  use-syslog: no
		  logfile: ""
		  module-config: "iterator"
		  root-hints: "$dir/root.hints"
		  use-caps-for-id: $LAB_0X20
		  qname-minimisation: yes
		  qname-minimisation-strict: yes
		  num-threads: 1
		remote-control:
		  control-enable: no
	END
	lab_spawn resolver unbound "$dir/unbound" -d -c "$dir/unbound.conf"
	wait_for 5 lab_resolver_answers || lab_die "unbound does not answer: $(tail -n 5 "$(lab_dir)/unbound.log")"
}

lab_resolver_answers() {
	lab_dig resolver +time=1 @127.0.0.1 example.com SOA +short | grep -q .
}

# lab_start_dnsd DNSD SITE [OPTION...]: on the router. Waits until it says that it is ready.
lab_start_dnsd() {
	local program=$1 site=$2
	shift 2
	lab_spawn router dnsd "$program" run -c "$site" --runtime "$(lab_dir)/run" "$@"
	if ! wait_for 10 lab_dnsd_is_ready "$program" "$site"; then
		cat "$(lab_dir)/dnsd.log" >&2
		return 1
	fi
}

lab_dnsd_is_ready() {
	lab_exec router "$1" status -c "$2" --runtime "$(lab_dir)/run" --json
}
