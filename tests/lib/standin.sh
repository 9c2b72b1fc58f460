# shellcheck shell=bash
# standin.sh - for tests on the practice fleet: what happened on its hosts. Sourced.
# SPDX-License-Identifier: GPL-3.0-or-later

# effects HOST: one a line since the log was cleared, without times and members' jobs.
effects() { "$FLEET" in "$1" cat /var/log/standin/effects | cut -d' ' -f4- | grep -v '^job '; }

# is HOST TEXT: the effects of the host are exactly these lines.
is() { diff <(effects "$1") - <<<"$2"; }
