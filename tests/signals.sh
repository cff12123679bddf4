# signals.sh - a signal ends a script through its EXIT trap
# shellcheck shell=bash

# Only the first signal counts. A second interrupt of an impatient user, or of timeout(1) to its
# child and then to its group, would end the EXIT trap before its first command.
exit_on_signals() {
	trap "trap '' INT TERM HUP; exit 130" INT
	trap "trap '' INT TERM HUP; exit 143" TERM
	trap "trap '' INT TERM HUP; exit 129" HUP
}
