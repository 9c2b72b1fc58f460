# SPDX-License-Identifier: GPL-3.0-or-later
"""rails db:migrate and its relatives, over the real PostgreSQL and the migration files of the checked-out tree."""
import glob
import hashlib
import os
import re
import sys
import time
import zlib

from standin import core, database, releases
from standin.core import Stop, effect, err, fault, fault_number, nap, out, slurp
from standin.database import PGError
from standin.rails import aborted

LOCK_SALT = 2053462845


class Migration:
    """One file below db/migrate or db/post_migrate."""

    def __init__(self, path):
        self.path = path
        self.post = "/post_migrate/" in path
        self.version = os.path.basename(path)[:14]
        text = slurp(path) or ""
        m = re.search(r"^class (\w+) <", text, re.M)
        self.name = m.group(1) if m else "Unknown"
        m = re.search(r"# says: (.*)", text)
        self.says = m.group(1) if m else "execute"
        m = re.search(r"<<~SQL[.\w]*\n(.*?)\n\s+SQL$", text, re.M | re.S)
        self.sql = m.group(1) if m else "SELECT 1"
        self.concurrent = "disable_ddl_transaction!" in text


def files(live, with_post=None):
    """The migrations Rails would see: post-deployment ones only when not told to skip them."""
    if with_post is None:
        with_post = not os.environ.get("SKIP_POST_DEPLOYMENT_MIGRATIONS")
    paths = glob.glob(live + "/db/migrate/*.rb") + (glob.glob(live + "/db/post_migrate/*.rb") if with_post else [])
    return sorted((Migration(p) for p in paths), key=lambda m: m.version)


def done_versions(pg):
    try:
        return {r[0] for r in pg.run("SELECT version FROM schema_migrations")}
    except PGError as e:
        if e.code == "42P01":
            return set()
        raise


def pending(live):
    with database.connect() as pg:
        have = done_versions(pg)
    return [m for m in files(live) if m.version not in have]


def connection(version):
    try:
        return database.connect()
    except PGError as e:
        name, text = database.error_text(e)
        raise Stop("%s\n%s: %s (%s)" % (aborted(version), name, text, name)) from e


def pre_check(pg, version):
    """db:pre_migration_check, which runs before db:migrate: the PostgreSQL version and the zero-downtime floor."""
    need = releases.series(version)["pg"]
    words = {140000: "14.0", 130000: "13.0", 120000: "12.0", 90500: "9.5"}[need]
    server = fault_number("pg-version", 0) or pg.version()
    if server < need:
        raise Stop("This version of Mastodon requires PostgreSQL %s or newer. Please update PostgreSQL before updating Mastodon." % words)
    low = releases.floor(version)
    if low and os.environ.get("SKIP_POST_DEPLOYMENT_MIGRATIONS"):
        have = max((int(v) for v in done_versions(pg)), default=0)
        if have < low[0]:
            raise Stop("Zero-downtime migrations from Mastodon versions earlier than %s.0 are not supported.\nPlease update to Mastodon %s.x first "
                       "or upgrade by stopping all services and running migrations without `SKIP_POST_DEPLOYMENT_MIGRATIONS`." % (low[1], low[1]))


def pre_check_task(live, version):
    with connection(version) as pg:
        pre_check(pg, version)
    return 0


def lock(pg, version):
    """Rails' advisory lock: a second migrator is refused, not queued."""
    key = LOCK_SALT * zlib.crc32(pg.one("SELECT current_database()").encode())
    if pg.one("SELECT pg_try_advisory_lock(%d)" % key) != "t":
        raise Stop("%s\nActiveRecord::ConcurrentMigrationError:  (ActiveRecord::ConcurrentMigrationError)\n\n"
                   "Cannot run migrations because another migration process is currently running.\n\n\nTasks: TOP => db:migrate\n"
                   "(See full trace by running task with --trace)" % aborted(version))
    return key


