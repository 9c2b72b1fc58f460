# shellcheck shell=sh disable=SC2034,SC2154
# get.sh - tells a file of a host. Functions only, behind path.sh; ssh_get.c sends the text and calls bb_get.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# On stderr `MARK file SIZE MODE` before and `MARK.sum SHA256` behind the bytes; the sum comes last, so that a change meanwhile shows.
# In a folder that others can write, a second name of a file of ours may be somebody else's work: such a file is not told.
#
# Needs: a POSIX sh, cat, sha256sum, /proc, and what path.sh needs.

# bb_get MARK PATH MAX
bb_get() {
	bb_walk "$2" || return
	if [ -d "./$bb_name" ]; then printf '%s: is a directory\n' "$2" >&2 && return; fi
	bb_there=$(stat -c '%d:%i' -- "./$bb_name") || return
	if [ ! -f "./$bb_name" ]; then printf '%s: is no plain file\n' "$2" >&2 && return; fi
	bb_tell "$1" "$2" "$3" 8<"./$bb_name"
}

bb_tell() {
	bb_s=$(stat -L -c '%d:%i %h %u %s %a' /proc/self/fd/8) || return
	bb_opened=${bb_s%% *} bb_s=${bb_s#* }
	bb_names=${bb_s%% *} bb_s=${bb_s#* }
	bb_user=${bb_s%% *} bb_s=${bb_s#* }
	if [ -n "$bb_shared" ]; then
		if [ "$bb_opened" != "$bb_there" ]; then printf '%s was changed while it was opened\n' "$2" >&2 && return; fi
		if [ "$bb_names" != 1 ] && bb_trusts "$bb_user"; then
			printf '%s has another name elsewhere, and others can write its folder: name the file itself\n' "$2" >&2
			return
		fi
	fi
	printf '%s file %s\n' "$1" "$bb_s" >&2
	if [ "$3" -ge 0 ] && [ "${bb_s% *}" -gt "$3" ]; then return; fi
	cat <&8 || return
	bb_h=$(sha256sum </proc/self/fd/8) && printf '%s.sum %s\n' "$1" "${bb_h%% *}" >&2
}
