# shellcheck shell=sh disable=SC2016,SC2094
# job.sh - named jobs on a host: never started twice, found again after any loss. Functions only; job.c sends the text and calls `bb VERB JOB ...`.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A job is files in ~/.bellbook/jobs (0700), or in the folder that the fleet file names for the host, without a directory of its own:
# a program start saved, and nothing but the claim decides.
#
#	JOB+1 JOB+2 ...		claims: who owns generation N; written once with O_EXCL (set -C)
#	JOB+out JOB+err		what the command writes; made by the owner of a claim, behind its claim
#
# A claim says either `void` or `PID START BOOT` (START: field 22 of /proc/PID/stat), and then, when the command has ended,
# a second line `rc N`. The second line goes through the descriptor opened for the claim into the block that is there
# already, so that a job which filled the disk can still say how it ended. A line counts only with its newline.
#
# Power may go at any time, and with it all that was not synced. So the claim, with the folders above it, is on the disk before the
# command begins; the outputs are before the second line is written; and no end and no void is told that is not on the disk itself.
#
# The guarantee: for one JOB at most one claim ever holds a pid that ran, and it ran once. Who wants to run, and who wants to know
# that nothing will run, both take the next claim with O_EXCL; the kernel lets one of them win.
#
#	start G	the starter: runs the runner in a session of its own, waits for it, reports its end and the first 64 KiB of both outputs
#	runner	takes claim G and only then runs the command
#	look	voids the first claim that nobody has, or reports who has it
#
# Every interleaving:
#  1 starter killed before its runner takes the claim. look voids claim 1: never. A start of generation 2 may follow.
#  2 a starter so slow that it comes after 1. Its runner finds its claim taken and ends without having run anything. That this claim
#    stays, though the job has been forgotten, is what forget takes care of: the claims of a job of which one is void stay for a day.
#  3 starter or runner killed between all other steps before the claim: as 1; the starter makes nothing that anybody asks for.
#  4 runner and look at the same claim at once: O_EXCL, one wins. If the runner won, look reads an empty or a whole claim:
#    empty is told as `writing` (job.c looks again, for 3 s, then: unknown), whole as running or finished.
#  5 two looks at once: one voids claim G, the other finds it void and voids G+1. Each tells its own next generation; a start of
#    G+1 is then refused as void, a start of G+2 runs. At most one of the two starts runs.
#  6 two starts of one generation at once (a duplicated request): the claim decides.
#  7 runner killed after its claim: pid gone or another start time or boot id, no rc: unknown. rc is read again after the pid was
#    found gone, since the runner writes rc before it goes.
#  8 host restarted: the boot id differs: unknown, unless rc is there. Power lost before the claim was synced: nothing had run, and
#    look finds no claim (never) or an empty one (unknown, after job.c's 3 s).
#  9 no space: the claim was made but it or the outputs cannot be: the runner knows that the claim is its own, removes it and ends
#    without having run; look, who may have seen it empty, looks again.
# 10 connection lost while secrets are being sent: the runner reads all of them, up to the end line, before it takes its claim.
#
# Needs: a POSIX sh, mkdir, rm, head, tail, wc, kill, find, sync, setsid (util-linux or busybox), /proc.
# Without sync no job is started: nobody could promise that it runs once.
# Points named `#@` are where tests/unit/actions_job_sh_test.c stops a script to try the interleavings.

bb_jobs=$HOME/.bellbook/jobs bb_named=''
# Files of ours are for us alone and can be read by us, whatever umask the log-in has (some have 777); the command keeps that one.
bb_umask=$(umask)

# bb_jobs_at FOLDER: jobs are there instead, as the fleet file says so.
bb_jobs_at() {
	bb_jobs=$1 bb_named=yes
}

# bb_make: the directory of all jobs. Words in bb_words when it cannot be made. Somebody may clear up empty folders at any time: tried again then.
bb_make() {
	for bb_try in 1 2 3 4 5 6 7 8 9; do
		if [ -d "$bb_jobs" ]; then
			bb_is_fit
			return
		fi
		if [ -z "$bb_named" ]; then
			bb_words=$(LC_ALL=C mkdir -m 700 -- "$HOME/.bellbook" 2>&1) || [ -d "$HOME/.bellbook" ] || continue
			[ ! -d "$HOME/.bellbook" ] || bb_ours "$HOME/.bellbook" || return
		fi
		bb_words=$(LC_ALL=C mkdir -m 700 -- "$bb_jobs" 2>&1)
	done
	: "$bb_try"
	[ -d "$bb_jobs" ] && bb_is_fit
}

