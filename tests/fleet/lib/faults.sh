# shellcheck shell=bash disable=SC2034,SC2153,SC2174
# faults.sh - break and mend.
# SPDX-License-Identifier: GPL-3.0-or-later
faults_of() { :; }
