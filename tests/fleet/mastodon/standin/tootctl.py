# SPDX-License-Identifier: GPL-3.0-or-later
"""bin/tootctl: the commands an operator meets in an upgrade."""
import os
import re
import sys
import time

from standin import core, database, rails
from standin.core import Stop, effect, err, nap, out, version_key
from standin.database import PGError
from standin.redis import Redis, RedisError

HELP = ["accounts", "cache", "canonical_email_blocks", "domains", "email_domain_blocks", "emoji", "feeds", "help", "ip_blocks", "maintenance",
        "media", "preview_cards", "search", "self-destruct", "settings", "statuses", "upgrade", "version"]


def main(live, args):
    words = [a for a in args if not a.startswith("-")]
    flags = [a for a in args if a.startswith("-")]
    if args[:1] in (["--version"], ["-v"], ["version"]):
        # The real one boots the application for this, too.
        rails.boot(live)
        out(core.full_version(live))
        return 0
    if not words or words[0] == "help":
        rails.boot(live)
        out("Commands:\n" + "\n".join("  tootctl %s" % h for h in HELP))
        return 0
    version = rails.boot(live)
    name = " ".join(words[:2])
    try:
        for pattern, work in COMMANDS:
            if re.fullmatch(pattern, name) or re.fullmatch(pattern, words[0]):
                return work(live, version, words, flags) or 0
    except PGError as e:
        raise Stop("%s (%s)" % database.error_text(e)[::-1]) from e
    except RedisError as e:
        raise Stop("%s (Redis::CannotConnectError)" % e) from e
    err('Could not find command "%s".' % "_".join(words[:2] if words[0] in HELP and len(words) > 1 else words[:1]))
    return 1


def cache_clear(_live, _version, _words, _flags):
    """A Redis that refuses is told on stdout, and is no failure."""
    try:
        Redis.from_env().scan_delete("cache:*")
        effect("tootctl cache clear")
    except RedisError as e:
        out("E, [%s #%d] ERROR -- : RedisCacheStore: clear failed, returned nil: %s" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()), os.getpid(), redis_words(e)))
    out("OK")


def redis_words(e):
    """A refusal with the class that redis-rb gives it."""
    kind = "OutOfMemoryError" if str(e).startswith("OOM") else "CommandError" if re.match(r"[A-Z]+ ", str(e)) else "CannotConnectError"
    return "Redis::%s: %s" % (kind, e)


def cache_recount(_live, _version, words, _flags):
    with database.connect("tootctl") as pg:
        count = int(pg.one("SELECT count(*) FROM " + ("accounts" if "accounts" in words else "statuses")))
    effect("tootctl", *words)
    bar(count)
    out("OK")


