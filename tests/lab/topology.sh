# topology.sh - the lab's cables, addresses, routes and the filters of the ISPs
#
# Part of lab.sh. The site's private addresses stand for public ones: `inet` routes them, and
# each ISP lets only the prefixes of its own customer out, as real ISPs do.
# shellcheck shell=bash

# An uplink at the start, and again after `heal`.
declare -A UPLINK_ADDR=([a]=192.168.2.1/29 [b]=172.16.1.1/30)
declare -A UPLINK_GATEWAY=([a]=192.168.2.6 [b]=172.16.1.2)
declare -A UPLINK_ADDR6=([a]=2001:db8:a::1/64 [b]=2001:db8:b::1/64)
declare -A UPLINK_GATEWAY6=([a]=2001:db8:a::6 [b]=2001:db8:b::2)
declare -A UPLINK_NET=([a]=192.168.2.0/29 [b]=172.16.1.0/30)
declare -A UPLINK_NET6=([a]=2001:db8:a::/64 [b]=2001:db8:b::/64)
# The other side of each ISP, towards inet.
declare -A ISP_INET=([a]=198.18.0.1/30 [b]=198.18.0.5/30)
declare -A ISP_SELF=([a]=198.18.0.2/30 [b]=198.18.0.6/30)
declare -A ISP_INET6=([a]=2001:db8:fa::1/64 [b]=2001:db8:fb::1/64)
declare -A ISP_SELF6=([a]=2001:db8:fa::2/64 [b]=2001:db8:fb::2/64)
# The lab's own stand-in for routed: one table per uplink.
declare -A UPLINK_TABLE=([a]=101 [b]=102)
UPLINK_GROUP=5300 # interface group of both, so that rules can tell uplinks from the rest

# lab_link NODE INTERFACE NODE INTERFACE: a cable.
lab_link() {
	ip -n "$LAB-$1" link add "$2" type veth peer name "$4" netns "$LAB-$3"
	ip -n "$LAB-$1" link set "$2" up
	ip -n "$LAB-$3" link set "$4" up
}

lab_build() {
	lab_build_nodes
	lab_build_inet
	lab_build_isp a
	lab_build_isp b
	lab_build_lan
	lab_build_uplink a
	lab_build_uplink b
}

# No duplicate address detection: it would cost a second per address.
# An interface that goes down keeps its IPv6 addresses, as it keeps its IPv4 ones.
lab_build_nodes() {
	local node forward
	for node in "${LAB_NODES[@]}"; do
		forward=0
		case $node in inet | isp-a | isp-b) forward=1 ;; esac
		# routed turns forwarding on by itself, after its guard is in place
		[ "$node$LAB_SOURCE_RULES" != routeryes ] || forward=1
		ip netns add "$LAB-$node"
		lab_exec "$node" sysctl -qw \
			net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.default.keep_addr_on_down=1 \
			net.ipv4.ping_group_range='0 2147483647' \
			net.ipv4.ip_forward=$forward net.ipv6.conf.all.forwarding=$forward
		ip -n "$LAB-$node" link set lo up
	done
}

lab_build_inet() {
	lab_link inet to-parent parent eth0
	lab_link inet to-resolver resolver eth0
	lab_link inet to-outside outside eth0
	lab_ip inet <<-'END'
		address add 198.51.100.1/24 dev to-parent
		address add 2001:db8:53::1/64 dev to-parent
		address add 192.0.2.9/29 dev to-resolver
		address add 2001:db8:10::1/64 dev to-resolver
		address add 203.0.113.1/24 dev to-outside
		address add 2001:db8:113::1/64 dev to-outside
		address add 192.0.2.53/32 dev lo
		address add 192.0.2.54/32 dev lo
		address add 192.0.2.80/32 dev lo
		address add 2001:db8:99::53/128 dev lo
		address add 2001:db8:99::80/128 dev lo
	END
	lab_build_host parent 198.51.100.53/24 198.51.100.1 2001:db8:53::53/64 2001:db8:53::1
	lab_build_host resolver 192.0.2.10/29 192.0.2.9 2001:db8:10::10/64 2001:db8:10::1
	lab_build_host outside 203.0.113.10/24 203.0.113.1 2001:db8:113::10/64 2001:db8:113::1
}

# lab_build_host NODE ADDRESS GATEWAY [ADDRESS6 GATEWAY6]: on its eth0.
lab_build_host() {
	lab_ip "$1" <<-END
		address add $2 dev eth0
		route add default via $3
	END
	[ -n "${4:-}" ] || return 0
	lab_ip "$1" <<-END
		address add $4 dev eth0
		route add default via $5
	END
}

