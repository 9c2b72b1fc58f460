# shellcheck shell=bash disable=SC2034,SC2153,SC2174
# loopback.sh - the tier without namespaces.
# SPDX-License-Identifier: GPL-3.0-or-later
LOOP_PORT=2222
