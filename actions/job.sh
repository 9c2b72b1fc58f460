# shellcheck shell=sh disable=SC2016,SC2094
# job.sh - named jobs on a host: never started twice, found again after any loss. Functions only; job.c sends the text and calls `bb VERB JOB ...`.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A job is the directory ~/.bellbook/jobs/JOB (0700):
#
#	claim.1 claim.2 ...	who owns generation N; written once with O_EXCL (set -C)
#	out err			what the command writes
#
# A claim says either `void` or `PID START BOOT` (START: field 22 of /proc/PID/stat), and then, when the command has ended,
# a second line `rc N`. The second line goes through the descriptor opened for the claim into the block that is there
# already, so that a job which filled the disk can still say how it ended. A line counts only with its newline.
#
# The guarantee: for one JOB at most one claim ever holds a pid that ran, and it ran once. Who wants to run, and who wants to know
# that nothing will run, both take the next claim with O_EXCL; the kernel lets one of them win.
#
#	start G	the starter: makes the directory (mkdir is the fence between two starts of generation 1), runs the runner in a
#		session of its own, waits for it, reports its end and the first 64 KiB of both outputs
#	run G	the runner: takes claim.G and only then runs the command
#	look	voids the first claim that nobody has, or reports who has it
#
# Every interleaving:
#  1 starter killed before mkdir. look makes the directory and voids claim.1: never. A start of generation 2 may follow.
#  2 a starter so slow that it comes after 1. Its mkdir fails, its generation is 1: refused. That the directory stays, though
#    its job has been forgotten, is what forget takes care of: a directory with a void claim stays as a fence for a day.
#  3 starter killed between mkdir and the runner, or the runner before its claim. look voids claim.1: never; a runner that comes
#    late finds its claim taken and ends without having run anything.
#  4 runner and look at the same claim at once: O_EXCL, one wins. If the runner won, look reads an empty or a whole claim:
#    empty is told as `writing` (job.c looks again, for 3 s, then: unknown), whole as running or finished.
#  5 two looks at once: one voids claim G, the other finds it void and voids G+1. Each tells its own next generation; a start of
#    G+1 is then refused as void, a start of G+2 runs. At most one of the two starts runs.
#  6 two starts of one generation at once (a duplicated request): for generation 1 mkdir, for later ones the claim decides.
#  7 runner killed after its claim: pid gone or another start time or boot id, no rc: unknown. rc is read again after the pid was
#    found gone, since the runner writes rc before it goes.
#  8 host restarted: the boot id differs: unknown, unless rc is there.
#  9 no space: mkdir or the files fail: nothing ran, says so. The claim was made but cannot be written: the runner knows that it
#    is its own, removes it and ends without having run; look, who may have seen it empty, looks again.
# 10 connection lost while secrets are being sent: the runner reads all of them, up to the end line, before it takes its claim.
#
# Needs: a POSIX sh, mkdir, rm, head, tail, wc, kill, setsid (util-linux or busybox), /proc.
# Points named `#@` are where tests/unit/actions_job_sh_test.c stops a script to try the interleavings.

bb_jobs=$HOME/.bellbook/jobs

# bb_make: the job's directory. Words in bb_words when it cannot be made. A sweep may remove the empty folders above it at any time: tried again then.
bb_make() {
	for bb_try in 1 2 3 4 5 6 7 8 9; do
		bb_words=$(LC_ALL=C mkdir -m 700 -- "$bb_d" 2>&1) && return 0
		[ -e "$bb_d" ] && return 1
		for bb_up in "$HOME/.bellbook" "$bb_jobs"; do
			bb_why=$(LC_ALL=C mkdir -m 700 -- "$bb_up" 2>&1) || [ -d "$bb_up" ] || { bb_words=$bb_why; break; }
		done
	done
	: "$bb_try"
	return 1
}