# bb_is_fit: nobody else can put anything in the place of what we write.
bb_is_fit() {
	if [ -z "$bb_named" ]; then
		bb_ours "$HOME/.bellbook" && bb_ours "$bb_jobs"
		return
	fi
	bb_ours "$bb_jobs" && bb_closed "$bb_jobs" && bb_kept "${bb_jobs%/*}/" || return
	bb_words="write to $bb_jobs"
	[ -w "$bb_jobs" ]
}

# bb_closed FOLDER: nobody else can write it.
bb_closed() {
	case $(stat -L -c %a -- "$1") in
	'' | *[2367] | *[2367]?)
		bb_words="use $1: others can write to it"
		return 1
		;;
	esac
}

# bb_kept FOLDER: nobody else can rename what we have in it.
bb_kept() {
	case $(stat -c %u -- "$1") in
	0 | "$(id -u)") [ -k "$1" ] || bb_closed "$1" ;;
	*) bb_words="use what is in $1: that belongs to somebody else" && return 1 ;;
	esac
}

# bb_ours FOLDER: it is, and so is a link in its place (or root's); else whoever it is of could have files of ours written where he likes.
bb_ours() {
	if [ -O "$1" ]; then
		[ -L "$1" ] || return 0
		case $(stat -c %u -- "$1") in 0 | "$(id -u)") return 0 ;; esac
	fi
	bb_words="use $1: it belongs to somebody else"
	return 1
}

# bb_sync FILE...: on the disk. A sync that knows no files does all there is.
bb_sync() {
	sync -- "$@" 2>/dev/null || sync 2>/dev/null
}

# bb_cannot: tells why no claim can be made here, as another file cannot be made either.
bb_cannot() {
	bb_make || { bb_nowhere && return; }
	if bb_words=$(LC_ALL=C mkdir -- "$bb_d+try" 2>&1) && rmdir -- "$bb_d+try"; then
		printf '%s cannot read its claim, though a file can be made beside it\n' "$bb_mark"
	else
		bb_nowhere
	fi
}

# bb_nowhere: tells that there is no place for jobs; in one line.
bb_nowhere() {
	printf '%s nowhere %s\n' "$bb_mark" "${bb_words%%
*}"
}

