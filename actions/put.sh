# shellcheck shell=sh
# put.sh - puts a file in place on a host, whole or not at all. Functions only; ssh_put.c sends the text and calls them.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The content goes into DIR/.bellbook+JOB+G+N (G: generation of the job, N: attempt within it), which is made with O_EXCL, checked
# against the SHA-256 that was told, and renamed. Only the one descriptor ever writes into it, and nothing after its creation would
# create it again: so whoever removes it knows that its rename can only fail.
#
# After a loss, look first makes DIR/.bellbook+JOB+G.void (or ...+G+N.void for one attempt), then removes the files of the attempts,
# then compares the target:
#  1 the attempt made its file before the void: it is removed; the rename was before that, and the target shows it, or it fails.
#  2 the attempt makes its file after the void: it looks for the void next, finds it and goes.
# So "other" is final: nothing of that attempt will change the target any more.
# Voids go with the next success in that directory, or after a day.
#
# Needs: a POSIX sh, cat, sha256sum, stat, chmod, chown, mv, rm, readlink, find, sync (coreutils or busybox).

bb_say() {
	printf '%s %s\n' "$bb_mark" "$*"
}

# bb_begin MARK PATH BASE N MODE OWNER: the first line of stdin is the SHA-256.
bb_begin() {
	bb_mark=$1 bb_p=$2 bb_n=$4 bb_mode=$5 bb_owner=$6
	IFS= read -r bb_sha || return 1
	# A link stays one: what it points to is replaced.
	if [ -L "$bb_p" ]; then bb_p=$(readlink -f -- "$bb_p") || bb_p=$2; fi
	bb_dir=${bb_p%/*}
	bb_dir=${bb_dir:-/}
	bb_base=${bb_dir%/}/.bellbook+$3
	bb_t=$bb_base+$bb_n
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

# True when the target is as it should be; its mode into bb_now.
bb_same() {
	[ -f "$bb_p" ] && bb_now=$(stat -c %a -- "$bb_p") || return 1
	[ -z "$bb_mode" ] || [ "$bb_mode" = "$bb_now" ] || return 1
	bb_owned "$(stat -c '%U:%G %u:%g' -- "$bb_p")" || return 1
	bb_sum "$bb_p" && [ "$bb_h" = "$bb_sha" ]
}

bb_fail() {
	bb_say failed "$*"
	rm -f -- "$bb_t"
}

# put: one line `MARK same MODE` | `MARK done MODE` | `MARK void` | `MARK cut` | `MARK failed WHAT`; why it failed is on stderr.
bb_put() {
	bb_begin "$@" || return
	if [ -d "$bb_p" ]; then bb_say failed "replace $bb_p" && echo 'it is a directory' >&2 && return; fi
	if bb_same; then bb_say same "$bb_now" && return; fi
	umask 077
	bb_got=no
	set -C
	{
		set +C
		#@put-created
		bb_got=void
		if [ ! -e "$bb_base.void" ] && [ ! -e "$bb_t.void" ]; then
			cat >&9 && bb_got=yes || bb_got=short
		fi
	} 9>"$bb_t"
	set +C
	case $bb_got in
	no) bb_say failed "create a file in $bb_dir" ;;
	void) bb_say void && rm -f -- "$bb_t" ;;
	short) bb_fail "write to $bb_dir" ;;
	yes) bb_place ;;
	esac
}

bb_place() {
	if ! bb_sum "$bb_t" || [ "$bb_h" != "$bb_sha" ]; then
		bb_say cut
		rm -f -- "$bb_t"
		return
	fi
	bb_now=$bb_mode
	if [ -f "$bb_p" ]; then
		[ -n "$bb_now" ] || bb_now=$(stat -c %a -- "$bb_p")
		[ -n "$bb_owner" ] || bb_owner=$(stat -c %u:%g -- "$bb_p")
	fi
	bb_now=${bb_now:-644}
	if [ -n "$bb_owner" ] && ! bb_owned "$(stat -c '%U:%G %u:%g' -- "$bb_t")"; then
		chown -- "$bb_owner" "$bb_t" || { bb_fail "make $bb_owner its owner" && return; }
	fi
	chmod -- "$bb_now" "$bb_t" || { bb_fail "set its mode" && return; }
	sync -- "$bb_t" 2>/dev/null
	#@put-before-rename
	mv -f -- "$bb_t" "$bb_p" || { bb_fail "put it in its place" && return; }
	sync -- "$bb_dir" 2>/dev/null
	bb_say 'done' "$bb_now"
	bb_tidy
}

bb_tidy() {
	rm -f -- "$bb_base.void" "${bb_base%+*}"+*.void
	find "$bb_dir" -maxdepth 1 -type f -name '.bellbook+*' -mtime +0 -exec rm -f -- {} \;
} 2>/dev/null

# look: with N = - for all attempts of the generation. `MARK same MODE` | `MARK other` | `MARK unsure`
bb_look() {
	bb_begin "$@" || return
	bb_void=$bb_t.void
	[ "$bb_n" != - ] || bb_void=$bb_base.void
	bb_fenced=yes
	if [ -d "$bb_dir" ]; then
		{ : >"$bb_void"; } 2>/dev/null || bb_fenced=no
		#@look-fenced
		if [ "$bb_n" = - ]; then
			for bb_f in "$bb_base"+*; do
				case $bb_f in *.void) ;; *) rm -f -- "$bb_f" ;; esac
			done
		else
			rm -f -- "$bb_t"
		fi
	fi
	if bb_same; then
		bb_say same "$bb_now"
		rm -f -- "$bb_void"
	elif [ "$bb_fenced" = yes ]; then
		bb_say other
	else
		bb_say unsure
	fi
}
