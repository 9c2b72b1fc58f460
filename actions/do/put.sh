# shellcheck shell=sh disable=SC2034,SC2154
# put.sh - puts a file in place on a host, whole or not at all. Functions only, behind path.sh; ssh_put.c sends the text and calls them.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The content goes into DIR/.bellbook+JOB+G+N+X (G: generation of the job, N: attempt within it, X: nobody can guess), which is made
# with O_EXCL, checked against the SHA-256 that was told, and renamed. Only the one descriptor ever writes into it, and nothing after
# its creation would create it again: so whoever removes it knows that its rename can only fail. Owner and mode are given to the file
# that the descriptor has, not to whatever has the name by then.
#
# After a loss, look first makes the folder DIR/.bellbook+JOB+G.void (or ...+G+N.void for one attempt; a folder, as mkdir follows no
# link), then removes the files of the attempts, then compares the target:
#  1 the attempt made its file before the void: it is removed; the rename was before that, and the target shows it, or it fails.
#  2 the attempt makes its file after the void: it looks for the void next, finds it and goes.
# So "other" is final: nothing of that attempt will change the target any more.
# Voids go with the next success in that directory, or after a day.
#
# Needs: a POSIX sh, cat, sha256sum, chmod, chown, mkdir, mv, rm, rmdir, find, sync (coreutils or busybox), /proc, and what path.sh needs.

bb_say() {
	printf '%s %s\n' "$bb_mark" "$*"
}

# bb_begin MARK PATH BASE N MODE OWNER X: the first line of stdin is the SHA-256. As bb_walk.
bb_begin() {
	bb_mark=$1 bb_p=$2 bb_base=./.bellbook+$3 bb_n=$4 bb_mode=$5 bb_owner=$6
	bb_t=$bb_base+$bb_n+$7
	IFS= read -r bb_sha || return 3
	# A link stays one: what it points to is replaced.
	bb_walk "$bb_p"
}

# bb_sum FILE: its SHA-256 into bb_h.
bb_sum() {
	bb_h=$(sha256sum <"$1") && bb_h=${bb_h%% *}
} 2>/dev/null

# bb_owned "USER:GROUP UID:GID": by the owner that is wanted.
bb_owned() {
	bb_names=${1% *} bb_ids=${1#* }
	case $bb_owner in
	*:*) bb_group=${bb_owner#*:} ;;
	*) bb_group='' ;;
	esac
	bb_user=${bb_owner%%:*}
	[ -z "$bb_user" ] || [ "$bb_user" = "${bb_names%:*}" ] || [ "$bb_user" = "${bb_ids%:*}" ] || return 1
	[ -z "$bb_group" ] || [ "$bb_group" = "${bb_names#*:}" ] || [ "$bb_group" = "${bb_ids#*:}" ]
}

# The file that is there is of somebody who could put it there as others can write the folder: nothing is taken from it.
bb_strange() {
	[ -n "$bb_shared" ] && [ -e "./$bb_name" ] && bb_user=$(stat -c %u -- "./$bb_name") || return
	! bb_trusts "$bb_user" && [ "$bb_user" != "$bb_keeper" ]
}

# True when the target is as it should be; its mode into bb_now.
bb_same() {
	[ -f "./$bb_name" ] && bb_now=$(stat -c %a -- "./$bb_name") || return 1
	[ -z "$bb_mode" ] || [ "$bb_mode" = "$bb_now" ] || return 1
	bb_owned "$(stat -c '%U:%G %u:%g' -- "./$bb_name")" || return 1
	bb_sum "./$bb_name" && [ "$bb_h" = "$bb_sha" ]
}

bb_fail() {
	bb_say failed "$*"
	rm -f -- "$bb_t"
}

# bb_may_replace: a folder, a device, a fifo or a socket is never replaced. False, with words, when one is there.
bb_may_replace() {
	if [ -f "./$bb_name" ] || [ ! -e "./$bb_name" ]; then return; fi
	if [ -d "./$bb_name" ]; then echo 'it is a directory' >&2; else echo 'it is no plain file, and only such a one is replaced' >&2; fi
	return 1
}

