# shellcheck shell=bash
# standin.sh - for tests on the practice fleet: what happened on its hosts. Sourced.
# SPDX-License-Identifier: GPL-3.0-or-later

# effects HOST: one a line since the log was cleared, without times and members' jobs.
effects() { "$FLEET" in "$1" cat /var/log/standin/effects | cut -d' ' -f4- | grep -v '^job '; }

# is HOST TEXT: the effects of the host are exactly these lines.
is() { diff <(effects "$1") - <<<"$2"; }

# both COMMAND…: on both app hosts.
both() {
	local h
	for h in app1 app2; do "$FLEET" in "$h" "$@"; done
}

# What makes version.rb, or from 4.4 on config/mastodon.yml, that of a fork, as a script of sed.
# shellcheck disable=SC2034 # for whoever sources this
GLITCH="s/ENV.fetch('MASTODON_VERSION_METADATA', nil)/['glitch', ENV.fetch('MASTODON_VERSION_METADATA', nil)].compact_blank.join('.')/"

# other BASE NAME SED: a release of somebody else's in the origin of both app hosts, with NAME as tag; the same commit on both.
other() {
	local script="rm -rf /tmp/other; git clone -q -s /srv/standin/origin/mastodon.git /tmp/other; cd /tmp/other; git checkout -q $1
		for f in lib/mastodon/version.rb config/mastodon.yml; do [ ! -e \$f ] || sed -i \"$3\" \$f; done
		export GIT_AUTHOR_DATE=@1700000000 GIT_COMMITTER_DATE=@1700000000; git -c user.name=fork -c user.email=fork@fork.example commit -qam $2; git tag $2; git push -q origin $2; rm -rf /tmp/other"
	both runuser -u mastodon -- sh -ec "$script" >&2
}
