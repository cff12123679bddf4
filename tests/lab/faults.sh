# faults.sh - faults of an uplink, and how they heal
#
# Part of lab.sh. Every fault is a pair of functions, fault_KIND and heal_KIND. Their first
# argument is the uplink (a or b). To heal an uplink without a fault does nothing.
# shellcheck shell=bash

LAB_FAULTS=(carrier silent gateway loss address no-address interface)

# lab_fault KIND UPLINK [ARGUMENT...]
lab_fault() {
	lab_fault_run fault "$@"
}

# lab_heal KIND UPLINK, or lab_heal UPLINK for all kinds, or lab_heal for everything.
lab_heal() {
	local kind
	case ${1:-all} in
	all)
		lab_heal a
		lab_heal b
		;;
	a | b | isp-a | isp-b)
		for kind in "${LAB_FAULTS[@]}"; do
			lab_fault_run heal "$kind" "$1"
		done
		;;
	*) lab_fault_run heal "$@" ;;
	esac
}

lab_fault_run() {
	local what=$1 kind=${2:-} up=${3:-}
	up=${up#isp-}
	[[ " ${LAB_FAULTS[*]} " == *" $kind "* ]] || lab_die "no fault '$kind'; there are: ${LAB_FAULTS[*]}"
	[[ $up =~ ^[ab]$ ]] || lab_die "$kind: which uplink, isp-a or isp-b?"
	shift 3
	"${what}_${kind/-/_}" "$up" "$@"
}

# The cable is out: the router loses the carrier.
fault_carrier() {
	ip -n "$LAB-isp-$1" link set cust down
}

heal_carrier() {
	ip -n "$LAB-isp-$1" link set cust up
}

# The ISP's gateway answers, but nothing passes it in either direction.
fault_silent() {
	lab_fault_table "$1" inet fault-silent <<-'END'
		chain forward {
			type filter hook forward priority -10;
			counter drop
		}
	END
}

heal_silent() {
	lab_fault_table "$1" inet fault-silent </dev/null
}

# The gateway is dead, but the carrier stays: it neither receives nor sends, not even ARP.
fault_gateway() {
	lab_fault_table "$1" netdev fault-gateway <<-'END'
		chain hear {
			type filter hook ingress device "cust" priority -500;
			counter drop
		}
	END
	lab_fault_table "$1" inet fault-gateway <<-'END'
		chain send {
			type filter hook postrouting priority 500;
			oifname "cust" counter drop
		}
	END
}

heal_gateway() {
	lab_fault_table "$1" netdev fault-gateway </dev/null
	lab_fault_table "$1" inet fault-gateway </dev/null
}

# loss UPLINK OUT [IN]: the packets from and to the site that are lost, in per cent.
fault_loss() {
	local out=${2:-} in=${3:-${2:-}}
	[[ $out =~ ^[0-9]+$ && $in =~ ^[0-9]+$ ]] || lab_die "loss: per cent out and in, as in: loss isp-a 20 5"
	lab_fault_table "$1" inet fault-loss <<-END
		chain lose {
			type filter hook prerouting priority -400;
			$(loss_rule cust "$out")
			$(loss_rule net "$in")
		}
	END
}

loss_rule() {
	[ "$2" -eq 0 ] || echo "iifname \"$1\" numgen random mod 100 <= $(($2 - 1)) counter drop"
}

heal_loss() {
	lab_fault_table "$1" inet fault-loss </dev/null
}

# lab_fault_table UPLINK FAMILY NAME: replaces that table of the ISP by the one on standard
# input. Empty input removes it.
lab_fault_table() {
	local body
	body=$(cat)
	{
		echo "add table $2 $3"
		echo "delete table $2 $3"
		[ -z "$body" ] || printf 'table %s %s {\n%s\n}\n' "$2" "$3" "$body"
	} | lab_exec "isp-$1" nft -f -
}

# address UPLINK [ADDRESS/LEN [GATEWAY]]: the ISP gives the customer another address. With a
# gateway, the address may have another prefix. By default, isp-a keeps its prefix; the prefix
# of isp-b has no room for another address.
fault_address() {
	local up=$1 address=${2:-} gateway=${3:-} family
	[ -n "$address" ] || read -r address gateway <<<"${FAULT_ADDR[$up]}"
	family=$(family_of "$address")
	if [ -n "$gateway" ]; then
		lab_isp_serve "$up" "${address%/*}"
	elif [ "$family" = -6 ]; then
		gateway=${UPLINK_GATEWAY6[$up]}
	else
		gateway=${UPLINK_GATEWAY[$up]}
	fi
	ip -n "$LAB-router" "$family" address flush dev "wan-$up" scope global
	lab_uplink_address "$up" "$address" "$gateway"
}

declare -A FAULT_ADDR=([a]="192.168.2.3/29" [b]="172.16.7.1/24 172.16.7.254")

heal_address() {
	local up=$1
	lab_has_address "$up" "${UPLINK_ADDR[$up]}" || heal_address_of "$up" -4
	[ "$LAB_IPV6" = no ] || lab_has_address "$up" "${UPLINK_ADDR6[$up]}" || heal_address_of "$up" -6
}

heal_address_of() {
	local up=$1
	ip -n "$LAB-router" link show "wan-$up" >/dev/null 2>&1 || return 0
	ip -n "$LAB-router" "$2" address flush dev "wan-$up" scope global
	if [ "$2" = -4 ]; then
		lab_uplink_address "$up" "${UPLINK_ADDR[$up]}" "${UPLINK_GATEWAY[$up]}"
	else
		lab_uplink_address "$up" "${UPLINK_ADDR6[$up]}" "${UPLINK_GATEWAY6[$up]}"
	fi
}

lab_has_address() {
	[ -n "$(ip -n "$LAB-router" address show dev "wan-$1" to "${2%/*}" 2>/dev/null)" ]
}

# no-address UPLINK [4|6]: the lease has ended; by default in both families.
fault_no_address() {
	local family
	for family in ${2:-4 6}; do
		ip -n "$LAB-router" "-$family" address flush dev "wan-$1" scope global
	done
}

heal_no_address() {
	heal_address "$1"
}

# The device is gone (a USB modem pulled out, a PPP session over). Healing makes a new one,
# with the same name and another ifindex.
fault_interface() {
	ip -n "$LAB-router" link del "wan-$1"
}

heal_interface() {
	ip -n "$LAB-router" link show "wan-$1" >/dev/null 2>&1 || lab_build_uplink "$1"
}

family_of() {
	case $1 in *:*) echo -6 ;; *) echo -4 ;; esac
}
