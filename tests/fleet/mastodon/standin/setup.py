# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the stand-in on a host: user's files, repositories, wrappers, units, database, and the services of its roles."""
import hashlib
import os
import pwd
import secrets
import socket
import string
import subprocess
import sys
import time

from standin import database, releases, repo
from standin.core import BALLAST, EFFECTS, ETC, HOME, JOURNAL, LIVE, LOG, ORIGIN, RBENV, RUN, USER, fill_ballast, real_systemd, slurp, spit, version_key
from standin.redis import Redis, RedisError

BASE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHIMS = ["ruby", "bundle", "bundler", "gem", "rails", "rake", "puma", "sidekiq"]
TOOLS = ["systemctl", "journalctl", "node", "corepack", "vips", "ffmpeg", "ffprobe", "ldconfig", "standin"]
MASTODON_URL = "https://github.com/mastodon/mastodon.git"
RUBY_BUILD_URL = "https://github.com/rbenv/ruby-build.git"


def wrapper(path, name):
    """A command of the stand-in: a shell line that starts main.py under the command's name."""
    spit(path, '#!/bin/sh\nexec /usr/bin/python3 -I -S %s/main.py %s "$@"\n' % (BASE, name), 0o755)


def counted_systemctl():
    """systemd's own systemctl; what root changes by it is first written down as an effect."""
    return ('''#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the stand-in would have written down, then systemd's own systemctl.
signal= verb= units= now= take=
for word; do
	if [ "$take" ]; then
		[ "$take" != signal ] || signal="-s $word "
		take=
		continue
	fi
	case $word in
	-s | --signal) take=signal ;;
	--signal=*) signal="-s ${word#*=} " ;;
	-s*) signal="-s ${word#-s} " ;;
	-p | -n | -t | -o | -M | -H) take=other ;;
	--now) now="--now " ;;
	-*) ;;
	*) if [ "$verb" ]; then units+=" $word"; else verb=$word; fi ;;
	esac
done
case $verb in
start | stop | restart | try-restart | reload | reload-or-restart | kill | reset-failed | daemon-reload) what="$verb $signal${units# }" ;;
enable | disable | mask | unmask) what="$verb $now${units# }" ;;
*) what= ;;
esac
if [ "$what" ] && [ "$EUID" = 0 ] && [ -z "$STANDIN_UNCOUNTED" ]; then
	line="$(date -u +%%Y-%%m-%%dT%%H:%%M:%%S.%%6NZ) $(uname -n) $$ systemctl ${what%% }"
	# On a full disk the ballast makes room, as for every other effect.
	printf '%%s\\n' "$line" >>%s || { : >%s && printf '%%s\\n' "$line" >>%s; }
fi 2>/dev/null
exec /usr/bin/systemctl "$@"
''' % (EFFECTS, BALLAST, EFFECTS))


def alnum(n):
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(n))


def agree_on_seed():
    """One random seed for all hosts of a fleet, through FLEET_SEED or Redis (where it lives for ten minutes)."""
    if os.environ.get("FLEET_SEED"):
        return
    seed = secrets.token_hex(32)
    try:
        redis = Redis(os.environ.get("FLEET_REDIS", "localhost"), os.environ.get("FLEET_REDIS_PORT", 6379))
        redis.cmd("SET", "standin:seed", seed, "NX", "EX", 600)
        seed = redis.cmd("GET", "standin:seed") or seed
    except RedisError:
        pass
    os.environ["FLEET_SEED"] = seed


def shared(name, make):
    """A secret that all hosts of one fleet share, as long as make() would make it."""
    seed = os.environ["FLEET_SEED"]
    return hashlib.sha512(("%s %s" % (seed, name)).encode()).hexdigest()[:len(make())]