# bb_identify PID: bb_state bb_ppid bb_session bb_since of a process, false when there is none.
bb_identify() {
	{ IFS= read -r bb_stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	# The name, in brackets, may hold blanks and brackets itself.
	# shellcheck disable=SC2086
	set -- ${bb_stat##*) }
	bb_state=$1 bb_ppid=$2 bb_session=$4 bb_since=${20}
}

# bb_boot_id: the boot id into bb_boot, asked for once.
bb_boot=''
bb_boot_id() {
	[ -z "$bb_boot" ] || return 0
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
	[ ! -s "$bb_d+out" ] || head -c 65536 "$bb_d+out"
	[ ! -s "$bb_d+err" ] || head -c 65536 "$bb_d+err" >&2
}

# The runner, a program of its own, since it has a session of its own; short, as every job reads it anew.
# bb_runner CLAIMS G FEED BOOT SCRIPT UMASK: exit 0 it ran and rc is written, 10 the claim is another's, 11 no space, 12 the feed was cut short, 13 it ran, but rc is not on the disk, 14 nothing can be synced.
bb_runner='
bb_d=$1 bb_g=$2 bb_feed=$3 bb_boot=$4 bb_script=$5 bb_umask=$6 bb_fed="" bb_since=- bb_a=${1%/*} bb_b=${1%/*/*} bb_c=${1%/*/*/*}
if [ "$bb_feed" = 1 ]; then
	bb_line=""
	while IFS= read -r bb_line && [ "$bb_line" != bellbook:end ]; do
		bb_fed="$bb_fed$bb_line
"
	done
	[ "$bb_line" = bellbook:end ] || exit 12
	exec </dev/null
fi
if IFS= read -r bb_stat </proc/$$/stat; then
	set -- ${bb_stat##*) }
	bb_since=${20}
fi
bb_sync() {
	sync -- "$@" 2>/dev/null || sync 2>/dev/null
}
bb_run() {
	umask "$bb_umask"
	#@run-claimed
	if [ "$bb_feed" = 1 ]; then
		printf "%s" "$bb_fed" 7>&- 8>&- 9>&- | sh -c "$bb_script" >&7 2>&8 7>&- 8>&- 9>&-
	else
		sh -c "$bb_script" >&7 2>&8 7>&- 8>&- 9>&-
	fi
	bb_rc=$?
	#@run-before-rc
	if [ -s "$bb_d+out" ] || [ -s "$bb_d+err" ]; then
		bb_sync "$bb_d+out" "$bb_d+err" || bb_exit=13
	fi
	printf "rc %s\\n" "$bb_rc" >&9 && bb_sync "$bb_d+$bb_g" || bb_exit=13
}
# Caught, not ignored: the command gets the default action, the runner outlives it and writes rc.
trap : HUP INT QUIT TERM
bb_exit=10
#@run-before-claim
set -C
{
	set +C
	#@run-in-claim
	bb_exit=11
	{
		if printf "%s %s %s\\n" $$ "$bb_since" "$bb_boot" >&9; then
			bb_exit=14
			if bb_sync "$bb_d+$bb_g" "$bb_a" "${bb_b:-/}" "${bb_c:-/}"; then
				bb_exit=0
				bb_run
			fi
		fi
	} 7>"$bb_d+out" 8>"$bb_d+err"
	[ $bb_exit != 11 ] && [ $bb_exit != 14 ] || rm -f -- "$bb_d+out" "$bb_d+err" "$bb_d+$bb_g"
} 9>"$bb_d+$bb_g"
exit $bb_exit
'

# start JOB G MARK FEED SCRIPT: one line `MARK WORD ...`; after `MARK ended RC` the first bytes of out and err. stdin is the feed, or empty.
bb_start() {
	bb_g=$1 bb_mark=$2 bb_tries=0
	bb_boot_id
	while :; do
		bb_make || { bb_nowhere && return; }
		#@start-before-runner
		# In the foreground: a command run with & would ignore SIGINT and SIGQUIT for ever. setsid does not fork here.
		umask 077
		setsid sh -c "$bb_runner" bellbook "$bb_d" "$bb_g" "$3" "$bb_boot" "$4" "$bb_umask" >/dev/null 2>&1
		bb_status=$?
		umask "$bb_umask"
		bb_read "$bb_d+$bb_g" || [ "$bb_status" != 10 ] || bb_status=9
		# No claim, neither its own nor another's: once more when the directory is gone. A feed is read by now.
		bb_tries=$((bb_tries + 1))
		if [ "$bb_status" != 9 ] || [ "$3" = 1 ] || [ $bb_tries = 10 ] || [ -d "$bb_jobs" ]; then break; fi
	done
	#@start-after-runner
	case $bb_status in
	0) printf '%s ended %s\n' "$bb_mark" "${bb_rc:--}" && bb_heads ;;
	9) bb_cannot ;;
	10) if [ "$bb_first" = void ]; then printf '%s void\n' "$bb_mark"; else printf '%s refused\n' "$bb_mark"; fi ;;
	11) printf '%s full\n' "$bb_mark" ;;
	12) printf '%s cut\n' "$bb_mark" ;;
	14) bb_no_sync ;;
	127) if [ -e "$bb_d+$bb_g" ]; then printf '%s lost 127\n' "$bb_mark"; else printf '%s cannot run setsid: not found\n' "$bb_mark"; fi ;;
	*) printf '%s lost %s\n' "$bb_mark" "$bb_status" ;;
	esac
}

bb_no_sync() {
	printf '%s cannot sync: nothing can be brought to its disk for certain, and a power cut could make a command run twice\n' "$bb_mark"
}

# look JOB MARK: never NEXT | writing | running G PID START | finished G RC | unknown WORDS | full | nowhere WORDS | cannot WORDS
bb_look() {
	bb_mark=$1 bb_g=1 bb_tries=0
	bb_make || { bb_cannot && return; }
	while [ $bb_g -lt 1000 ]; do
		#@look-before-void
		bb_void "$bb_d+$bb_g"
		case $? in
		0)
			# Forgotten by a power cut, it would let a later claim go unseen.
			bb_b=${bb_jobs%/*} bb_c=${bb_jobs%/*/*}
			if bb_sync "$bb_d+$bb_g" "$bb_jobs" "${bb_b:-/}" "${bb_c:-/}"; then
				printf '%s never %s\n' "$bb_mark" $((bb_g + 1))
			else
				bb_no_sync
			fi
			return
			;;
		2) printf '%s full\n' "$bb_mark" && return ;;
		esac
		if ! bb_read "$bb_d+$bb_g"; then
			# No directory yet, or a claim whose owner had no space for it and removed it.
			bb_tries=$((bb_tries + 1))
			bb_make && [ $bb_tries -lt 10 ] && continue
			bb_cannot
			return
		fi
		[ "$bb_first" = void ] || { bb_found && return; }
		bb_g=$((bb_g + 1))
	done
	printf '%s unknown too many claims\n' "$bb_mark"
}

# bb_void CLAIM: 0 it is void now, 1 it is another's, 2 no space for it.
bb_void() {
	bb_exit=1
	umask 077
	set -C
	{
		set +C
		#@void-in-claim
		bb_exit=0
		printf 'void\n' >&9 || { bb_exit=2 && rm -f -- "$1"; }
	} 2>/dev/null 9>"$1"
	set +C
	umask "$bb_umask"
	return $bb_exit
}

