# SPDX-License-Identifier: GPL-3.0-or-later
"""The practice server's database: made and filled once, then reached as Rails reaches it."""
import base64
import hashlib
import os
import re
import secrets
import threading

from standin import releases
from standin.core import ETC, slurp
from standin.pg import PG, PGError

__all__ = ["PG", "PGError", "Pooled", "connect", "seed", "seed_if_pending", "error_text"]


def connect(app="rails"):
    return PG.from_env(app)


class Pooled:
    """A connection of the web's pool: kept open for the next request, as ActiveRecord does; a dead one is replaced."""
    idle = []
    lock = threading.Lock()

    def __init__(self, app):
        self.app = app

    def __enter__(self):
        while True:
            with self.lock:
                self.pg = self.idle.pop() if self.idle else None
            if not self.pg:
                self.pg = connect(self.app)
                return self.pg
            try:
                self.pg.run("SELECT 1")
                return self.pg
            except PGError:
                self.pg.close()

    def __exit__(self, kind, *_):
        with self.lock:
            if not (kind and issubclass(kind, PGError)) and len(self.idle) < 5:
                self.idle.append(self.pg)
                return
        self.pg.close()


def error_text(e):
    """A PGError the way Rails shows it, with its class."""
    if not e.code:
        return "ActiveRecord::ConnectionNotEstablished", e.text
    text = e.text
    return ("ActiveRecord::RecordNotUnique" if e.code == "23505" else "ActiveRecord::StatementInvalid"), "%s: %s" % (e.ruby(), text)


def make_database():
    """Create role and database as the superuser, when the server lets us in as one."""
    env = os.environ
    with PG(env.get("DB_HOST", "localhost"), env.get("DB_PORT", "5432"), "postgres", "postgres", "", "install") as pg:
        user, name = env.get("DB_USER", "mastodon"), env.get("DB_NAME", "mastodon_production")
        pg.run("SELECT pg_advisory_lock(4242)")
        if not pg.run("SELECT 1 FROM pg_roles WHERE rolname = $1", user):
            pg.run('CREATE ROLE "%s" LOGIN CREATEDB' % user)
        if not pg.run("SELECT 1 FROM pg_database WHERE datname = $1", name):
            pg.run('CREATE DATABASE "%s" OWNER "%s"' % (name, user))


def owned_by_us(pg):
    """May we create tables here? A database made by the superuser needs a grant since PostgreSQL 15."""
    return pg.one("SELECT has_schema_privilege(current_user, 'public', 'CREATE')") == "t"


def grant():
    env = os.environ
    with PG(env.get("DB_HOST", "localhost"), env.get("DB_PORT", "5432"), env.get("DB_NAME", "mastodon_production"), "postgres") as pg:
        pg.run('GRANT ALL ON SCHEMA public TO "%s"' % env.get("DB_USER", "mastodon"))


def pem(kind, bits):
    raw = base64.b64encode(secrets.token_bytes(bits)).decode()
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (kind, "\n".join(re.findall(".{1,64}", raw)), kind)


def seed(version, env_text):
    """Load the schema of a release and a small community into an empty database; nothing when it is not empty."""
    try:
        pg = connect("install")
    except PGError as e:
        if "does not exist" not in e.text:
            raise
        make_database()
        pg = connect("install")
    with pg:
        pg.run("SELECT pg_advisory_lock(4243)")
        if pg.one("SELECT to_regclass('public.schema_migrations')"):
            return
        if not owned_by_us(pg):
            grant()
        todo = releases.migrations_of(version)
        script = ["BEGIN;", releases.BASE_SQL, rows(env_text)]
        for entry in todo:
            script.append(entry[5].replace(" CONCURRENTLY", "") + ";")
        versions = releases.BASE_VERSIONS + [e[0] for e in todo]
        script.append("INSERT INTO schema_migrations SELECT unnest(ARRAY[%s]); COMMIT; ANALYZE;" % ",".join("'%s'" % v for v in versions))
        for part in "\n".join(script).split("ANALYZE;"):
            pg.run(part if part.strip() else "ANALYZE")


def rows(env_text):
    """A small server: three members, forty remote accounts, three hundred posts."""
    found = re.search(r"^LOCAL_DOMAIN=(.*)$", env_text, re.M)
    domain = found.group(1) if found else "social.practice.test"
    otp = re.search(r"^OTP_SECRET=(.*)$", env_text, re.M)
    mark = hashlib.sha256((otp.group(1) if otp else "").encode()).hexdigest()[:16]
    sql = []
    for name in ("admin", "alice", "bob"):
        sql.append("INSERT INTO accounts (username, private_key, public_key, display_name, uri) VALUES ('%s', '%s', '%s', '%s', '')" % (
            name, pem("RSA PRIVATE KEY", 1190), pem("PUBLIC KEY", 294), name.title()))
        sql.append("INSERT INTO users (account_id, email) SELECT id, username || '@%s' FROM accounts WHERE username = '%s'" % (domain, name))
        sql.append("INSERT INTO oauth_access_tokens (token, resource_owner_id, scopes) SELECT '%s', u.id, 'read write follow push'"
                   " FROM users u JOIN accounts a ON a.id = u.account_id WHERE a.username = '%s'" % (secrets.token_urlsafe(32), name))
    sql.append("UPDATE users SET otp_required_for_login = true, encrypted_otp_secret = 'otp-%s', encrypted_otp_secret_iv = 'iv',"
               " encrypted_otp_secret_salt = 'salt' WHERE email LIKE 'admin@%%'" % mark)
    sql.append("INSERT INTO accounts (username, domain, public_key, uri) SELECT 'user' || n, 'remote' || n %% 7 || '.example', '%s',"
               " 'https://remote' || n %% 7 || '.example/users/user' || n FROM generate_series(1, 40) n" % pem("PUBLIC KEY", 294))
    sql.append("INSERT INTO conversations (uri) SELECT NULL FROM generate_series(1, 100)")
    sql.append("INSERT INTO statuses (account_id, text, local, uri, conversation_id, visibility) SELECT 1 + n % 43, 'Post number ' || n, n % 43 < 3,"
               " 'https://' || CASE WHEN n % 43 < 3 THEN '" + domain + "' ELSE 'remote.example' END || '/statuses/' || n, 1 + n % 100, 0"
               " FROM generate_series(1, 300) n")
    sql.append("INSERT INTO follows (account_id, target_account_id) SELECT 1 + n % 3, 4 + n FROM generate_series(1, 39) n")
    sql.append("INSERT INTO settings (var, value) VALUES ('registrations_mode', 'approved'), ('site_title', 'Practice'), ('site_contact_username', 'admin')")
    return ";\n".join(sql) + ";"


def seed_if_pending(live):
    """What install could not do because the database was not up yet."""
    version = slurp(ETC + "/seed-pending")
    if not version:
        return
    try:
        seed(version, slurp(live + "/.env.production", ""))
        os.unlink(ETC + "/seed-pending")
    except (PGError, OSError):
        pass
