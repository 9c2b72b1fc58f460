# shellcheck shell=bash
# wait.sh - for tests: waits for a state, never for a time. Sourced.
# SPDX-License-Identifier: GPL-3.0-or-later

: "${PATIENCE:=120}" # seconds: only ever reached when a test fails
export PATIENCE

# until_true CMD...: until it succeeds.
until_true() {
	local until=$((SECONDS + PATIENCE))
	until "$@"; do
		if [ "$SECONDS" -ge "$until" ]; then
			echo "never: $*" >&2
			return 1
		fi
		read -r -t 0.05 <><(:) || :
	done
}