# bb_found: tells what the claim just read means.
bb_found() {
	# shellcheck disable=SC2086
	set -- $bb_first
	if [ -n "$bb_rc" ]; then
		bb_finished
	elif [ $# -ne 3 ]; then
		printf '%s writing\n' "$bb_mark"
	elif bb_alive "$1" "$2" "$3"; then
		printf '%s running %s %s %s\n' "$bb_mark" "$bb_g" "$1" "$2"
	else
		bb_read "$bb_d+$bb_g"
		if [ -n "$bb_rc" ]; then
			bb_finished
		elif [ "$3" = "$bb_boot" ]; then
			printf '%s unknown its process %s is gone and left no exit status\n' "$bb_mark" "$1"
		else
			printf '%s unknown the host was restarted since\n' "$bb_mark"
		fi
	fi
}

# What is read may be in memory only, as its runner may have been killed before it synced.
bb_finished() {
	if bb_sync "$bb_d+$bb_g" "$bb_jobs"; then
		printf '%s finished %s %s\n' "$bb_mark" "$bb_g" "$bb_rc"
	else
		bb_no_sync
	fi
}

# poll JOB MARK G: as look for one claim, changing nothing; builtins only.
bb_poll() {
	bb_mark=$1 bb_g=$2
	if bb_read "$bb_d+$bb_g"; then
		bb_found
	else
		printf '%s unknown its claim is gone\n' "$bb_mark"
	fi
}

# watch JOB OUT ERR: both outputs from these offsets on as they grow, until stdin ends.
bb_watch() {
	[ -f "$bb_d+out" ] && [ -f "$bb_d+err" ] || return
	tail -c "+$(($1 + 1))" -f -- "$bb_d+out" 2>/dev/null &
	bb_a=$!
	tail -c "+$(($2 + 1))" -f -- "$bb_d+err" >&2 2>/dev/null &
	bb_b=$!
	# shellcheck disable=SC2034
	read -r bb_line
	kill "$bb_a" "$bb_b" 2>/dev/null
}

# fetch JOB OUT ERR MAX: what both outputs hold behind these offsets now, of each at most MAX bytes.
bb_fetch() {
	bb_max=$3
	bb_rest "$bb_d+out" "$1"
	bb_rest "$bb_d+err" "$2" >&2
}

bb_rest() {
	bb_size=$(wc -c <"$1") || return
	bb_size=$((bb_size - $2))
	[ "$bb_size" -le "$bb_max" ] || bb_size=$bb_max
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
		# Somebody may have stopped it: a stopped process hears no TERM, and a stopped runner never tells the end.
		# shellcheck disable=SC2086
		kill -s CONT "$2" $bb_kin 2>/dev/null
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

# forget - MARK JOB...: gone | kept (at least one as a fence against a late starter) | running (at least one). One rm for all of them.
bb_forget() {
	bb_mark=$1 bb_list='' bb_word=gone
	shift
	for bb_name in "$@"; do
		bb_forget_one "$bb_name"
	done
	# Names of jobs hold nothing that a shell would split or expand.
	# shellcheck disable=SC2086
	[ -z "$bb_list" ] || (cd -- "$bb_jobs" && rm -f -- $bb_list)
	printf '%s %s\n' "$bb_mark" "$bb_word"
	[ "$bb_word" = gone ] || find "$bb_jobs" -type f -name '*+[0-9]*' -mtime +0 \
		-exec sh -c '[ -e "${1%+*}+out" ] || rm -f -- "$1"' sh {} \; 2>/dev/null
}

bb_forget_one() {
	bb_claims='' bb_fence=''
	for bb_c in "$bb_jobs/$1+"[0-9]*; do
		bb_read "$bb_c" || continue
		bb_claims="$bb_claims ${bb_c##*/}"
		# shellcheck disable=SC2086
		if [ "$bb_first" = void ]; then
			bb_fence=1
		elif [ -z "$bb_rc" ] && bb_holds $bb_first; then
			bb_word=running
			return
		fi
	done
	bb_list="$bb_list $1+out $1+err"
	if [ -z "$bb_fence" ]; then
		bb_list="$bb_list$bb_claims"
	elif [ "$bb_word" = gone ]; then
		bb_word=kept
	fi
}

# bb_holds WORD...: the words of a claim are of somebody who lives.
bb_holds() {
	[ $# -eq 3 ] && bb_alive "$1" "$2" "$3"
}

# bb VERB JOB ...
bb() {
	bb_verb=$1 bb_d=$bb_jobs/$2
	shift 2
	"bb_$bb_verb" "$@"
}
