#!/usr/bin/env bats
# copies.bats - the backup of the upgrade, copied off the host: to this computer, to a host of the fleet, by hand; and that what is kept is whole.
# SPDX-License-Identifier: GPL-3.0-or-later
#
# One fleet; each walk ends before the new code. The settings of app1 are a link to a file elsewhere.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/walks.bash
. "$BATS_TEST_DIRNAME/../lib/walks.bash"
KEPT=/var/backups/mastodon

setup_file() {
	export FLEET_STATE=$BATS_FILE_TMPDIR/fleet BELLBOOK=${BELLBOOK:-$BATS_TEST_DIRNAME/../../build/release/bellbook}
	FLEET_MASTODON=v4.6.5 "$FLEET" up >&2
	"$FLEET" in app1 standin set pace 0
	"$FLEET" in app2 standin set pace 0
	"$FLEET" in app1 sh -ec "mkdir /etc/mastodon; mv $LIVE/.env.production /etc/mastodon/env; ln -s /etc/mastodon/env $LIVE/.env.production
		mkdir /srv/sites; echo '# ours' >/srv/sites/ours; mkdir -p /etc/nginx; ln -s /srv/sites/ours /etc/nginx/ours.conf"
}

teardown_file() { "$FLEET" down >&2; }

teardown() { [ -z "${output:-}" ] || echo "$output" | cut -c1-600 | tail -n 60; }

# up_to_code [OPTION…]: an upgrade, with the rules of RULES (one a line), up to the new code; the transcript is $output.
up_to_code() {
	export HOME=$BATS_TEST_TMPDIR/home
	mkdir -p "$HOME"
	RULES="${RULES:+$RULES
}step:checkout=abort" upgrade 4.6.6 "$@"
}

# digests HOST: of the newest backup there, sorted.
digests() { "$FLEET" in "$1" sh -c "cd $KEPT && s=\$(ls -t settings-* | head -n 1) && s=\${s#settings-} && s=\${s%.tar.gz} && sha256sum *\$s* | cut -d' ' -f1 | sort"; }

@test "to a folder of this computer: as root through sudo, with Redis and the file behind a link; places that will not do are refused; what is there stays" {
	local to=$BATS_TEST_TMPDIR/copies dump
	"$FLEET" break disk db2
	touch "$BATS_TEST_TMPDIR/file"
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho x >>%s\nexec %s "$@"\n' "$BATS_TEST_TMPDIR/read" "$(command -v sha256sum)" >"$BATS_TEST_TMPDIR/bin/sha256sum"
	chmod 755 "$BATS_TEST_TMPDIR/bin/sha256sum"
	# What somebody copied before is not copied again.
	dump="f=\$('$FLEET' in app1 sh -c 'ls -t $KEPT/*.dump | head -n 1') && mkdir -p $to/app1 && '$FLEET' in app1 cat \$f >$to/app1/\$(basename \$f)"
	RULES="question:Where shall=app1:/srv/copies@1
question:Where shall=db2:/tmp/copies@1
question:Where shall=db2:/srv/copies@1
question:Where shall=nowhere@1
question:Where shall=db9:/srv@1
question:Where shall=$BATS_TEST_TMPDIR/file@1
question:Where shall=$to
seen:STEP off-host-copy ok=x!cp $BATS_TEST_TMPDIR/read $BATS_TEST_TMPDIR/then
step:off-host-copy=go!$dump" DRIVE_DETAILS=1 DRIVE_COMMANDS=1 PATH=$BATS_TEST_TMPDIR/bin:$PATH up_to_code
	"$FLEET" mend disk db2
	has "the backup of app1 lies on it already"
	has "there is no room at db2:/tmp/copies: "
	has "db2:/srv/copies: /srv may not be written to by deploy, who logs in there; there, sudo install -d -o 'deploy' '/srv/copies' makes the folder"
	has "is no place: a folder of this computer begins with /"
	has "the fleet file names no host db9"
	has "this computer:$BATS_TEST_TMPDIR/file is no folder"
	# Everything that is copied was shown.
	has "  \$ this computer umask 077 && mkdir -p '$to/app1'"
	[[ $output =~ "  \$ app2 ssh.get $KEPT/settings-before-4.6.6-"[^$'\n']*" to $to/app2/settings-before-4.6.6-" ]]
	has "STEP off-host-copy ok"
	has "STEP off-host skipped it was copied to $to, and the digests are the same"
	[[ ! $output =~ "> off-host-copy app1 ssh.get "[^$'\n']*".dump to " ]]
	grep -q "^> off-host-copy app1 ssh.get .*\.rdb" <<<"$output"
	[[ $output =~ "# off-host-copy app1:$KEPT/before-4.6.6-"[^$'\n']*" lies at $to/app1/before-4.6.6-"[^$'\n']*" too. SHA-256 of both: "[0-9a-f]{64} ]]
	[ "$(cd "$to/app1" && sha256sum -- * | cut -d' ' -f1 | sort)" = "$(digests app1)" ]
	[ "$(cd "$to/app2" && sha256sum -- * | cut -d' ' -f1 | sort)" = "$(digests app2)" ]
	[ "$(stat -c %a "$to/app2")" = 700 ]
	[ "$(find "$to/app2" -type f ! -perm 600)" = "" ]
	run cat <(tar -xzOf "$to"/app1/settings-*.tar.gz etc/mastodon/env) <(tar -xzOf "$to"/app1/settings-*.tar.gz srv/sites/ours)
	[[ $output == *SECRET_KEY_BASE=*"# ours" ]]
	# What was compared is known by its size and times, and not read again.
	cmp "$BATS_TEST_TMPDIR/then" "$BATS_TEST_TMPDIR/read"
}