def env_file(version, domain):
    """The text of .env.production."""
    lines = ["# Generated with mastodon:setup", "", "LOCAL_DOMAIN=" + domain, "SINGLE_USER_MODE=false",
             "SECRET_KEY_BASE=" + shared("base", lambda: secrets.token_hex(64))]
    if version_key(version) < (4, 4):
        lines.append("OTP_SECRET=" + shared("otp", lambda: secrets.token_hex(64)))
    if version_key(version) >= (4, 3):
        for name in ("DETERMINISTIC_KEY", "KEY_DERIVATION_SALT", "PRIMARY_KEY"):
            lines.append("ACTIVE_RECORD_ENCRYPTION_%s=%s" % (name, shared(name, lambda: alnum(32))))
    lines += ["VAPID_PRIVATE_KEY=" + shared("vapid", lambda: secrets.token_urlsafe(32)) + "=",
              "VAPID_PUBLIC_KEY=B" + shared("vapid-public", lambda: secrets.token_urlsafe(64)) + "=",
              "DB_HOST=" + os.environ.get("FLEET_DB", "localhost"), "DB_PORT=" + os.environ.get("FLEET_DB_PORT", "5432"),
              "DB_NAME=" + os.environ.get("FLEET_DB_NAME", "mastodon_production"),
              "DB_USER=" + os.environ.get("FLEET_DB_USER", "mastodon"), "DB_PASS=" + os.environ.get("FLEET_DB_PASS", ""),
              "REDIS_HOST=" + os.environ.get("FLEET_REDIS", "localhost"), "REDIS_PORT=" + os.environ.get("FLEET_REDIS_PORT", "6379"),
              "REDIS_PASSWORD=", "SMTP_SERVER=localhost", "SMTP_PORT=25", "SMTP_AUTH_METHOD=none",
              "SMTP_FROM_ADDRESS=Mastodon <notifications@%s>" % domain]
    return "\n".join(lines) + "\n"


def host_files(version):
    """/etc/standin, the logs, and the commands below /usr/local/bin."""
    for path, mode in ((ETC, 0o755), (ETC + "/fail.d", 0o755), (RUN, 0o755), (LOG, 0o1777), (os.path.dirname(ORIGIN), 0o755)):
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
    for path, mode in ((EFFECTS, 0o666), (BALLAST, 0o666), (JOURNAL, 0o644)):
        with open(path, "a", encoding="utf-8"):
            pass
        os.chmod(path, mode)
    fill_ballast()
    need = releases.series(version)
    node = {"16": "18.20.4", "20.7": "20.19.5", "20.17": "20.19.5"}.get(need["node"], "24.16.0")
    facts = {"pace": os.environ.get("FLEET_PACE") or "1", "node": node, "vips": "8.14.1", "ffmpeg": "5.1.8-0+deb12u1",
             "corepack": "yes" if need["yarn"] != "1" else "no"}
    for name, value in facts.items():
        if not os.path.exists("%s/%s" % (ETC, name)):
            spit("%s/%s" % (ETC, name), value + "\n", 0o644)
    os.makedirs("/usr/local/bin", exist_ok=True)
    for name in TOOLS:
        if not (name in ("systemctl", "journalctl") and real_systemd()):
            wrapper("/usr/local/bin/" + name, name)
    if real_systemd():
        spit("/usr/local/bin/systemctl", counted_systemctl(), 0o755)
    for name in ("yarn", "yarnpkg"):
        wrapper("/usr/local/bin/" + name, "yarn")