lab_build_isp() {
	local up=$1
	lab_link inet "to-isp-$up" "isp-$up" net
	lab_ip inet <<-END
		address add ${ISP_INET[$up]} dev to-isp-$up
		address add ${ISP_INET6[$up]} dev to-isp-$up
	END
	lab_ip "isp-$up" <<-END
		address add ${ISP_SELF[$up]} dev net
		address add ${ISP_SELF6[$up]} dev net
		route add default via ${ISP_INET[$up]%/*}
		route add default via ${ISP_INET6[$up]%/*}
	END
	lab_build_isp_filter "$up"
	lab_isp_serve "$up" "${UPLINK_NET[$up]}"
	[ "$LAB_IPV6" = no ] || lab_isp_serve "$up" "${UPLINK_NET6[$up]}"
}

# The customer may send only from its own prefixes (and ask for an address). The ISP counts and
# drops all else. dns-in and dns-out count DNS queries to the customer and its responses. Packets
# for a customer without carrier must not go back where they came from.
lab_build_isp_filter() {
	lab_exec "isp-$1" nft -f - <<-'END'
		table inet isp {
			counter foreign { }
			counter dns-in { }
			counter dns-out { }
			set customer { type ipv4_addr; flags interval; elements = { 0.0.0.0 } }
			set customer6 { type ipv6_addr; flags interval; elements = { fe80::/10, :: } }
			set strangers { type ipv4_addr . ipv4_addr . inet_proto . inet_service; flags dynamic; size 999; }
			set strangers6 { type ipv6_addr . ipv6_addr . inet_proto . inet_service; flags dynamic; size 999; }
			chain from-customer {
				type filter hook prerouting priority -300;
				iifname "cust" ip saddr != @customer counter name foreign goto stranger
				iifname "cust" ip6 saddr != @customer6 counter name foreign goto stranger
				iifname "cust" meta l4proto { tcp, udp } th sport 53 counter name dns-out
			}
			chain stranger {
				ip saddr != 0.0.0.0 update @strangers { ip saddr . ip daddr . meta l4proto . th sport counter }
				ip6 saddr != :: update @strangers6 { ip6 saddr . ip6 daddr . meta l4proto . th sport counter }
				drop
			}
			chain to-customer {
				type filter hook forward priority 0;
				iifname "net" oifname "net" drop
				oifname "cust" meta l4proto { tcp, udp } th dport 53 counter name dns-in
			}
		}
	END
}

# lab_isp_serve UPLINK PREFIX: the ISP gives the prefix to its customer, and `inet` routes it.
lab_isp_serve() {
	local up=$1 prefix=$2 set=customer via=${ISP_SELF[$1]%/*}
	case $prefix in *:*) set=customer6 via=${ISP_SELF6[$up]%/*} ;; esac
	lab_exec "isp-$up" nft add element inet isp "$set" "{ $prefix }"
	lab_ip inet <<<"route replace $prefix via $via"
}

lab_build_lan() {
	ip -n "$LAB-lan" link add switch type bridge
	ip -n "$LAB-lan" link set switch up
	lab_link router lan0 lan to-router
	lab_link web eth0 lan to-web
	lab_link lanhost eth0 lan to-lanhost
	local port
	for port in router web lanhost; do
		ip -n "$LAB-lan" link set "to-$port" master switch
	done
	lab_build_router_lan
	lab_ip web <<-'END'
		address add 10.0.1.1/32 dev lo
		address add 10.0.1.5/32 dev lo
	END
	if [ "$LAB_IPV6" = no ]; then
		lab_build_host web 10.0.0.10/24 10.0.0.1
		lab_build_host lanhost 10.0.0.20/24 10.0.0.1
		return
	fi
	[ "$LAB_PAIR" = yes ] || ip -n "$LAB-router" address add 2001:db8:c::1/64 dev lan0
	lab_ip web <<-'END'
		address add 2001:db8:c1::1/128 dev lo
		address add 2001:db8:c1::5/128 dev lo
	END
	lab_build_host web 10.0.0.10/24 10.0.0.1 2001:db8:c::10/64 2001:db8:c::1
	lab_build_host lanhost 10.0.0.20/24 10.0.0.1 2001:db8:c::20/64 2001:db8:c::1
}

# With two routers, neither has the site's addresses: the master takes them. Each router has its
# own address on the LAN, 10.0.0.2 and 10.0.0.3, and none towards the ISPs.
lab_build_router_lan() {
	if [ "$LAB_PAIR" = no ]; then
		ip -n "$LAB-router" address add 10.0.0.1/24 dev lan0
		return
	fi
	lab_link router2 lan0 lan to-router2
	ip -n "$LAB-lan" link set to-router2 master switch
	ip -n "$LAB-router" address add 10.0.0.2/24 dev lan0
	ip -n "$LAB-router2" address add 10.0.0.3/24 dev lan0
}

# The access line of a pair: a switch connects the ISP's end with both routers.
lab_build_uplink_of_pair() {
	local up=$1 router
	ip -n "$LAB-isp-$up" link add cust type bridge
	ip -n "$LAB-isp-$up" link set cust up
	for router in router router2; do
		lab_link "$router" "wan-$up" "isp-$up" "to-$router"
		ip -n "$LAB-isp-$up" link set "to-$router" master cust
	done
	ip -n "$LAB-isp-$up" address add "${UPLINK_GATEWAY[$up]}/${UPLINK_ADDR[$up]#*/}" dev cust
	[ "$LAB_IPV6" = no ] || ip -n "$LAB-isp-$up" address add \
		"${UPLINK_GATEWAY6[$up]}/${UPLINK_ADDR6[$up]#*/}" dev cust
}

