# services.sh - what the scenarios with installed programs share, beside routed.sh
#
# They always use the release build, since that is what is installed, in a sandbox, and what times
# are measured with. Such a scenario begins with
#
#     MH_BUILD=$(dirname "$(readlink -f "$0")")/../../../build/release
#     . "$(dirname "$(readlink -f "$0")")/../lib.sh"
#     . "$E2E_HERE/routed.sh"
#     . "$E2E_HERE/services.sh"
#     services_build
#
# `on` and the others work on a router that boots its own systemd (tests/lab/machine.sh).
# shellcheck shell=bash
# shellcheck disable=SC2034 # for the scenarios

# shellcheck source=tests/build.sh
. "$E2E_TOP/tests/build.sh"

RELEASE=$E2E_TOP/build/release

# Builds the programs, if they are missing or not up to date.
services_build() {
	local said
	said=$(cd "$E2E_TOP" && build_targets release dnsd routed server talk connects hammer 2>&1) ||
		lab_die "cannot build: $(tail -n 20 <<<"$said")"
}

# on COMMAND...: on the router, as root.
on() {
	lab_on router "$@"
}

# Copies the site's files from $SITE_DIR to the machine.
services_configure() {
	on mkdir -p /etc/multihomed
	cp "$SITE" "$SITE_DIR/www.example.com.zone" "$(lab_dir)/"
	on cp "$(lab_dir)/$SITE_NAME" /etc/multihomed/site.yaml
	on cp "$(lab_dir)/www.example.com.zone" /etc/multihomed/
}

# property UNIT NAME
property() {
	on systemctl show --value -p "$2" "multihomed-$1"
}

property_is() {
	[ "$(property "$1" "$2")" = "$3" ]
}

# Never 0: kill(1) would take it for all processes.
running_pid() {
	local pid
	pid=$(property "$1" MainPID)
	[ "$pid" -gt 0 ] || { echo "$1 does not run" >&2 && return 1; }
	echo "$pid"
}

pid_is_other() {
	local pid
	pid=$(property "$1" MainPID)
	[ "$pid" != 0 ] && [ "$pid" != "$2" ] && property_is "$1" ActiveState active
}

journal_has() {
	on journalctl --no-pager -o cat -u "multihomed-$1" >"$(lab_dir)/journal"
	grep -qE -- "$2" "$(lab_dir)/journal"
}

both_are_active() {
	property_is routed ActiveState active
	property_is dnsd ActiveState active
}

uplinks_are_up() {
	on routed status --json >"$(lab_dir)/status" &&
		[ "$(jq -r '[.uplinks[].state] | join(" ")' "$(lab_dir)/status")" = "up up" ]
}

# All that the site is for.
site_works() {
	wait_for 5 uplinks_are_up
	leaves_as lanhost 192.168.2.1
	expect_page outside 192.168.2.1 10.0.1.1 $OUTSIDE
	expect_page outside 172.16.1.1 10.0.1.5 $OUTSIDE
	expect_answer outside 192.168.2.1 www.example.com A 192.168.2.1
	expect_answer outside 172.16.1.1 www.example.com A 172.16.1.1 +tcp
	expect_answer lanhost 10.0.0.1 www.example.com A 10.0.0.10
	expect "what routed would change" "$(on routed plan)" ""
}

services_end() {
	if [ "$N_NOT_OK" -gt 0 ]; then
		echo "# what the router's journal says:"
		on journalctl --no-pager -n 1000 -o short-precise | sed 's/^/# /'
	fi
	scenario_end
}
