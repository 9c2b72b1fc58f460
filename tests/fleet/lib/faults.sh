# shellcheck shell=bash
# faults.sh - break and mend.
# SPDX-License-Identifier: GPL-3.0-or-later
faults_of() { :; }