@test "to a host of the fleet, through this computer, where nothing stays" {
	up_to_code --set copy_to=search1:/tmp/copies
	has "STEP off-host-copy ok"
	[ -z "$("$FLEET" in search1 find /tmp/copies -type f ! -perm 600)" ]
	for host in app1 app2; do [ "$("$FLEET" in search1 sh -c "cat /tmp/copies/$host/* >/dev/null && sha256sum /tmp/copies/$host/*" | cut -d' ' -f1 | sort)" = "$(digests $host)" ]; done
	[ -z "$(find "$HOME" -type f -path '*/copy/*')" ]
}

@test "by hand: digests are compared; a link with nothing behind it and a copy of Redis that was cut off are no backup" {
	local cut="'$FLEET' in app1 sh -c 'printf \"%s\\n\" \"#!/bin/sh\" \"/usr/bin/redis-cli \\\"\\\$@\\\" || exit\" \"for f; do case \\\$f in *.rdb.part) truncate -s -20 \\\$f ;; esac; done\" >/usr/local/bin/redis-cli; chmod 755 /usr/local/bin/redis-cli'"
	local typed="'$FLEET' in app1 sh -c 'cd $KEPT; sha256sum * | cut -c 1-16' >$BATS_TEST_TMPDIR/one; '$FLEET' in app2 sh -c 'cd $KEPT; sha256sum * | cut -c 1-20' >$BATS_TEST_TMPDIR/two
		'$FLEET' in db1 sh -c 'cd $KEPT; sha256sum *' >$BATS_TEST_TMPDIR/three; tr '\\n' ' ' <$BATS_TEST_TMPDIR/one >$BATS_TEST_TMPDIR/most; cat $BATS_TEST_TMPDIR/one $BATS_TEST_TMPDIR/two $BATS_TEST_TMPDIR/three | tr '\\n' ' ' >$BATS_TEST_TMPDIR/all"
	typed=${typed//$'\n'/;}
	RULES="step:settings=go!'$FLEET' in app1 mv /etc/mastodon/env /etc/mastodon/away
failure:settings=retry@1!'$FLEET' in app1 mv /etc/mastodon/away /etc/mastodon/env; $cut
failure:settings=retry@1!'$FLEET' in app1 rm /usr/local/bin/redis-cli
question:Where shall=by hand
question:What does sha256sum=deadbeefdeadbeef@1
question:What does sha256sum=<$BATS_TEST_TMPDIR/most@1!$typed
question:What does sha256sum=<$BATS_TEST_TMPDIR/all" DRIVE_DETAILS=1 up_to_code
	has "$LIVE/.env.production is a link to /etc/mastodon/env, where nothing lies"
	has "the copy of Redis was cut off"
	has "STEP off-host-copy skipped it is copied by hand"
	has "  | "'  $ ssh app1 sudo cat '
	has "Of these nothing that was typed is the digest: app2:"
	has "STEP off-host ok"
	lacks "STEP off-host warn"
}