def bar(count):
    """ruby-progressbar: counters on a terminal, nothing but the bar without one."""
    if sys.stdout.isatty():
        for step in range(0, 11):
            sys.stdout.write("\r%d/%d |%s%s| ETA: 00:00:0%d " % (count * step // 10, count, "=" * step * 2, " " * (20 - 2 * step), (10 - step) // 5))
            sys.stdout.flush()
            nap(0.03)
        out("\r%d/%d |%s| Time: 00:00:01 " % (count, count, "=" * 20))
    else:
        nap(0.3)
        out("Progress: |" + "=" * 60 + "|")


def feeds_build(_live, _version, _words, _flags):
    with database.connect("tootctl") as pg:
        ids = [r[0] for r in pg.run("SELECT account_id FROM users")]
    redis, built = Redis.from_env(), 0
    for number in ids:
        try:
            redis.cmd("ZADD", "feed:home:" + number, 1, 1)
            built += 1
        except RedisError as e:
            out("Error processing %s: %s" % (number, e))  # and it counts as done
    if built:
        effect("tootctl feeds build")
    bar(len(ids))
    out("Regenerated feeds for %d accounts " % len(ids))


def feeds_clear(_live, _version, _words, _flags):
    effect("tootctl feeds clear")
    Redis.from_env().scan_delete("feed:*")
    out("OK")


def settings(_live, _version, words, flags):
    modes = {"open": "open", "close": "none", "approved": "approved"}
    if words[1:2] != ["registrations"] or len(words) < 3 or words[2] not in modes:
        err('Could not find command "%s".' % " ".join(words[1:]) if len(words) > 1 else "Commands:\n  tootctl settings registrations SUBCOMMAND")
        return 1
    effect("tootctl", *(words + flags))
    with database.connect("tootctl") as pg:
        pg.run("INSERT INTO settings (var, value) VALUES ('registrations_mode', $1) ON CONFLICT (var) DO UPDATE SET value = excluded.value", modes[words[2]])
    out("OK")
    return 0


def search_deploy(_live, _version, _words, _flags):
    if os.environ.get("ES_ENABLED") != "true":
        err("There was an issue connecting to the search server. Is Elasticsearch enabled and properly configured?")
        return 1
    err("There was an issue connecting to the search server. Please make sure it is enabled and reachable:\n"
        "Failed to open TCP connection to %s:%s (Connection refused - connect(2))" % (os.environ.get("ES_HOST", "localhost"), os.environ.get("ES_PORT", "9200")))
    return 1


def self_destruct(_live, version, _words, _flags):
    if not sys.stdin.isatty():
        err("This command is interactive and needs a terminal: type in the domain of the server to confirm.\nOperation aborted. Nothing has been destroyed.")
        return 1
    domain = os.environ.get("LOCAL_DOMAIN", "")
    sys.stdout.write("Type in the domain of the server to confirm: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != domain:
        raise Stop("Domains do not match. Stopping everything.")
    sys.stdout.write("Are you sure you want to proceed? (y/N) ")
    sys.stdout.flush()
    if not sys.stdin.readline().strip().lower().startswith("y"):
        raise Stop("Operation aborted. Nothing has been destroyed.")
    if version_key(version) < (4, 3):
        raise Stop("The stand-in destroys nothing.")
    out("To switch Mastodon to self-destruct mode, add the following variable to your evironment (e.g. by adding a line to your `.env.production`) and "
        "restart all Mastodon processes:\n  SELF_DESTRUCT=practice--0000000000000000")
    return 0


def maintenance(_live, _version, words, _flags):
    if words[1:2] != ["fix-duplicates"]:
        err('Could not find command "%s".' % " ".join(words[1:]))
        return 1
    with database.connect("tootctl") as pg:
        schema = int(pg.one("SELECT max(version::bigint) FROM schema_migrations"))
    if schema > 20231023105620:
        out("Your version of the database schema is more recent than this script, this may cause unexpected errors.")
        if not sys.stdin.isatty():
            err("Continue anyway? (Yes/No) \nAborted: this command needs a terminal")
            return 1
    if Redis.from_env(sidekiq=True).cmd("SCARD", "processes"):
        raise Stop("It seems Sidekiq is running. All Mastodon processes need to be stopped when using this script.")
    out("This task will take a long time to run and is potentially destructive.\nPlease make sure to stop Mastodon and have a backup.")
    raise Stop("The stand-in finds no duplicates to fix.")


def media_usage(_live, _version, _words, _flags):
    out("Attachments:\t0 Bytes (0 Bytes local)\nCustom emoji:\t0 Bytes (0 Bytes local)\nPreview cards:\t0 Bytes\nAvatars:\t0 Bytes (0 Bytes local)\n"
        "Headers:\t0 Bytes (0 Bytes local)\nBackups:\t0 Bytes\nImports:\t0 Bytes\nSettings:\t0 Bytes")


def accounts(_live, _version, words, flags):
    if words[1:2] == ["modify"] and "--disable-2fa" in flags and len(words) > 2:
        with database.connect("tootctl") as pg:
            rows = pg.run("UPDATE users SET otp_required_for_login = false FROM accounts a WHERE a.id = users.account_id AND a.username = $1 RETURNING 1", words[2])
        if not rows:
            raise Stop("No user with such username")
        effect("tootctl", *(words + flags))
        out("OK")
        return 0
    err('Could not find command "%s".' % " ".join(words[1:]))
    return 1


COMMANDS = [
    (r"cache clear", cache_clear), (r"cache recount", cache_recount), (r"feeds build", feeds_build), (r"feeds clear", feeds_clear),
    (r"settings.*", settings), (r"search deploy", search_deploy), (r"self-destruct", self_destruct), (r"maintenance.*", maintenance),
    (r"media usage", media_usage), (r"accounts.*", accounts),
]
