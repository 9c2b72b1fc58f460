# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot checks of the application, and the rails commands: tasks, runner, version."""
import os
import re
import secrets
import string
import time

from standin import assets, core, database, releases
from standin.core import Stop, effect, err, nap, out, setting, version_key
from standin.database import PGError
from standin.redis import Redis, RedisError

KEYS = ("ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY", "ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT", "ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY")


def aborted(version):
    """The first line of a rake failure: `bin/rails aborted!` since Rails 7.1."""
    return "bin/rails aborted!" if version_key(version) >= (4, 3) else "rails aborted!"


def check_environment(live, version):
    """RAILS_ENV, .env.production."""
    mode = os.environ.get("RAILS_ENV")
    if mode != "production":
        where = "%s/config/environments/development.rb:94:in 'block (2 levels) in <top (required)>'" % live
        raise Stop("%s\nNameError: uninitialized constant Bullet (NameError)\n%s\n\n(See full trace by running task with --trace)"
                   % (aborted(version), where) if mode in (None, "", "development") else
                   "%s\nActiveRecord::AdapterNotSpecified: The `%s` database is not configured for the `%s` environment." % (aborted(version), mode, mode))
    core.dotenv(live)
    if version_key(version) >= (4, 3) and core.GIVEN:
        # On stdout, coloured even in a pipe, before anything else: as dotenv's own logger does it.
        now = time.time()
        out("I, [%s.%06d #%d]  INFO -- : [dotenv] Loaded \x1b[33m.env.production\x1b[0m" % (
            time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)), now % 1 * 1e6, os.getpid()))


def boot(live, initialising_keys=False):
    """Boot the application; its version. Every refusal is where the real one is."""
    version = core.code_version(live)
    check_environment(live, version)
    nap(0.25)
    key = version_key(version)
    need = releases.series(version)
    if key >= (4, 3) and not initialising_keys and not all(os.environ.get(k) for k in KEYS):
        raise Stop("\nMastodon now requires that these variables are set:\n\n" + "".join("  - %s\n" % k for k in KEYS) +
                   "\nRun `bin/rails db:encryption:init` to generate new secrets and then assign the environment variables.")
    if key >= (4, 4) and os.environ.get("REDIS_NAMESPACE"):
        raise Stop("ERROR: the REDIS_NAMESPACE environment variable is no longer supported, and a migration is required.\n\n"
                   "Please see documentation at https://github.com/mastodon/redis_namespace_migration")
    vips = setting("libvips", setting("vips", ""))
    use_vips = need["vips"] or key >= (4, 4) and os.environ.get("MASTODON_USE_LIBVIPS") != "false" or os.environ.get("MASTODON_USE_LIBVIPS") == "true"
    if use_vips and key >= (4, 3):
        if not vips:
            raise Stop("Could not open library 'vips.so.42': vips.so.42: cannot open shared object file: No such file or directory. (LoadError)")
        if version_key(vips) < (8, 13):
            raise Stop("Incompatible libvips version (%s), please install libvips >= 8.13" % vips)
    return version


def main(live, args):
    """rails VERB [VAR=value]…; several tasks run in turn, as rake does."""
    if not args:
        out("Usage:\n  bin/rails COMMAND [options]")
        return 0
    if args[0] in ("-v", "--version", "version"):
        out("Rails " + core.lock_version("rails", live))
        return 0
    if args[0] in ("runner", "r"):
        return runner(live, args[1:])
    if args[0] in ("console", "c", "dbconsole", "server", "s"):
        raise Stop("%s: the stand-in has no interactive console" % args[0])
    for a in args:
        m = re.match(r"([A-Z_][A-Z0-9_]*)=(.*)$", a)
        if m:
            os.environ[m.group(1)] = m.group(2)
    tasks = [a for a in args if not re.match(r"[A-Z_][A-Z0-9_]*=|--?\w", a)]
    for task in tasks:
        code = run_task(live, task)
        if code:
            return code
    return 0


def run_task(live, task):
    from standin import migrate
    name = re.sub(r"\[.*\]$", "", task)
    table = {
        "assets:precompile": lambda: (boot(live, True), assets.precompile(live))[1],
        "assets:clobber": lambda: 0,
        "tmp:cache:clear": lambda: assets.clear_cache(live),
        "db:migrate": lambda: migrate.migrate(live, boot(live)),
        "db:migrate:status": lambda: migrate.status(live, boot(live)),
        "db:pre_migration_check": lambda: migrate.pre_check_task(live, boot(live)),
        "db:version": lambda: migrate.show_version(live, boot(live)),
        "db:abort_if_pending_migrations": lambda: migrate.abort_if_pending(live, boot(live)),
        "db:rollback": lambda: migrate.rollback(live, boot(live)),
        "db:encryption:init": lambda: encryption_init(live),
        "mastodon:webpush:generate_vapid_key": lambda: out("VAPID_PRIVATE_KEY=%s=\nVAPID_PUBLIC_KEY=B%s=" % (
            secrets.token_urlsafe(32), secrets.token_urlsafe(64))) or 0,
        "secret": lambda: out(secrets.token_hex(64)) or 0,
    }
    if name in ("db:setup", "db:reset", "db:schema:load", "db:drop", "mastodon:setup"):
        boot(live)
        err("%s\nActiveRecord::ProtectedEnvironmentError: You are attempting to run a destructive action against your 'production' database.\n"
            "If you are sure you want to continue, run the same command with the environment variable:\nDISABLE_DATABASE_ENVIRONMENT_CHECK=1"
            % aborted(core.code_version(live)))
        return 1
    if name not in table:
        boot(live)
        err('Unrecognized command "%s" (Rails::Command::UnrecognizedCommandError)' % task)
        return 1
    return table[name]()


