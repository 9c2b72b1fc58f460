# fleet.bash - for bats files with a practice fleet of their own: started, and tests/fleet/call.c built against the libraries under test.
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash

FLEET="$BATS_TEST_DIRNAME/../fleet/fleet"

# fleet_start [DISK]: a fleet without services, and $CALL, which runs one call through a real worker.
fleet_start() {
	local build=${BUILD:-$REPO/build/debug}
	local -a flags libs
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet FLEET_SERVICES=no FLEET_DISK=${1:-128m} CALL=$BATS_FILE_TMPDIR/call
	eval "flags=($(make -s --no-print-directory -C "$REPO" MODE=debug print-flags))"
	read -ra libs < <(pkg-config --libs libssh2 libpq libcurl jansson libcrypto)
	case $build in
	*asan*) flags+=('-fsanitize=address,undefined') ;;
	*tsan*) flags+=(-fsanitize=thread) ;;
	esac
	(cd "$REPO" && ${CC:-gcc} "${flags[@]}" -pie -pthread -o "$CALL" tests/fleet/call.c "$build/libactions.a" \
		"$build/libbase.a" "${libs[@]}") >&2
	"$FLEET" up >&2
}

need_namespaces() { [ "$(cat "$FLEET_STATE/tier")" != loopback ] || skip "tier loopback: no $1"; }