# bb_identify PID: bb_state bb_ppid bb_session bb_since of a process, false when there is none.
bb_identify() {
	{ IFS= read -r bb_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	# The name, in brackets, may hold blanks and brackets itself.
	# shellcheck disable=SC2086
	set -- ${bb_stat##*) }
	bb_state=$1 bb_ppid=$2 bb_session=$4 bb_since=${20}
}

# bb_boot: the boot id into bb_boot.
bb_boot_id() {
	bb_boot=-
	{ read -r bb_boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || bb_boot=-
}

# bb_alive PID START BOOT
bb_alive() {
	bb_boot_id
	[ "$3" = "$bb_boot" ] && bb_identify "$1" && [ "$bb_since" = "$2" ] && [ "$bb_state" != Z ]
}

# bb_read CLAIM: its lines into bb_first and bb_rc; lines without their end do not count.
bb_read() {
	bb_first='' bb_rc=''
	{
		IFS= read -r bb_first || bb_first=''
		IFS= read -r bb_rc || bb_rc=''
	} 2>/dev/null <"$1" || return 1
	bb_rc=${bb_rc#rc }
}

# bb_heads: the first bytes of both outputs.
bb_heads() {
	[ ! -s "$bb_d/out" ] || head -c 65536 "$bb_d/out"
	[ ! -s "$bb_d/err" ] || head -c 65536 "$bb_d/err" >&2
}

# start JOB G MARK FEED SCRIPT: one line `MARK WORD ...`; after `MARK ended RC` the first bytes of out and err.
bb_start() {
	bb_g=$1 bb_mark=$2
	#@start-before-mkdir
	if ! bb_make; then
		if [ ! -d "$bb_d" ]; then
			printf '%s cannot %s\n' "$bb_mark" "$bb_words"
			return
		elif [ "$bb_g" = 1 ]; then
			printf '%s refused\n' "$bb_mark"
			return
		fi
	fi
	#@start-before-runner
	# In the foreground: a command run with & would ignore SIGINT and SIGQUIT for ever. setsid does not fork here.
	if [ "$3" = 1 ]; then
		# shellcheck disable=SC2154
		setsid sh -c 'bb_text=$1; eval "$1"; shift; bb "$@"' bellbook "$bb_text" run "$bb_job" "$@" >/dev/null 2>&1
	else
		setsid sh -c 'bb_text=$1; eval "$1"; shift; bb "$@"' bellbook "$bb_text" run "$bb_job" "$@" >/dev/null 2>&1 </dev/null
	fi
	bb_status=$?
	bb_read "$bb_d/claim.$bb_g"
	#@start-after-runner
	case $bb_status in
	0) printf '%s ended %s\n' "$bb_mark" "${bb_rc:--}" && bb_heads ;;
	10) printf '%s void\n' "$bb_mark" ;;
	11) printf '%s full\n' "$bb_mark" && bb_unmake ;;
	12) printf '%s cut\n' "$bb_mark" ;;
	127) printf '%s cannot setsid: not found\n' "$bb_mark" && bb_unmake ;;
	*) printf '%s lost %s\n' "$bb_mark" "$bb_status" ;;
	esac
}

# bb_unmake: nothing ran and nothing will: the directory of a first generation goes.
bb_unmake() {
	[ "$bb_g" != 1 ] || rm -rf -- "$bb_d"
}

