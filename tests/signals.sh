# signals.sh - a signal ends a script by way of its EXIT trap
# shellcheck shell=bash

# The first one only: an impatient second interrupt, or that of timeout(1) to its child and then
# to its group, would else end the EXIT trap before its first command.
exit_on_signals() {
	trap "trap '' INT TERM HUP; exit 130" INT
	trap "trap '' INT TERM HUP; exit 143" TERM
	trap "trap '' INT TERM HUP; exit 129" HUP
}