def home_files(version, domain):
    """Everything below /home/mastodon, written as that user."""
    os.umask(0o022)
    for path in (RBENV + "/shims", RBENV + "/bin", RBENV + "/plugins"):
        os.makedirs(path, exist_ok=True)
    for name in SHIMS:
        wrapper("%s/shims/%s" % (RBENV, name), name)
    wrapper(RBENV + "/bin/rbenv", "rbenv")
    spit(HOME + "/.gitconfig", '[url "file://%s/mastodon.git"]\n\tinsteadOf = %s\n[url "file://%s/ruby-build.git"]\n\tinsteadOf = %s\n'
         '[advice]\n\tdetachedHead = true\n' % (ORIGIN, MASTODON_URL, ORIGIN, RUBY_BUILD_URL))
    spit(HOME + "/.bashrc", "case $- in\n    *i*) ;;\n      *) return;;\nesac\n\n"
         "export PATH=\"$HOME/.rbenv/bin:$HOME/.rbenv/shims:$PATH\"\n")
    spit(HOME + "/.profile", 'if [ -n "$BASH_VERSION" ] && [ -f "$HOME/.bashrc" ]; then\n    . "$HOME/.bashrc"\nfi\n')
    need = releases.series(version)
    known = {"v" + v for v in releases.all_versions() if version_key(v) <= version_key(version)}
    repo.clone_at(ORIGIN + "/mastodon.git", MASTODON_URL, LIVE, "v" + version, known, "main")
    rubies = [s["ruby"] for s in releases.SERIES.values() if version_key(s["ruby"]) <= version_key(need["ruby"])]
    repo.clone_at(ORIGIN + "/ruby-build.git", RUBY_BUILD_URL, RBENV + "/plugins/ruby-build", "ruby-" + need["ruby"],
                  {"ruby-" + r for r in rubies}, "master")
    head = slurp(LIVE + "/.git/packed-refs").split(" refs/heads/main")[0].split("\n")[-1]
    spit(LIVE + "/.git/HEAD", head + "\n")
    spit(LIVE + "/.git/hooks/post-checkout", hook(), 0o755)
    live_files(version, need, domain)


def hook():
    """git runs this after a checkout; one printf, so that effects stay one line each."""
    return ('#!/bin/sh\n# SPDX-License-Identifier: GPL-3.0-or-later\n[ "$3" = 1 ] || exit 0\n'
            'new=$(git describe --tags --always "$2"); old=$(git describe --tags --always "$1" 2>/dev/null)\n'
            'printf \'%%s\\n\' "$(date -u +%%Y-%%m-%%dT%%H:%%M:%%S.%%6NZ) $(uname -n) $$ git checkout $old..$new" >>%s/effects\n' % LOG)


def live_files(version, need, domain):
    """What an installed tree holds beside git's files: env, gems, node modules, assets, folders."""
    from standin import assets, toolchain
    for path in ("log", "tmp/cache", "public/system", "node_modules", "vendor/bundle", ".bundle"):
        os.makedirs("%s/%s" % (LIVE, path), exist_ok=True)
    spit(LIVE + "/.env.production", env_file(version, domain), 0o600)
    spit(LIVE + "/.bundle/config", '---\nBUNDLE_DEPLOYMENT: "true"\nBUNDLE_WITHOUT: "development:test"\n')
    toolchain.mark_ruby(need["ruby"])
    spit(RBENV + "/version", need["ruby"] + "\n")
    toolchain.mark_bundle(LIVE, need["ruby"])
    toolchain.mark_modules(LIVE)
    assets.write_packs(LIVE, version)
    spit(LIVE + "/log/production.log", "")