# run JOB G MARK FEED SCRIPT: exit 0 it ran and rc is written, 10 the claim is another's, 11 no space, 12 the feed was cut short.
bb_run() {
	bb_g=$1 bb_feed=$3 bb_script=$4 bb_fed=''
	if [ "$bb_feed" = 1 ]; then
		bb_line=''
		while IFS= read -r bb_line && [ "$bb_line" != bellbook:end ]; do
			bb_fed="$bb_fed$bb_line
"
		done
		[ "$bb_line" = bellbook:end ] || exit 12
	fi
	exec </dev/null
	{ true >>"$bb_d/out" && true >>"$bb_d/err"; } || exit 11
	bb_identify $$
	bb_boot_id
	# Caught, not ignored: the command gets the default action, the runner outlives it and writes rc.
	trap : HUP INT QUIT TERM
	bb_exit=10
	#@run-before-claim
	set -C
	{
		set +C
		#@run-in-claim
		if printf '%s %s %s\n' $$ "${bb_since:--}" "$bb_boot" >&9; then
			bb_exit=0
			bb_run_it
			#@run-before-rc
			printf 'rc %s\n' "$bb_rc" >&9 || bb_exit=13
		else
			bb_exit=11
			rm -f -- "$bb_d/claim.$bb_g"
		fi
	} 9>"$bb_d/claim.$bb_g"
	exit $bb_exit
}

bb_run_it() {
	#@run-claimed
	if [ "$bb_feed" = 1 ]; then
		printf '%s' "$bb_fed" 9>&- | sh -c "$bb_script" >"$bb_d/out" 2>"$bb_d/err" 9>&-
	else
		sh -c "$bb_script" >"$bb_d/out" 2>"$bb_d/err" 9>&-
	fi
	bb_rc=$?
}

# look JOB MARK: never NEXT | writing | running G PID START | finished G RC | unknown WORDS | full | cannot WORDS
bb_look() {
	bb_mark=$1 bb_g=0
	while [ $bb_g -lt 1000 ]; do
		bb_g=$((bb_g + 1))
		if [ ! -d "$bb_d" ] && ! bb_make && [ ! -d "$bb_d" ]; then
			printf '%s cannot %s\n' "$bb_mark" "$bb_words"
			return
		fi
		#@look-before-void
		bb_void "$bb_d/claim.$bb_g"
		case $? in
		0) printf '%s never %s\n' "$bb_mark" $((bb_g + 1)) && return ;;
		2) printf '%s full\n' "$bb_mark" && return ;;
		esac
		bb_read "$bb_d/claim.$bb_g" || { bb_g=$((bb_g - 1)) && continue; }
		[ "$bb_first" = void ] || { bb_found && return; }
	done
	printf '%s unknown too many claims\n' "$bb_mark"
}

# bb_void CLAIM: 0 it is void now, 1 it is another's, 2 no space for it.
bb_void() {
	bb_exit=1
	set -C
	{
		set +C
		#@void-in-claim
		bb_exit=0
		printf 'void\n' >&9 || { bb_exit=2 && rm -f -- "$1"; }
	} 2>/dev/null 9>"$1"
	set +C
	return $bb_exit
}

