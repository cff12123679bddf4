#!/usr/bin/env bash
# demo.sh - shows what multihomed does, on a site in network namespaces of this machine
#
# Usage: sudo tests/demo.sh [--keep]
#
# Installs missing packages of tests/packages.txt, builds, brings the reference site up in network
# namespaces, starts routed and dnsd on its router, asks for names, fetches pages, cuts uplinks and
# drains one. It changes nothing outside the namespaces, and takes all down at the end, also after
# an interrupt. --keep leaves the site up.
set -euo pipefail

TOP=$(dirname "$(dirname "$(readlink -f "$0")")")
cd "$TOP"
# shellcheck source=tests/packages.sh
. tests/packages.sh
# shellcheck source=tests/build.sh
. tests/build.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

KEEP=no
BUILD_LOG=
NAME=www.example.com
DNSD=build/release/bin/dnsd
ROUTED=build/release/bin/routed
WEB=build/release/tests/e2e/server
OUTSIDE=203.0.113.10
SITE=zones/site.yaml

heading() {
	printf '\n\033[1m%s\033[0m\n' "$*" | plain_unless_tty
}

plain_unless_tty() {
	if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi
}

say() {
	printf '\n'
	printf '  %s\n' "$@"
}

# show NODE COMMAND...: prints the command as a user would type it, and its output.
show() {
	local node=$1
	shift
	printf '\n  %s$ %s\n' "$node" "$*"
	lab_exec "$node" "$@" | sed -e '/^; <<>>/d' -e '/^; (1 server/d' -e '/^;; global options/d' -e '/^;; WARNING: recursion/d' |
		cat -s | sed -e '1{/^$/d}' -e 's/^/    /' | sed '/^ *$/d'
}

prepare() {
	packages_install
	BUILD_LOG=$(mktemp)
	printf 'Building ... '
	if ! build_targets release dnsd routed server >"$BUILD_LOG" 2>&1; then
		echo "failed:"
		tail -n 40 "$BUILD_LOG"
		exit 1
	fi
	rm -f "$BUILD_LOG"
	printf 'done. Bringing the site up ... '
	# the lab uses the address family of the example
	LAB_IPV6=no LAB_SOURCE_RULES=no lab_up
	lab_spawn web web "$TOP/$WEB" '*' 80
	lab_spawn outside outweb "$TOP/$WEB" '*' 80
	lab_spawn inet probed-dns "$TOP/$WEB" 192.0.2.53 53
	lab_spawn inet probed-tcp "$TOP/$WEB" 192.0.2.80 443
	lab_spawn router routed "$TOP/$ROUTED" run -c "$TOP/$SITE" --runtime "$(lab_dir)/run"
	wait_for 10 routed_uses isp-a
	wait_for 10 routed_says_of isp-b '.state == "up"'
	lab_start_dnsd "$TOP/$DNSD" "$TOP/$SITE"
	echo "done."
}

chapter_site() {
	heading "The site"
	cat <<-'END'

		                     the Internet
		       parent name server, resolver, a client "outside"
		              |                        |
		            isp-a                    isp-b
		         192.168.2.6               172.16.1.2
		              |                        |
		      wan-a 192.168.2.1        wan-b 172.16.1.1
		              '--------- router -------'      routed and dnsd run here
		                           | lan0 10.0.0.1
		                    .------+------.
		                   web         lanhost
		                10.0.0.10     10.0.0.20
		        loopbacks 10.0.1.1
		              and 10.0.1.5
	END
	say "Two ISPs, one address from each, no BGP. Each ISP drops what carries the" \
		"other's addresses. The name $NAME is delegated to the router" \
		"itself, with one name server per uplink."
}

chapter_views() {
	heading "1. The same question over each uplink"
	say "Each uplink answers with its own address: who reached us over a link" \
		"gets an address that works over that link."
	show outside dig +norecurse +nocookie +nostats @192.168.2.1 $NAME
	show outside dig +norecurse +nocookie +nostats @172.16.1.1 $NAME
}

chapter_resolver() {
	heading "2. Through a real resolver"
	say "unbound, starting at the root, asks the parent zone, which knows nothing" \
		"but the delegation, and then one of our two addresses."
	show outside dig +norecurse +noall +authority +additional @$PARENT_ADDR $NAME
	show outside dig +nocookie +nostats @$RESOLVER_ADDR $NAME
}

chapter_pages() {
	heading "3. Pages over both uplinks, and out of the LAN"
	say "Each uplink's port 80 is forwarded to the server's loopback of that" \
		"uplink; by its source address the answer finds the same way back. The" \
		"server says at which of its addresses it was reached, and from where." \
		"What leaves the LAN carries the address of the uplink in use."
	show outside curl -s http://192.168.2.1/
	show outside curl -s http://172.16.1.1/
	show lanhost curl -s http://$OUTSIDE/
}

# The site is not in its usual place. The shown command leaves that out.
at_routed() {
	lab_exec router "$ROUTED" "$@" -c "$SITE" --runtime "$(lab_dir)/run"
}

# routed_says_of UPLINK FILTER: a jq filter on the uplink's status.
routed_says_of() {
	at_routed status --json |
		jq -e ".uplinks[] | select(.name == \"$1\") | $2" >/dev/null
}

routed_uses() {
	routed_says_of "$1" .active
}