def as_user(work, *args):
    """Run work(*args) in a child as the mastodon user; its exit status."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 1
    try:
        who = pwd.getpwnam(USER)
        os.setgroups([])
        os.setgid(who.pw_gid)
        os.setuid(who.pw_uid)
        os.environ.update(HOME=HOME, USER=USER, LOGNAME=USER)
        os.chdir(HOME)
        work(*args)
        status = 0
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
    return status


def units(roles):
    """Copy the unit files of the roles and enable them; the names to start."""
    names = []
    os.makedirs("/etc/systemd/system", exist_ok=True)
    for role in ("web", "streaming", "sidekiq"):
        if role not in roles:
            continue
        names.append("mastodon-" + role)
        for suffix in (".service", "@.service"):
            text = slurp("%s/dist/mastodon-%s%s" % (LIVE, role, suffix))
            if text is not None:
                spit("/etc/systemd/system/mastodon-%s%s" % (role, suffix), text + "\n", 0o644)
    return names


def prepare_database(version):
    """Fill an empty database; when it cannot be reached now, the first process that can does it."""
    spit(ETC + "/seed-pending", version + "\n", 0o644)
    for name in ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASS"):
        default = {"DB_HOST": "localhost", "DB_PORT": "5432", "DB_NAME": "mastodon_production", "DB_USER": "mastodon"}.get(name, "")
        os.environ[name] = os.environ.get("FLEET_" + name if name != "DB_HOST" else "FLEET_DB", default)
    deadline = time.monotonic() + float(os.environ.get("FLEET_DB_WAIT", "3"))
    while True:
        try:
            database.seed(version, slurp(LIVE + "/.env.production", ""))
            os.unlink(ETC + "/seed-pending")
            return
        except database.PGError as e:
            if time.monotonic() > deadline:
                sys.stderr.write("install: the database is filled later: %s\n" % e.text.split("\n")[0])
                return
            time.sleep(0.05)


def main(argv):
    """install ROLE…"""
    roles = argv or ["web", "streaming", "sidekiq"]
    if os.geteuid() != 0 or set(roles) - {"web", "streaming", "sidekiq"}:
        sys.stderr.write("usage (as root): install [web] [streaming] [sidekiq]\n")
        return 2
    version = (os.environ.get("FLEET_MASTODON") or "v4.5.15").lstrip("v")
    if version not in releases.all_versions():
        sys.stderr.write("install: no such release: v%s\n" % version)
        return 2
    agree_on_seed()
    domain = os.environ.get("FLEET_DOMAIN") or "social.practice.test"
    host_files(version)
    spit(ETC + "/roles", " ".join(roles) + "\n", 0o644)
    os.makedirs(HOME, exist_ok=True)
    os.chmod(HOME, 0o711)
    who = pwd.getpwnam(USER)
    os.chown(HOME, who.pw_uid, who.pw_gid)
    if not os.path.exists(ORIGIN + "/mastodon.git"):
        os.makedirs(ORIGIN, exist_ok=True)
        repo.make_origin(ORIGIN + "/mastodon.git")
        repo.make_ruby_build(ORIGIN + "/ruby-build.git")
        subprocess.run(["chown", "-R", USER + ":", ORIGIN], check=True)
    if not os.path.exists(LIVE) and as_user(home_files, version, domain):
        return 1
    names = units(roles)
    prepare_database(version)
    return start_quickly(names)


def start_quickly(names):
    """Start the services without their boot times, and wait until they do their work, so that "up" means up."""
    from standin import systemctl
    usual = slurp(ETC + "/pace", "1")
    kept = os.environ.pop("FLEET_PACE", None)
    spit(ETC + "/pace", "0\n")
    try:
        code = subprocess.run(["/usr/bin/systemctl", "-q", "enable", "--now"] + names, check=False).returncode if real_systemd() else systemctl.bring_up(names)
        end = time.monotonic() + 5
        while time.monotonic() < end and not all(works(n) for n in names):
            time.sleep(0.02)
        return code
    finally:
        spit(ETC + "/pace", usual + "\n")
        if kept is not None:
            os.environ["FLEET_PACE"] = kept


def works(name):
    """Does this service listen, or beat? Of units that others have made nothing is known."""
    name = name.removesuffix(".service")
    if name not in ("mastodon-web", "mastodon-streaming", "mastodon-sidekiq"):
        return True
    if name == "mastodon-sidekiq":
        try:
            redis = Redis(os.environ.get("FLEET_REDIS", "localhost"), os.environ.get("FLEET_REDIS_PORT", 6379))
            return any(i.startswith(socket.gethostname() + ":") for i in redis.cmd("SMEMBERS", "processes"))
        except RedisError:
            return True  # not our fault, and not our wait
    try:
        socket.create_connection(("127.0.0.1", 3000 if name == "mastodon-web" else 4000), 1).close()
        return True
    except OSError:
        return False


def boot(roles):
    """boot ROLE…: what the host's init starts after a power failure: the enabled units of the roles."""
    from standin import units
    if real_systemd():
        return 0  # it has started what is enabled
    del roles
    wanted = units.DIRECTORY + "/multi-user.target.wants"
    return start_quickly(sorted(n for n in os.listdir(wanted) if n.endswith(".service")) if os.path.isdir(wanted) else [])
