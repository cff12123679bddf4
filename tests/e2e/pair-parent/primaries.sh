# primaries.sh - a BIND and a Knot primary on the lab's parent node, which take updates
#
# BIND has the root, com and example.com at 198.51.100.53, Knot net and example.net at
# 198.51.100.54. Each key may change the addresses of our name servers, and nothing else.
# shellcheck shell=bash

KNOT_ADDR=198.51.100.54

# Debian's AppArmor profiles tie the programs to their own folders, so copies run here.
primaries_prepare() {
	BIND_DIR=$(lab_dir)/bind
	KNOT_DIR=$(lab_dir)/knot
	mkdir -p "$BIND_DIR" "$KNOT_DIR"
	cp /usr/sbin/named "$BIND_DIR/"
	cp /usr/sbin/knotd "$KNOT_DIR/"
	ip -n "$LAB-parent" address add "$KNOT_ADDR/24" dev eth0
	tsig-keygen -a hmac-sha256 multihomed >"$SITE_DIR/bind.key"
	keymgr -t multihomed hmac-sha512 >"$SITE_DIR/knot.key"
	chmod 600 "$SITE_DIR"/*.key
	bind_zones
	knot_zones
}

bind_zones() {
	cp "$E2E_TOP/tests/lab/zones/"{com,example.com}.zone "$BIND_DIR/"
	cat "$E2E_TOP/tests/lab/zones/root.zone" - >"$BIND_DIR/root.zone" <<-END
		net     NS  ns.net.
		ns.net  A   $KNOT_ADDR
	END
	# what somebody entered by hand long ago: one address is stale, the others are missing
	cat >"$BIND_DIR/delegation" <<-'END'
		www      NS  www-ns1
		www      NS  www-ns2
		www-ns2  A   172.16.1.9
	END
	bind_conf "$SITE_DIR/bind.key"
}

# bind_conf KEYFILE
bind_conf() {
	cat >"$BIND_DIR/named.conf" <<-END
		include "$1";
		controls { };
		options {
			directory "$BIND_DIR";
			listen-on { $PARENT_ADDR; };
			listen-on-v6 { none; };
			pid-file "$BIND_DIR/named.pid";
			session-keyfile none;
			recursion no;
			dnssec-validation no;
		};
		zone "." { type primary; file "root.zone"; };
		zone "com" { type primary; file "com.zone"; };
		zone "example.com" {
			type primary;
			file "example.com.zone";
			update-policy {
				grant multihomed name www-ns1.example.com. A AAAA;
				grant multihomed name www-ns2.example.com. A AAAA;
			};
		};
	END
}

knot_zones() {
	cat >"$KNOT_DIR/net.zone" <<-END
		\$ORIGIN net.
		\$TTL 3600
		@           SOA  ns hostmaster 1 1800 900 604800 60
		            NS   ns
		ns          A    $KNOT_ADDR
		example     NS   ns.example
		ns.example  A    $KNOT_ADDR
	END
	cat >"$KNOT_DIR/example.net.zone" <<-END
		\$ORIGIN example.net.
		\$TTL 3600
		@         SOA  ns hostmaster 1 1800 900 604800 60
		          NS   ns
		ns        A    $KNOT_ADDR
		host      NS   ns1.host
		host      NS   ns2.host
		ns1.host  A    192.168.2.9
	END
	cat >"$KNOT_DIR/knot.conf" <<-END
		include: $SITE_DIR/knot.key
		server:
		    listen: $KNOT_ADDR@53
		    rundir: $KNOT_DIR
		    user: root
		    udp-workers: 1
		    tcp-workers: 1
		    background-workers: 1
		database:
		    storage: $KNOT_DIR
		log:
		  - target: stderr
		    any: info
		acl:
		  - id: multihomed
		    key: multihomed
		    action: update
		    update-owner: name
		    update-owner-match: equal
		    update-owner-name: [ns1.host, ns2.host]
		    update-type: [A, AAAA]
		template:
		  - id: default
		    storage: $KNOT_DIR
		zone:
		  - domain: net
		    file: net.zone
		  - domain: example.net
		    file: example.net.zone
		    acl: multihomed
	END
}

bind_start() {
	lab_spawn parent named "$BIND_DIR/named" -g -n 1 -c "$BIND_DIR/named.conf"
	wait_for 10 lab_parent_answers || lab_die "BIND does not answer: $(tail -n 5 "$(lab_dir)/named.log")"
}

# knot_start [PREFIX...]: a program in front of knotd.
knot_start() {
	lab_spawn parent knotd "$@" "$KNOT_DIR/knotd" -c "$KNOT_DIR/knot.conf"
	wait_for 10 knot_answers || lab_die "Knot does not answer: $(tail -n 5 "$(lab_dir)/knotd.log")"
}

knot_answers() {
	lab_dig parent +time=1 "@$KNOT_ADDR" example.net SOA +short | grep -q .
}

# dnsd sees a resolv.conf of its own: `ip netns exec` gives it a mount namespace.
dnsd_with_resolver() {
	printf 'nameserver %s\n' "$RESOLVER_ADDR" >"$SITE_DIR/resolv.conf"
	cat >"$(lab_dir)/dnsd" <<-END
		#!/bin/sh
		mount --bind "$SITE_DIR/resolv.conf" /etc/resolv.conf && exec "$DNSD" "\$@"
	END
	chmod 755 "$(lab_dir)/dnsd"
	DNSD=$(lab_dir)/dnsd
}