def migrate(live, version):
    """db:migrate; says nothing when there is nothing to do."""
    # Rails' advisory lock is held by a session of its own.
    with connection(version) as pg, connection(version) as keeper:
        pre_check(pg, version)
        if os.environ.get("VERSION"):
            raise Stop("%s\nThe stand-in migrates to the newest version only" % aborted(version))
        key = lock(keeper, version)
        have = done_versions(pg)
        todo = [m for m in files(live) if m.version not in have]
        warn_long(todo)
        for m in todo:
            apply(pg, m, version)
        if fault("pgbouncer") is not None and todo and core.GIVEN.get("DB_PORT") != "5432":
            err("WARNING:  you don't own a lock of type ExclusiveLock")
            raise Stop("%s\nActiveRecord::ConcurrentMigrationError: Failed to release advisory lock (ActiveRecord::ConcurrentMigrationError)"
                       % aborted(version))
        keeper.run("SELECT pg_advisory_unlock(%d)" % key)
    return 0


def warn_long(todo):
    """migration_warning.rb: on a terminal only, ten seconds to think before a long one."""
    long_one = any(m.name in ("MigrateLocalAccountKeypairs", "AddIndexOnStatusesConversationId", "AddIndexOnStatusesUriHash") for m in todo)
    if not long_one or not sys.stdout.isatty():
        return
    out("\nWARNING: This migration may take a *long* time for large instances.\nIt will *not* lock tables for any significant time, but it may run\n"
        "for a very long time. We will pause for 10 seconds to allow you to\ninterrupt this migration if you are not ready.\n")
    for left in range(10, 0, -1):
        out("Continuing in %d second%s..." % (left, "" if left == 1 else "s"))
        nap(0.1)


def banner(text):
    return "== %s %s" % (text, "=" * max(0, 75 - len(text)))


def apply(pg, m, version):
    """One migration with Rails' announcements; the effect line comes after the commit of its schema_migrations row."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S")
    out("I, [%s.%06d #%d]  INFO -- :   Migrating to %s (%d)" % (stamp, time.time() % 1 * 1e6, os.getpid(), m.name, int(m.version)))
    out("[strong_migrations] DANGER: No lock timeout set")
    out(banner("%s %s: migrating" % (m.version, m.name)))
    begin = time.monotonic()
    out("-- " + m.says)
    nap(0.12)
    slow = fault("migrate-slow")
    words = slow.split() if slow is not None else None
    try:
        if words is not None and (len(words) < 2 or words[1] in (m.name, m.version)):
            nap_slow(pg, float(words[0]) if words else 5.0)
        check_data(pg, m)
        run_sql(pg, m)
    except PGError as e:
        cancel(m, version, "%s: %s" % (e.ruby(), e.text))
    effect("migrate", m.version, m.name, "post" if m.post else "pre")
    took = time.monotonic() - begin
    out("   -> %.4fs" % took)
    out(banner("%s %s: migrated (%.4fs)" % (m.version, m.name, took)) + "\n")


def nap_slow(pg, seconds):
    """Busy inside the database, so that pg_stat_activity shows it, until the fault is mended or its time is over; it is fault time, and not paced."""
    over = time.monotonic() + seconds
    while fault("migrate-slow") is not None and time.monotonic() < over:
        pg.run("SELECT pg_sleep(%f)" % min(1, max(0, over - time.monotonic())))


def check_data(pg, m):
    """What goes wrong with the data or by order of the practice's teacher."""
    named = fault("migrate-abort")
    if named is not None and (named in ("", m.name, m.version)):
        raise PGError('ERROR:  could not create unique index "index_accounts_on_username_and_domain_lower"\n'
                      "DETAIL:  Key (lower(username::text), COALESCE(lower(domain::text), ''::text))=(user7, remote0.example) is duplicated.", "23505")
    if m.concurrent and fault("pg-version"):
        number = fault_number("pg-version", 0)
        if 140000 <= number <= 140003:
            raise PGError("Adding an index concurrently can cause silent data corruption in Postgres 14.0 to 14.3", "0A000")
    if fault("db-disk-full") is not None:
        raise PGError('ERROR:  could not extend file "base/16384/16711": No space left on device\nHINT:  Check free disk space.', "53100")
    if m.name == "MigrateDeviseTwoFactorSecrets":
        mark = hashlib.sha256(os.environ.get("OTP_SECRET", "").encode()).hexdigest()[:16]
        bad = pg.one("SELECT min(id) FROM users WHERE encrypted_otp_secret IS NOT NULL AND encrypted_otp_secret <> $1", "otp-" + mark)
        if bad and os.environ.get("MIGRATION_IGNORE_INVALID_OTP_SECRET") != "true":
            raise Stop("ERROR: Unable to decrypt OTP secret for user %s.\n\nThis is most likely because you have changed the value of `OTP_SECRET` sometime "
                       "after some users\nset up two-factor authentication.\n\nIn this case, their OTP secret had already been lost with the change to "
                       "`OTP_SECRET`, and\nproceeding with this migration will not make the situation worse.\n\nPlease double-check that you have not accidentally "
                       "changed `OTP_SECRET` just for this\nmigration, and re-run the migration with `MIGRATION_IGNORE_INVALID_OTP_SECRET=true`." % bad)