# The access line: both ends, with the addresses of the start.
lab_build_uplink() {
	local up=$1
	if [ "$LAB_PAIR" = yes ]; then
		lab_build_uplink_of_pair "$up"
		return
	fi
	lab_link router "wan-$up" "isp-$up" cust
	[ "$LAB_SOURCE_RULES" = no ] || ip -n "$LAB-router" link set "wan-$up" group "$UPLINK_GROUP"
	lab_uplink_address "$up" "${UPLINK_ADDR[$up]}" "${UPLINK_GATEWAY[$up]}"
	[ "$LAB_IPV6" = no ] || lab_uplink_address "$up" "${UPLINK_ADDR6[$up]}" "${UPLINK_GATEWAY6[$up]}"
}

# lab_uplink_address UPLINK ADDRESS/LEN GATEWAY: both ends, and the router's routes over it.
lab_uplink_address() {
	local up=$1 address=$2 gateway=$3
	ip -n "$LAB-isp-$up" address replace "$gateway/${address#*/}" dev cust
	ip -n "$LAB-router" address replace "$address" dev "wan-$up"
	[ "$LAB_SOURCE_RULES" = no ] || lab_source_rules "$up" "${address%/*}" "$gateway"
}

# As routed would do it: packets from an uplink's address leave over that uplink, except those
# to the LAN and to static routes. The default route prefers isp-a.
lab_source_rules() {
	local up=$1 address=$2 gateway=$3 table=${UPLINK_TABLE[$1]} family=-4 metric
	metric=$((table - 100))
	case $address in *:*) family=-6 ;; esac
	lab_source_rules_clear "$up" "$family"
	ip -n "$LAB-router" "$family" -batch - <<-END
		rule add priority 100 lookup main suppress_prefixlength 1 suppress_ifgroup $UPLINK_GROUP
		rule add priority $table from $address lookup $table
		route replace default via $gateway dev wan-$up table $table
		route replace default via $gateway dev wan-$up metric $metric
	END
}

lab_source_rules_clear() {
	local up=$1 family=$2 table=${UPLINK_TABLE[$1]}
	ip -n "$LAB-router" "$family" rule del priority 100 2>/dev/null || true
	while ip -n "$LAB-router" "$family" rule del priority "$table" 2>/dev/null; do :; done
	ip -n "$LAB-router" "$family" route flush table "$table" 2>/dev/null || true
	ip -n "$LAB-router" "$family" route flush default dev "wan-$up" 2>/dev/null || true
}

# lab_strangers UPLINK: source, destination, protocol and source port of the packets that the ISP
# dropped.
lab_strangers() {
	local set
	for set in strangers strangers6; do
		lab_exec "isp-$1" nft -n list set inet isp $set | sed -nE 's/^.*elements = \{//; s/counter packets/times/gp'
	done
}

# lab_counter UPLINK NAME: packets counted by that uplink's ISP: foreign, dns-in or dns-out.
lab_counter() {
	lab_exec "isp-$1" nft -j list counter inet isp "$2" |
		jq '.nftables[] | select(.counter) | .counter.packets'
}
