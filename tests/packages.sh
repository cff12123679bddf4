#!/usr/bin/env bash
# packages.sh - installs what is missing of tests/packages.txt
#
# If nothing is missing, apt is not called. Some packages are name servers, which would start a
# service at installation and at each boot. A policy-rc.d during the call prevents the first. To
# prevent the second, the units of newly installed servers are disabled. A server that was there
# before is left as it is.
#
# Usage: sudo tests/packages.sh          as a command
#        . tests/packages.sh             for the function packages_install
set -euo pipefail

# shellcheck source=tests/signals.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/signals.sh"

PACKAGES_LIST=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/packages.txt
PACKAGES_POLICY=/usr/sbin/policy-rc.d
PACKAGES_SERVERS='^(nsd|knot|unbound|bind9|keepalived)$'

packages_wanted() {
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$PACKAGES_LIST" | awk '{ print $1 }'
}

# One line for each package of the list that is not installed.
packages_missing() {
	local wanted
	wanted=$(packages_wanted)
	# dpkg-query fails if it does not know a name, and we ask for the missing ones
	# shellcheck disable=SC2086 # one argument per package
	{ dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null || true; } |
		awk '$1 == "installed" { print $2 }' | sort -u |
		comm -13 - <(sort -u <<<"$wanted")
}

packages_policy_set() {
	if [ -e "$PACKAGES_POLICY" ] || [ -L "$PACKAGES_POLICY" ]; then
		mv "$PACKAGES_POLICY" "$PACKAGES_POLICY.multihomed-saved"
	fi
	printf '#!/bin/sh\nexit 101\n' >"$PACKAGES_POLICY"
	chmod 755 "$PACKAGES_POLICY"
}

packages_policy_restore() {
	trap '' INT TERM HUP
	rm -f "$PACKAGES_POLICY"
	if [ -e "$PACKAGES_POLICY.multihomed-saved" ] || [ -L "$PACKAGES_POLICY.multihomed-saved" ]; then
		mv "$PACKAGES_POLICY.multihomed-saved" "$PACKAGES_POLICY"
	fi
}

packages_disable_services() {
	local package
	for package in "$@"; do
		[[ $package =~ $PACKAGES_SERVERS ]] || continue
		systemctl --quiet disable "$package.service" 2>/dev/null || true
	done
}

packages_install() {
	local missing
	mapfile -t missing < <(packages_missing)
	[ ${#missing[@]} -gt 0 ] || return 0

	if [ "$(id -u)" -ne 0 ]; then
		echo "packages: missing: ${missing[*]}; run this as root to install them" >&2
		return 1
	fi
	echo "Installing ${#missing[@]} packages: ${missing[*]}"
	(
		trap packages_policy_restore EXIT
		exit_on_signals
		packages_policy_set
		export DEBIAN_FRONTEND=noninteractive
		packages_apt update &&
			packages_apt install -y --no-install-recommends "${missing[@]}"
	) || return 1
	packages_disable_services "${missing[@]}"
}

# Quiet unless it fails. apt must not read the caller's input.
packages_apt() {
	local log status=0
	log=$(mktemp)
	apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$log" 2>&1 || status=$?
	if [ "$status" -ne 0 ]; then
		echo "packages: apt-get $1 failed:" >&2
		tail -n 25 "$log" >&2
	fi
	rm -f "$log"
	return "$status"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	packages_install
fi
