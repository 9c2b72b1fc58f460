# shellcheck shell=bash
# loopback.sh - the tier without namespaces.
# SPDX-License-Identifier: GPL-3.0-or-later
LOOP_PORT=2222
