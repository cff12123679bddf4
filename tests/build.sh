# build.sh - builds one preset; what run.sh and demo.sh share
# shellcheck shell=bash

BUILD_TOP=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")

# build_configure PRESET [CMAKE-OPTION...]. Call these in the top folder. The presets name every
# option of ours that changes what is built, so none stays from an earlier call.
build_configure() {
	as_owner cmake --preset "$@"
}

# build PRESET [CMAKE-OPTION...]
build() {
	build_configure "$@" &&
		as_owner cmake --build --preset "$1" -j "$(nproc)"
}

# build_targets PRESET TARGET...: only those, for callers that do not need the tests.
build_targets() {
	local preset=$1
	shift
	build_configure "$preset" &&
		as_owner cmake --build --preset "$preset" -j "$(nproc)" --target "$@"
}

# As root, the build belongs to the owner of the checkout, so that this user can build there too,
# before and after. First, the owner gets all that root has left in the build folder.
as_owner() {
	local owner
	owner=$(stat -c %u "$BUILD_TOP")
	if [ "$(id -u)" -ne 0 ] || [ "$owner" = 0 ] || ! run_as "$owner" test -w "$BUILD_TOP"; then
		"$@"
		return
	fi
	[ ! -d "$BUILD_TOP/build" ] ||
		find "$BUILD_TOP/build" -xdev -uid 0 -exec chown -h "$owner:$(stat -c %g "$BUILD_TOP")" {} +
	run_as "$owner" "$@"
}

# run_as UID COMMAND...: with the groups of that user, if the machine knows the user at all.
run_as() {
	local uid=$1 groups=--clear-groups
	shift
	! getent passwd "$uid" >/dev/null || groups=--init-groups
	setpriv --reuid "$uid" --regid "$(stat -c %g "$BUILD_TOP")" "$groups" "$@"
}