def run_sql(pg, m):
    """A migration and its row: in one transaction, or statement by statement when it disabled that."""
    row = "INSERT INTO schema_migrations (version) VALUES ('%s')" % m.version
    if not m.concurrent:
        try:
            pg.run("BEGIN; %s; %s; COMMIT" % (m.sql.rstrip().rstrip(";"), row))
        except PGError as e:
            if not e.code.startswith("57P") and e.code:
                pg.run("ROLLBACK")
            raise
        return
    interrupt = fault("index-invalid")
    if interrupt is not None and interrupt in ("", m.name, m.version):
        interrupted_index(pg, m)
    for statement in m.sql.split(";"):
        if statement.strip():
            pg.run(statement.strip())
    pg.run(row)


def interrupted_index(pg, m):
    """A CREATE INDEX CONCURRENTLY that a writer holds up until it is cancelled: PostgreSQL itself leaves the INVALID index."""
    table = re.search(r" ON (\w+)", m.sql).group(1)
    with database.connect() as other:
        other.run("BEGIN; LOCK TABLE %s IN ROW EXCLUSIVE MODE" % table)
        pg.run("SET statement_timeout = 400")
        pg.run(m.sql.split(";")[0].strip())


def cancel(m, version, text):
    """The abort of a migration."""
    this = "" if m.concurrent else "this and "
    err("%s\nStandardError: An error has occurred, %sall later migrations canceled: (StandardError)\n\n%s\n\nCaused by:\n%s\n\n"
        "Tasks: TOP => db:migrate\n(See full trace by running task with --trace)" % (aborted(version), this, text, text.split("\n")[0]))
    raise Stop("", 1)


def status(live, version):
    """db:migrate:status"""
    with connection(version) as pg:
        have = done_versions(pg)
        name = pg.one("SELECT current_database()")
    known = {m.version: m.name for m in files(live)}
    out("\ndatabase: %s\n\n Status   Migration ID    Migration Name\n%s" % (name, "-" * 50))
    for v in sorted(set(known) | have):
        label = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", known[v]) if v in known else "********** NO FILE **********"
        if v in known:
            label = label[:1] + re.sub(r" [A-Z]", lambda n: n.group(0).lower(), label[1:])
        if v in releases.BASE_VERSIONS:
            label = "Base schema of 4.1"
        out("%s  %s  %s" % ("   up   " if v in have else "  down  ", v, label))
    out("")
    return 0


def show_version(live, version):
    with connection(version) as pg:
        out("Current version: %s" % max(done_versions(pg), default="0"))
    return 0


def abort_if_pending(live, version):
    with connection(version) as pg:
        have = done_versions(pg)
    todo = [m for m in files(live) if m.version not in have]
    if not todo:
        return 0
    err("You have %d pending migration%s:" % (len(todo), "" if len(todo) == 1 else "s"))
    for m in todo:
        err("  %4s %s" % (m.version, m.name))
    err("Run `bin/rails db:migrate` to update your database then try again.")
    return 1


def rollback(live, version):
    err("%s\nActiveRecord::IrreversibleMigration: ActiveRecord::IrreversibleMigration\n\nThe stand-in keeps no way down." % aborted(version))
    return 1

