# flood.sh - queries with forged sources: are other clients answered meanwhile?
#
# For the scenarios flood and routed-flood, after lib.sh. The forger is on the access line of
# isp-a, in place of the ISP.
# shellcheck shell=bash

NAME=www.example.com
A=192.168.2.1
A6=2001:db8:a::1
RATE=500 # forged queries a second
CLIENTS=20 # queries of a good client during each flood, and how many must be answered; a busy
ENOUGH=15  # machine may cost some, a worker that waits for absent neighbours costs most
ON_UPLINK=(192.168.2.2 192.168.2.3 192.168.2.4 192.168.2.5)
ON_UPLINK6=(2001:db8:a::102 2001:db8:a::103 2001:db8:a::104 2001:db8:a::105)
ON_LAN=(10.0.0.101 10.0.0.102 10.0.0.103)
ON_LAN6=(2001:db8:c::101 2001:db8:c::102 2001:db8:c::103)

# All queries over UDP. Those that were dropped on their way do not count.
queries() {
	dnsd_verb status --json | jq '[.views[].udp.queries // 0] | add'
}

queries_reach() {
	[ "$(queries)" -ge "$1" ]
}

# One try with a short timeout: a worker that waits would answer seconds late.
asked() {
	[ "$(ask outside "$1" $NAME "$2" +notcp +time=1 +short)" = "$1" ]
}

# answered_in_flood ADDRESS TYPE SOURCE...: first two seconds of flood, so that the buffers are as
# full as they get.
answered_in_flood() {
	local address=$1 type=$2 n answered=0
	shift 2
	lab_spawn isp-a forger "$TOOLS/flood" "$address" $RATE $NAME "$@"
	flood_is_there
	for n in $(seq $CLIENTS); do
		! asked "$address" "$type" || answered=$((answered + 1))
	done
	lab_stop forger || true
	echo "measured: $answered of $n answered; lost in sending: $(lost)"
	[ "$answered" -ge $ENOUGH ]
}

# Queries forged with a source of the LAN may not arrive at dnsd: then nothing waits.
flood_is_there() {
	wait_for 5 queries_reach $(($(queries) + 2 * RATE)) || true
}

lost() {
	dnsd_verb status --json | jq -c '[.views[].udp // empty | .send_errors] | add'
}

floods() {
	local who=$1
	fact "$who: absent hosts of the uplink's network" answered_in_flood $A A "${ON_UPLINK[@]}"
	fact "$who: the same over IPv6" answered_in_flood $A6 AAAA "${ON_UPLINK6[@]}"
	fact "$who: absent hosts of the LAN, over the uplink" answered_in_flood $A A "${ON_LAN[@]}"
	fact "$who: the same over IPv6" answered_in_flood $A6 AAAA "${ON_LAN6[@]}"
}
