# shellcheck shell=sh disable=SC2034,SC2154
# path.sh - the way to a file on a host, through no link that somebody else may have laid there. Functions only; put.sh and get.sh call them.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The kernel keeps root from following a stranger's link in /tmp (protected_symlinks), but only where it follows it itself, and only in
# folders with a sticky bit. So the path is gone step by step, by a folder's own name; the shell ends up in the folder of the file and
# names it ./NAME from there, so that nobody can change a folder above it any more.
#
#	trusted		we, and root
#	shared		a folder that somebody else can write: it is not a trusted one's, or its group or all may write
#
# A link of somebody who is not trusted is not followed in a shared folder. There, a step into a folder counts only when what we are in
# has the name that we went by.
#
# Needs: a POSIX sh, stat, readlink, id (coreutils or busybox).

# bb_look_around: whether the folder we are in is shared, into bb_shared (yes or empty); its owner into bb_keeper, its identity into bb_at.
bb_look_around() {
	bb_shared=''
	bb_at=$(stat -c '%u %a %d:%i' .) || return
	bb_keeper=${bb_at%% *} bb_at=${bb_at#* }
	case ${bb_at%% *} in *[2367] | *[2367]?) bb_shared=yes ;; esac
	bb_trusts "$bb_keeper" || bb_shared=yes
	bb_at=${bb_at#* }
}

# bb_trusts UID
bb_trusts() {
	[ "$1" = 0 ] || [ "$1" = "$bb_me" ]
}

# bb_follow LINK: where it goes into bb_to; false, with words, when it is not to be followed.
bb_follow() {
	if [ -n "$bb_shared" ] && ! bb_trusts "$(stat -c %u -- "./$1")"; then
		bb_words="$(pwd -P)/$1 is a link of $(stat -c %U -- "./$1"), in a folder that others can write: it is not followed"
		printf '%s\n' "$bb_words" >&2
		return 1
	fi
	bb_to=$(readlink -- "./$1" && echo .) || return
	bb_to=${bb_to%?.}
}

# bb_enter FOLDER
bb_enter() {
	bb_before=$bb_at bb_was_shared=$bb_shared
	cd -P -- "./$1" || return
	bb_look_around || return
	[ -n "$bb_was_shared" ] || return 0
	[ "$(stat -c %d:%i -- .. "../$1")" = "$bb_before
$bb_at" ] && return
	printf '%s was changed while it was opened\n' "$1" >&2
	return 1
}

# bb_walk PATH: into the folder of the file; its name into bb_name. 1 = no way there (words on stderr), 2 = there is no such folder.
bb_walk() {
	bb_left=$1 bb_links=0 bb_me=$(id -u) || return 1
	cd / && bb_look_around || return 1
	while :; do
		bb_part=${bb_left%%/*}
		case $bb_left in
		*/*) bb_left=${bb_left#*/} bb_last='' ;;
		*) bb_left='' bb_last=yes ;;
		esac
		if [ -n "$bb_part" ] && [ -L "./$bb_part" ]; then
			bb_links=$((bb_links + 1))
			if [ $bb_links -gt 40 ]; then printf '%s: too many links\n' "$1" >&2 && return 1; fi
			bb_follow "$bb_part" || return 1
			case $bb_to in /*) cd / && bb_look_around || return 1 ;; esac
			[ -n "$bb_last" ] && bb_left=$bb_to || bb_left=$bb_to/$bb_left
		elif [ -n "$bb_last" ]; then
			bb_name=${bb_part:-.}
			return 0
		elif [ "$bb_part" = .. ]; then
			cd -P .. && bb_look_around || return 1
		elif [ -n "$bb_part" ] && [ "$bb_part" != . ]; then
			[ -e "./$bb_part" ] || bb_missing "$bb_part" || return 2
			bb_enter "$bb_part" || return 1
		fi
	done
}

bb_missing() {
	printf '%s/%s: there is no such folder\n' "$(pwd -P)" "$1" >&2
	return 1
}
