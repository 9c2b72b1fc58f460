#!/bin/sh
# torture.sh - twenty kills anywhere; the hosts count that everything happened once (make torture does more).
# SPDX-License-Identifier: GPL-3.0-or-later
unset FLEET_STATE
exec "${REPO:-.}/tests/torture/run" --kills 20 --seeds 1