show_uplinks() {
	printf '\n  router$ %s status\n' "$ROUTED"
	at_routed status |
		sed -n '/^UPLINK *STATE/,/^$/p' | sed -e '/^$/d' -e 's/^/    /'
}

# How long it takes until a host in the LAN gets its next page, one try after the other.
show_gap() {
	local start=${EPOCHREALTIME/[.,]/}
	until lab_exec lanhost curl -s -m 0.3 -o /dev/null http://$OUTSIDE/; do :; done
	say "The next page from the LAN took $(((${EPOCHREALTIME/[.,]/} - start) / 1000)) ms."
}

chapter_cut() {
	heading "4. isp-a is cut"
	say "The cable is out. New connections go over isp-b; those that were bound to" \
		"isp-a are ended, so that programs begin anew."
	lab_fault carrier a
	show_gap
	show lanhost curl -s http://$OUTSIDE/
	show_uplinks
	say "The resolver, its cache empty, reaches nobody over isp-a and somebody over" \
		"isp-b: whatever it tries first, the address that it finds is one that works."
	forget
	show outside dig +nocookie +noall +answer +stats +time=2 +tries=8 @$RESOLVER_ADDR $NAME
}

chapter_other_cut() {
	heading "5. isp-a is back"
	say "It must stay good for 10 seconds before it is used again."
	lab_heal carrier a
	wait_for 20 routed_uses isp-a
	show_uplinks
	show lanhost curl -s http://$OUTSIDE/

	heading "6. isp-b is cut beyond the ISP's router"
	say "Nothing on our side shows it: carrier and gateway are there. Names work all" \
		"the same, since only answers over isp-a arrive; and the probes notice."
	lab_fault silent b
	wait_for 10 routed_says_of isp-b '.state == "down"'
	show_uplinks
	forget
	show outside dig +nocookie +noall +answer +stats +time=2 +tries=8 @$RESOLVER_ADDR $NAME
	lab_heal silent b
}

# routed_verb VERB...: as a user would type it on a router with all in its usual place.
routed_verb() {
	printf '\n  router$ %s %s\n' "$ROUTED" "$*"
	at_routed "$@" | sed 's/^/    /'
}

chapter_drain() {
	heading "7. isp-a is drained, before its modem is replaced"
	say "routed tells dnsd first: whoever asks, even over isp-a, is led to isp-b." \
		"New connections leave by isp-b; those on isp-a go on until they end."
	wait_for 20 routed_says_of isp-b '.state == "up"'
	routed_verb drain isp-a
	show outside dig +norecurse +nocookie +noall +answer @192.168.2.1 $NAME
	show lanhost curl -s http://$OUTSIDE/
	routed_verb undrain isp-a
	show outside dig +norecurse +nocookie +noall +answer @192.168.2.1 $NAME
}

chapter_lan() {
	heading "8. Names asked from the LAN"
	say "The inside view: the server's own address."
	show lanhost dig +norecurse +nocookie +noall +answer @10.0.0.1 $NAME
}

chapter_status() {
	heading "9. What the two say of themselves"
	show router "$ROUTED" status -c "$SITE" --runtime "$(lab_dir)/run"
	show router "$DNSD" status -c "$SITE" --runtime "$(lab_dir)/run"
}

# The resolver's cache would still have the old answer.
forget() {
	lab_stop unbound || true
	lab_start_resolver
}

chapter_end() {
	local drops
	drops=$(($(lab_counter a foreign) + $(lab_counter b foreign)))
	heading "Done"
	say "Packets that the ISPs had to drop because of a foreign source: $drops."
	if [ "$KEEP" = no ]; then
		say "The site is taken down again; --keep leaves it up."
		return
	fi
	cat <<-END

		  The site stays up. To look around in it (the resolver remembers for 10 s):

		    sudo ip netns exec $LAB-outside dig @192.168.2.1 $NAME
		    sudo ip netns exec $LAB-router ip route
		    sudo tests/lab/lab exec router $ROUTED status -c $SITE --runtime $(lab_dir)/run
		    sudo tests/lab/lab exec router nft list table inet multihomed
		    sudo tests/lab/lab exec router $DNSD status -c $SITE --runtime $(lab_dir)/run
		    sudo tests/lab/lab show
		    sudo tests/lab/lab fault carrier isp-a
		    sudo tests/lab/lab heal
		    sudo tests/lab/lab exec outside dig @$RESOLVER_ADDR $NAME

		  Messages: $(lab_dir)/routed.log and dnsd.log
		  And to take it down: sudo tests/lab/lab down --name $LAB
	END
}

clean_up() {
	lab_down
	[ -z "$BUILD_LOG" ] || rm -f "$BUILD_LOG"
}

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
}

main() {
	case ${1:-} in
	--keep) KEEP=yes ;;
	'') ;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
	if [ "$(id -u)" -ne 0 ]; then
		echo "demo.sh: network namespaces need root: sudo tests/demo.sh" >&2
		exit 2
	fi

	LAB=mh$$
	lab_down_at_exit
	trap clean_up EXIT
	prepare
	chapter_site
	chapter_views
	chapter_resolver
	chapter_pages
	chapter_cut
	chapter_other_cut
	chapter_drain
	chapter_lan
	chapter_status
	chapter_end
	[ "$KEEP" = no ] || trap - EXIT
}

main "$@"
