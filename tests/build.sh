# build.sh - builds one preset; what run.sh and demo.sh share
# shellcheck shell=bash

BUILD_TOP=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")

# build PRESET [CMAKE-OPTION...]. Call it in the top folder.
build() {
	as_owner cmake --preset "$@" &&
		as_owner cmake --build --preset "$1" -j "$(nproc)"
}

# build_targets PRESET TARGET...: only those, for who does not need the tests.
build_targets() {
	local preset=$1
	shift
	as_owner cmake --preset "$preset" &&
		as_owner cmake --build --preset "$preset" -j "$(nproc)" --target "$@"
}

# Under sudo, what is built should belong to whom the checkout belongs to, not to root.
as_owner() {
	local owner
	owner=$(stat -c %u "$BUILD_TOP")
	if [ "$owner" = "${SUDO_UID:-0}" ] && [ "$owner" != 0 ] && build_folder_is_of "$owner"; then
		setpriv --reuid "$owner" --regid "$SUDO_GID" --init-groups "$@"
	else
		"$@"
	fi
}

build_folder_is_of() {
	[ ! -e "$BUILD_TOP/build" ] || [ "$(stat -c %u "$BUILD_TOP/build")" = "$1" ]
}