def encryption_init(live):
    """db:encryption:init: three lines, or the word that it was done already."""
    version = boot(live, True)
    if version_key(version) < (4, 3):
        err('Unrecognized command "db:encryption:init" (Rails::Command::UnrecognizedCommandError)')
        return 1
    if any(os.environ.get(k) for k in KEYS) and os.environ.get("IGNORE_ALREADY_SET_SECRETS") != "true":
        err("WARNING: It looks like encryption secrets have already been set. Please ensure you are not changing secrets for a Mastodon "
            "installation that already uses them, as this will cause data loss and other issues that are difficult to recover from.\n\n"
            "Secrets for this server have already been set, this step can likely be ignored!\n\n"
            "If you are sure of what you are doing, set IGNORE_ALREADY_SET_SECRETS=true and run this task again.")
        return 1
    chars = string.ascii_letters + string.digits
    values = ["".join(secrets.choice(chars) for _ in range(32)) for _ in KEYS]
    out("Add the following secret environment variables to your Mastodon environment (e.g. .env.production), ensure they are shared across all "
        "your nodes and do not change them after they are set:\n")
    for k, v in zip(KEYS, values):
        out("%s=%s" % (k, v))
    return 0


# The expressions `rails runner` knows, each with the way it is answered.
RUNNER = [
    (r'puts\s+"bellbook "\s*\+\s*ActiveRecord::Base\.connection\.select_rows\("(SELECT .*)"\)\.first\.join\("\|"\)', None),
    (r"puts\s+Mastodon::Version(\.to_s)?", lambda live, v: v),
    (r"puts\s+Rails\.env", lambda live, v: os.environ["RAILS_ENV"]),
    (r"puts\s+Rails\.version", lambda live, v: core.lock_version("rails", live)),
    (r"puts\s+RUBY_VERSION", lambda live, v: os.environ.get("RBENV_VERSION", "")),
    (r"puts\s+Rails\.configuration\.x\.local_domain", lambda live, v: os.environ.get("LOCAL_DOMAIN", "")),
    (r"puts\s+ActiveRecord::Migrator\.current_version",
     lambda live, v: sql("SELECT coalesce(max(version::bigint), 0) FROM schema_migrations")),
    (r"puts\s+ActiveRecord::Base\.connection(?:_pool)?\.(?:migration_context\.)?needs_migration\?",
     lambda live, v: "true" if __import__("standin.migrate", fromlist=["x"]).pending(live) else "false"),
    (r"puts\s+Account\.local\.count", lambda live, v: sql("SELECT count(*) FROM accounts WHERE domain IS NULL")),
    (r"puts\s+Account\.count", lambda live, v: sql("SELECT count(*) FROM accounts")),
    (r"puts\s+User\.count", lambda live, v: sql("SELECT count(*) FROM users")),
    (r"puts\s+Status\.count", lambda live, v: sql("SELECT count(*) FROM statuses WHERE deleted_at IS NULL")),
    (r"puts\s+Sidekiq::ProcessSet\.new\.size", lambda live, v: redis("SCARD", "processes")),
    (r"puts\s+Sidekiq::RetrySet\.new\.size", lambda live, v: redis("ZCARD", "retry")),
    (r"puts\s+Sidekiq::Stats\.new\.enqueued",
     lambda live, v: sum(redis("LLEN", "queue:" + q) for q in redis("SMEMBERS", "queues"))),
    (r"puts\s+Redis\.current\.ping|puts\s+RedisConnection\.new\.connection\.ping", lambda live, v: redis("PING")),
    (r"Rails\.cache\.clear", lambda live, v: clear_cache()),
    (r"(?:nil|true|1)", lambda live, v: None),
]


def sql(text):
    with database.connect() as pg:
        return pg.one(text)


def select_first(text):
    """The first row, its fields joined, after the word that finds it among Rails' own lines."""
    with database.connect() as pg:
        return "bellbook " + "|".join("" if v is None else v for v in pg.run(text)[0])


def redis(*command):
    return Redis.from_env(sidekiq=True).cmd(*command)


def clear_cache():
    effect("Rails.cache.clear")
    Redis.from_env().scan_delete("cache:*")


def runner(live, args):
    """rails runner CODE: statements parted by `;`, of those the stand-in knows; else a NameError, never a guess."""
    version = boot(live)
    code = " ".join(a for a in args if a not in ("-e", "production"))
    if code == "-" or not code:
        raise Stop("The stand-in reads no script from stdin")
    if os.path.exists(code):
        code = core.slurp(code)
    for part in (p.strip() for p in re.split(r"[;\n]", code)):
        text = re.match(r"puts\s+(['\"])(.*)\1$", part)
        if not part:
            continue
        if text:
            out(text.group(2))
            continue
        for pattern, answer in RUNNER:
            known = re.fullmatch(pattern, part)
            if known:
                try:
                    value = answer(live, version) if answer else select_first(known.group(1))
                except PGError as e:
                    raise Stop("%s: %s" % database.error_text(e)) from e
                except RedisError as e:
                    raise Stop("Redis::CannotConnectError: %s" % e) from e
                if value is not None:
                    out(str(value))
                break
        else:
            raise Stop("%s/vendor/bundle/gems/railties/lib/rails/commands/runner/runner_command.rb: undefined local variable or method "
                       "'%s' for main (NameError)" % (live, part.split("(")[0][:60]))
    return 0