# bb_found: tells what the claim just read means.
bb_found() {
	# shellcheck disable=SC2086
	set -- $bb_first
	if [ -n "$bb_rc" ]; then
		printf '%s finished %s %s\n' "$bb_mark" "$bb_g" "$bb_rc"
	elif [ $# -ne 3 ]; then
		printf '%s writing\n' "$bb_mark"
	elif bb_alive "$1" "$2" "$3"; then
		printf '%s running %s %s %s\n' "$bb_mark" "$bb_g" "$1" "$2"
	else
		bb_read "$bb_d/claim.$bb_g"
		if [ -n "$bb_rc" ]; then
			printf '%s finished %s %s\n' "$bb_mark" "$bb_g" "$bb_rc"
		elif [ "$3" = "$bb_boot" ]; then
			printf '%s unknown its process %s is gone and left no exit status\n' "$bb_mark" "$1"
		else
			printf '%s unknown the host was restarted since\n' "$bb_mark"
		fi
	fi
}

# poll JOB MARK G: as look for one claim, changing nothing; builtins only.
bb_poll() {
	bb_mark=$1 bb_g=$2
	if bb_read "$bb_d/claim.$bb_g"; then
		bb_found
	else
		printf '%s unknown its directory is gone\n' "$bb_mark"
	fi
}

# watch JOB OUT ERR: both outputs from these offsets on as they grow, until stdin ends.
bb_watch() {
	[ -f "$bb_d/out" ] && [ -f "$bb_d/err" ] || return
	tail -c "+$(($1 + 1))" -f -- "$bb_d/out" 2>/dev/null &
	bb_a=$!
	tail -c "+$(($2 + 1))" -f -- "$bb_d/err" >&2 2>/dev/null &
	bb_b=$!
	read -r bb_line
	kill "$bb_a" "$bb_b" 2>/dev/null
}

# fetch JOB OUT ERR: what both outputs hold behind these offsets now.
bb_fetch() {
	bb_rest "$bb_d/out" "$1"
	bb_rest "$bb_d/err" "$2" >&2
}

bb_rest() {
	bb_size=$(wc -c <"$1") || return
	bb_size=$((bb_size - $2))
	[ "$bb_size" -le 0 ] || tail -c "+$(($2 + 1))" -- "$1" | head -c "$bb_size"
}

# signal - MARK PID START SIGNAL: to all that PID's session holds or that descends from it, but not to PID itself: a runner lives to tell
# the end. `MARK left N`: how many got it. START - means any.
bb_signal() {
	bb_mark=$1 bb_left=0
	if bb_identify "$2" && { [ "$3" = - ] || [ "$bb_since" = "$3" ]; }; then
		bb_family "$2"
		for bb_pid in $bb_kin; do
			kill -s "$4" "$bb_pid" 2>/dev/null && bb_left=$((bb_left + 1))
		done
	fi
	printf '%s left %s\n' "$bb_mark" "$bb_left"
}

# bb_family PID: the living of its session and below it into bb_kin. By parents too: sudo may give the command a session of its own.
bb_family() {
	bb_all='' bb_kin='' bb_last=-
	for bb_s in /proc/[0-9]*; do
		bb_pid=${bb_s#/proc/}
		if bb_identify "$bb_pid" && [ "$bb_pid" != "$1" ] && [ "$bb_state" != Z ]; then
			bb_all="$bb_all $bb_pid:$bb_ppid:$bb_session"
		fi
	done
	while [ "$bb_kin" != "$bb_last" ]; do
		bb_last=$bb_kin
		for bb_s in $bb_all; do
			bb_pid=${bb_s%%:*} bb_s=${bb_s#*:}
			case " $bb_kin " in *" $bb_pid "*) continue ;; esac
			if [ "${bb_s#*:}" = "$1" ]; then
				bb_kin="$bb_kin $bb_pid"
			else
				case " $1 $bb_kin " in *" ${bb_s%:*} "*) bb_kin="$bb_kin $bb_pid" ;; esac
			fi
		done
	done
}

# forget JOB MARK: gone | kept (a fence against a late starter) | running
bb_forget() {
	bb_mark=$1 bb_fence=0
	for bb_c in "$bb_d"/claim.*; do
		bb_read "$bb_c" || continue
		# shellcheck disable=SC2086
		set -- $bb_first
		if [ "$bb_first" = void ]; then
			bb_fence=1
		elif [ -z "$bb_rc" ] && [ $# -eq 3 ] && bb_alive "$1" "$2" "$3"; then
			printf '%s running\n' "$bb_mark"
			return
		fi
	done
	if [ $bb_fence = 0 ]; then
		rm -rf -- "$bb_d" && printf '%s gone\n' "$bb_mark"
		return
	fi
	rm -f -- "$bb_d/out" "$bb_d/err" && printf '%s kept\n' "$bb_mark"
	find "$bb_jobs" -mindepth 1 -maxdepth 1 -type d -mtime +0 -exec sh -c '[ -e "$1/out" ] || rm -rf -- "$1"' sh {} \; 2>/dev/null
}

# bb VERB JOB ...
bb() {
	bb_verb=$1 bb_job=$2 bb_d=$bb_jobs/$2
	shift 2
	"bb_$bb_verb" "$@"
}