# put: one line `MARK same MODE` | `MARK done MODE` | `MARK void` | `MARK cut` | `MARK placed`: whether that
# outlives a power cut is not known | `MARK failed WHAT`: the target is as it was; why it failed is on stderr.
bb_put() {
	bb_begin "$@"
	case $? in
	0) ;;
	3) return ;;
	*) bb_say failed "reach $bb_p" && return ;;
	esac
	bb_may_replace || { bb_say failed "replace $bb_p" && return; }
	if { [ -z "$bb_mode" ] || [ -z "$bb_owner" ]; } && bb_strange; then
		bb_say failed "replace $bb_p"
		printf 'it belongs to %s, and others can write its folder: say which owner and mode it is to have\n' \
			"$(stat -c %U -- "./$bb_name")" >&2
		return
	fi
	if bb_same; then bb_say same "$bb_now" && return; fi
	umask 077
	bb_got=no
	set -C
	{
		set +C
		#@put-created
		bb_got=void
		if [ ! -e "$bb_base.void" ] && [ ! -e "$bb_base+$bb_n.void" ]; then
			cat >&9 && bb_got=yes || bb_got=short
		fi
		[ $bb_got != yes ] || bb_place
	} 9>"$bb_t"
	set +C
	case $bb_got in
	no) bb_say failed "create a file in ${bb_p%/*}/" ;;
	void) bb_say void && rm -f -- "$bb_t" ;;
	short) bb_fail "write to ${bb_p%/*}/" ;;
	esac
}

# What is written through descriptor 9 gets its owner, mode and place.
bb_place() {
	bb_f=/proc/self/fd/9
	if ! bb_sum "$bb_f" || [ "$bb_h" != "$bb_sha" ]; then
		bb_say cut
		rm -f -- "$bb_t"
		return
	fi
	bb_now=$bb_mode
	if [ -f "./$bb_name" ] && [ ! -L "./$bb_name" ]; then
		[ -n "$bb_now" ] || bb_now=$(stat -c %a -- "./$bb_name")
		[ -n "$bb_owner" ] || bb_owner=$(stat -c %u:%g -- "./$bb_name")
	fi
	bb_now=${bb_now:-644}
	if [ -n "$bb_owner" ] && ! bb_owned "$(stat -L -c '%U:%G %u:%g' "$bb_f")"; then
		chown -- "$bb_owner" "$bb_f" || { bb_fail "make $bb_owner its owner" && return; }
	fi
	chmod -- "$bb_now" "$bb_f" || { bb_fail "set its mode" && return; }
	bb_sync "$bb_t" || { bb_fail "bring it to the disk" && return; }
	#@put-before-rename
	{ bb_may_replace && bb_rename; } || { bb_fail "put it in its place" && return; }
	# It is there, whatever is said of the disk.
	bb_sync . || { bb_say placed && return; }
	bb_say 'done' "$bb_now"
	bb_tidy
}

# Never into a folder that has the name by now; a busybox before 1.32 knows no -T.
bb_rename() {
	mv -fT -- "$bb_t" "./$bb_name" 2>/dev/null || { [ ! -d "./$bb_name" ] && mv -f -- "$bb_t" "./$bb_name"; }
}

# bb_sync FILE: a sync that knows no files does all there is.
bb_sync() {
	sync -- "$1" 2>/dev/null || sync
}

# bb_remove VOID: whatever it is there; nothing is said.
bb_remove() {
	if [ -d "$1" ] && [ ! -L "$1" ]; then rmdir -- "$1"; else rm -f -- "$1"; fi
} 2>/dev/null

bb_tidy() {
	for bb_f in "$bb_base.void" "${bb_base%+*}"+*.void; do
		bb_remove "$bb_f"
	done
	find . -maxdepth 1 -name '.bellbook+*' -mtime +0 \( -type d -exec rmdir -- {} \; -o -type f -exec rm -f -- {} \; \)
} 2>/dev/null

# bb_fence VOID: a folder of ours has that name (a file, of an older bellbook).
bb_fence() {
	mkdir -m 700 -- "$1" 2>/dev/null || { [ -O "$1" ] && [ ! -L "$1" ]; }
}

# look: with N = - for all attempts of the generation. `MARK same MODE` | `MARK other` | `MARK unsure` | `MARK failed WHAT`
bb_look() {
	bb_begin "$@"
	case $? in
	0) ;;
	2) bb_say other && return ;;
	3) return ;;
	*) bb_say failed "reach $bb_p" && return ;;
	esac
	bb_void=$bb_base+$bb_n.void
	[ "$bb_n" != - ] || bb_void=$bb_base.void
	bb_fenced=yes
	bb_fence "$bb_void" || bb_fenced=no
	#@look-fenced
	if [ "$bb_n" = - ]; then
		set -- "$bb_base+"*
	else
		set -- "$bb_base+$bb_n+"*
	fi
	for bb_f in "$@"; do
		case $bb_f in *.void) ;; *) rm -f -- "$bb_f" ;; esac
	done
	if ! bb_strange && bb_same; then
		bb_say same "$bb_now"
		bb_remove "$bb_void"
	elif [ "$bb_fenced" = yes ]; then
		bb_say other
	else
		bb_say unsure
	fi
}
