# shellcheck shell=bash
# services.sh - PostgreSQL, Redis, nginx and the Mastodon stand-in on the hosts.
# SPDX-License-Identifier: GPL-3.0-or-later
start_services() { :; }
