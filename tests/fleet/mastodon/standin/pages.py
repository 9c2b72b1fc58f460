# SPDX-License-Identifier: GPL-3.0-or-later
"""What the web process answers: the pages and API calls that an operator's checks look at."""
import json
import os
import re
import time
import uuid

from standin import assets, core, database, releases
from standin.core import version_key
from standin.database import PGError
from standin.http import Reply
from standin.redis import Redis, RedisError


class NotHere(Exception):
    """404"""


class Unrendered(Exception):
    """500: the page's template does not go with the code in memory."""


class Site:
    """The site as one booted version of the code serves it."""

    def __init__(self, live, version, full=None):
        self.live, self.version, self.full = live, version, full or core.full_version(live)
        env = os.environ
        self.domain = env.get("LOCAL_DOMAIN", "localhost")
        self.web = env.get("WEB_DOMAIN") or self.domain
        self.allowed = {self.domain, self.web} | {h.strip() for h in env.get("ALTERNATE_DOMAINS", "").split(",") if h.strip()}
        self.rendered = {}  # page → what its head names; None = it could not be rendered, and never will be in this process

    def answer(self, request, conn):
        """The answer with its cache header, and its lines in the log, as lograge writes them."""
        began = time.monotonic()
        reply = self.work(request, conn)
        reply.headers.setdefault("Cache-Control", "max-age=0, private, must-revalidate")
        if reply.status == 500:
            if request.header("accept").startswith("application/json"):
                body = {"status": 500, "error": "Internal Server Error"}
            else:
                body = core.slurp(self.live + "/public/500.html") or "This page is not correct"
            reply = Reply(500, body)
        self.log("INFO", "method=%s path=%s format=html controller=App action=show status=%d duration=%.2f" % (
            request.method, request.path, reply.status, (time.monotonic() - began) * 1000))
        return reply

    def log(self, level, text):
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".%06d" % (now % 1 * 1e6)
        core.out("%s, [%s #%d] %5s -- : [%s] %s" % (level[0], stamp, os.getpid(), level, uuid.uuid4(), text))

    def work(self, request, _conn):
        if request.path == "/health":
            return Reply(200, "OK", "text/plain; charset=utf-8", Cache_Control="max-age=0, private, must-revalidate")
        host = re.sub(r":\d+$", "", request.header("host"))
        if host not in self.allowed:
            return Reply(403, "Blocked hosts: %s\n\nTo allow requests to these hosts, make sure they are valid hostnames (containing only numbers, letters, "
                         "dashes and dots), then add the following to your environment configuration:\n\n    config.hosts << \"%s\"\n"
                         % (request.header("host"), host), "text/plain")
        if request.header("x-forwarded-proto") != "https":
            return Reply(301, "", Location="https://%s%s" % (host, request.target))
        try:
            for method, pattern, work in ROUTES:
                m = re.fullmatch(pattern, request.path)
                if m and (method == request.method or request.method == "HEAD" and method == "GET"):
                    return work(self, request, *m.groups())
            raise NotHere
        except NotHere:
            return self.not_found(request)
        except (PGError, RedisError) as e:
            self.log("FATAL", "%s (%s)" % (database.error_text(e)[::-1]) if isinstance(e, PGError) else "Redis::CannotConnectError (%s)" % e)
            return Reply(500)
        except Unrendered as e:
            self.log("FATAL", "ActionView::Template::Error (%s)" % e)
            return Reply(500)

    def render(self, page, layout, status=200, body="", **headers):
        """A page of HTML. Templates and manifest are read from disk when a process renders a page for the first time: after a checkout
        under a running web that is another release's."""
        if page not in self.rendered:
            try:
                if core.code_version(self.live) != self.version:
                    raise KeyError("undefined method of another release")
                self.rendered[page] = assets.tags(self.live, self.version, layout)
            except (KeyError, core.Stop, ValueError) as e:
                self.rendered[page] = None
                raise Unrendered("Vite Ruby can't find %s in the manifests" % e) from e
        if self.rendered[page] is None:
            raise Unrendered("undefined local variable or method")
        csp = "base-uri 'none'; default-src 'none'; img-src 'self' data: blob: https://%s; connect-src 'self' wss://%s" % (self.web, self.web)
        return Reply(status, "<!DOCTYPE html>\n<html>\n<head><title>Practice</title>\n%s\n</head>\n<body class='%s'>%s</body>\n</html>\n" % (
            self.rendered[page], page, body or "<div id='mastodon'></div>"), Content_Security_Policy=csp, **headers)

    def not_found(self, request):
        if request.path.startswith("/api/") or "json" in request.header("accept"):
            return Reply(404, {"error": "Record not found"})
        try:
            return self.render("error", "error", 404, "<p>The page you are looking for isn't here</p>")
        except Unrendered as e:
            self.log("FATAL", "ActionView::Template::Error (%s)" % e)
            return Reply(500)

    def cached(self, name, seconds, make):
        """Rails.cache.fetch in Redis; the version of the code is not part of the key."""
        redis = Redis.from_env()
        try:
            text = redis.cmd("GET", "cache:" + name)
            if text:
                return json.loads(text)
            value = make()
            redis.cmd("SET", "cache:" + name, json.dumps(value), "EX", seconds)
            return value
        finally:
            redis.close()

    def api_versions(self):
        number = releases.series(self.version)["api"]
        return {"mastodon": number} if number else None

    def account(self, pg, name):
        rows = pg.run("SELECT id, username, display_name, public_key FROM accounts WHERE domain IS NULL AND lower(username) = lower($1)", name)
        if not rows:
            raise NotHere
        return rows[0]

    def account_json(self, row):
        return {"id": row[0], "username": row[1], "acct": row[1], "display_name": row[2], "url": "https://%s/@%s" % (self.web, row[1])}


def instance_v2(site, _request):
    if core.fault("instance-fails") is not None:
        return Reply(500, "We're sorry, but something went wrong")

    def make():
        with database.Pooled("puma") as pg:
            users = int(pg.one("SELECT count(*) FROM users"))
            title = pg.one("SELECT value FROM settings WHERE var = 'site_title'")
            contact = site.account(pg, pg.one("SELECT value FROM settings WHERE var = 'site_contact_username'"))
        body = {"domain": site.domain, "title": title, "version": site.full, "source_url": "https://github.com/mastodon/mastodon",
                "description": "", "usage": {"users": {"active_month": users}}, "thumbnail": {"url": "https://%s/packs/media/preview.png" % site.web},
                "languages": ["en"], "configuration": {"urls": {"streaming": "wss://" + site.web, "status": None},
                                                       "vapid": {"public_key": os.environ.get("VAPID_PUBLIC_KEY", "")},
                                                       "statuses": {"max_characters": 500}},
                "registrations": {"enabled": True, "approval_required": True}, "contact": {"email": "admin@" + site.domain,
                                                                                         "account": site.account_json(contact)}, "rules": []}
        if site.api_versions():
            body["api_versions"] = site.api_versions()
        return body
    return Reply(200, site.cached("instance:v2", 180, make), Cache_Control="max-age=300, public, stale-while-revalidate=30, stale-if-error=86400")


def instance_v1(site, _request):
    def make():
        with database.Pooled("puma") as pg:
            count = [int(pg.one("SELECT count(*) FROM " + t)) for t in
                     ("users", "statuses WHERE local", "(SELECT DISTINCT domain FROM accounts WHERE domain IS NOT NULL) d")]
        return {"uri": site.domain, "title": "Practice", "version": site.full, "urls": {"streaming_api": "wss://" + site.web},
                "stats": {"user_count": count[0], "status_count": count[1], "domain_count": count[2]}, "registrations": True}
    return Reply(200, site.cached("instance:v1", 180, make), Cache_Control="max-age=300, public, stale-while-revalidate=30, stale-if-error=86400")


def nodeinfo_links(site, _request):
    return Reply(200, {"links": [{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": "https://%s/nodeinfo/2.0" % site.web}]},
                 Cache_Control="max-age=259200, public")


def nodeinfo(site, _request):
    def make():
        with database.Pooled("puma") as pg:
            users, posts = int(pg.one("SELECT count(*) FROM users")), int(pg.one("SELECT count(*) FROM statuses WHERE local"))
        return {"version": "2.0", "software": {"name": "mastodon", "version": site.full}, "protocols": ["activitypub"],
                "services": {"outbound": [], "inbound": []}, "usage": {"users": {"total": users, "activeMonth": users, "activeHalfyear": users},
                                                                      "localPosts": posts}, "openRegistrations": True, "metadata": {}}
    return Reply(200, site.cached("nodeinfo", 1800, make), Cache_Control="max-age=1800, public")


def status_json(site, row):
    return {"id": row[0], "created_at": row[3].replace(" ", "T") + "Z", "visibility": ["public", "unlisted", "private", "direct"][int(row[4])],
            "uri": "https://%s/users/%s/statuses/%s" % (site.web, row[2], row[0]), "url": "https://%s/@%s/%s" % (site.web, row[2], row[0]),
            "content": "<p>%s</p>" % row[1], "account": {"username": row[2], "acct": row[2]}}


SHORT = "max-age=15, public, stale-while-revalidate=30, stale-if-error=86400"
STATUS_SQL = ("SELECT s.id, s.text, a.username, s.created_at::timestamp(3), s.visibility FROM statuses s JOIN accounts a ON a.id = s.account_id "
              "WHERE s.deleted_at IS NULL AND ")


def timeline(site, request):
    limit = min(40, int(re.sub(r"\D", "", request.query.get("limit", "20")) or 20))
    with database.Pooled("puma") as pg:
        rows = pg.run(STATUS_SQL + "s.visibility = 0 AND (s.local OR $1 = '') ORDER BY s.id DESC LIMIT %d" % limit,
                      "local" if request.query.get("local") in ("true", "1") else "")
    return Reply(200, [status_json(site, r) for r in rows], Cache_Control=SHORT)


def lookup(site, request):
    with database.Pooled("puma") as pg:
        return Reply(200, site.account_json(site.account(pg, request.query.get("acct", "").split("@")[0])))


def webfinger(site, request):
    m = re.fullmatch(r"(?:acct:)?@?([\w.-]+)@([\w.-]+)", request.query.get("resource", ""))
    if not m:
        return Reply(400, "")
    if m.group(2) not in site.allowed:
        raise NotHere
    with database.Pooled("puma") as pg:
        name = site.account(pg, m.group(1))[1]
    href = "https://%s/users/%s" % (site.web, name)
    body = {"subject": "acct:%s@%s" % (name, site.domain), "aliases": ["https://%s/@%s" % (site.web, name), href],
            "links": [{"rel": "self", "type": "application/activity+json", "href": href}]}
    return Reply(200, body, "application/jrd+json; charset=utf-8", Cache_Control="max-age=259200, public", Access_Control_Allow_Origin="*")


def actor(site, request, name):
    if os.environ.get("AUTHORIZED_FETCH") == "true" and "json" in request.header("accept") and not request.header("signature"):
        return Reply(401, {"error": "Request not signed"}, Cache_Control="private, no-store")
    with database.Pooled("puma") as pg:
        row = site.account(pg, name)
    if "json" not in request.header("accept"):
        return Reply(302, "", Location="https://%s/@%s" % (site.web, row[1]))
    me = "https://%s/users/%s" % (site.web, row[1])
    return Reply(200, {"@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"], "id": me, "type": "Person",
                       "inbox": me + "/inbox", "outbox": me + "/outbox", "preferredUsername": row[1], "name": row[2],
                       "publicKey": {"id": me + "#main-key", "owner": me, "publicKeyPem": row[3]},
                       "endpoints": {"sharedInbox": "https://%s/inbox" % site.web}}, "application/activity+json; charset=utf-8",
                 Cache_Control="max-age=180, public", Vary="Accept, Signature")


PAGES = [  # path, page, layout
    (r"/(?:home)?", "home", "application"), (r"/about", "about", "application"), (r"/explore", "explore", "application"), (r"/public", "public", "application"),
    (r"/tags/\w+", "tag", "application"), (r"/@[\w.-]+", "profile", "application"), (r"/@[\w.-]+/\d+", "status", "application"),
    (r"/auth/sign_in", "sign-in", "auth"), (r"/auth/password/new", "password", "auth"), (r"/auth/sign_up", "sign-up", "auth"),
]


def show(page, layout):
    """The work of a route that shows a page."""
    def work(site, _request):
        private = layout == "auth"
        return site.render(page, layout, Cache_Control="private, no-store" if private else SHORT)
    return work


def embed(site, _request, name, number):
    with database.Pooled("puma") as pg:
        if not pg.run("SELECT 1 FROM statuses s JOIN accounts a ON a.id = s.account_id WHERE s.id = $1 AND lower(a.username) = lower($2)"
                      " AND s.visibility IN (0, 1) AND s.deleted_at IS NULL", number, name):
            raise NotHere
    return site.render("embed", "embed", Cache_Control="max-age=180, public")


def admin(site, _request):
    return Reply(302, "", Location="https://%s/auth/sign_in" % site.web, Cache_Control="private, no-store")


def packs(site, _request, name):
    if ".." in name:
        raise NotHere
    text = core.slurp("%s/public/packs/%s" % (site.live, name))
    if text is None:
        raise NotHere
    return Reply(200, text, "text/css" if name.endswith(".css") else "text/javascript", Cache_Control="public, max-age=2419200, immutable")


def inbox(_site, _request, *_):
    return Reply(401, {"error": "Request not signed"}, Cache_Control="private, no-store")


def member(request, pg):
    """(user id, account id, name) of a bearer token, or None."""
    m = re.fullmatch(r"Bearer (\S+)", request.header("authorization"))
    rows = pg.run("SELECT u.id, a.id, a.username FROM oauth_access_tokens t JOIN users u ON u.id = t.resource_owner_id JOIN accounts a ON a.id = u.account_id"
                  " WHERE t.token = $1 AND t.revoked_at IS NULL", m.group(1)) if m else []
    return rows[0] if rows else None


def post_status(site, request):
    """A post: once for each Idempotency-Key; told to streaming, queued for delivery."""
    fields = request.fields()
    with database.Pooled("puma") as pg:
        who = member(request, pg)
        if not who:
            return Reply(401, {"error": "The access token is invalid"})
        if not fields.get("status"):
            return Reply(422, {"error": "Validation failed: Text can't be blank"})
        redis = Redis.from_env()
        key = request.header("idempotency-key")
        key = "idempotency:status:%s:%s" % (who[1], key) if key else None
        known = redis.cmd("GET", key) if key else None
        if not known:
            kinds = ["public", "unlisted", "private", "direct"]
            kind = kinds.index(fields.get("visibility")) if fields.get("visibility") in kinds else 0
            known = pg.one("INSERT INTO statuses (account_id, text, local, visibility) VALUES ($1, $2, true, %d) RETURNING id" % kind, who[1], fields["status"])
            pg.run("UPDATE statuses SET uri = $1 WHERE id = $2", "https://%s/users/%s/statuses/%s" % (site.web, who[2], known), known)
            if key:
                redis.cmd("SET", key, known, "EX", 3600)
            core.effect("post", known)
            from standin import sidekiq
            sidekiq.enqueue(redis, site.version, "push", "ActivityPub::DistributionWorker", [int(known)])
        row = pg.run(STATUS_SQL + "s.id = $1", known)[0]
        body = status_json(site, row)
        redis.cmd("PUBLISH", "timeline:%s" % who[1], json.dumps({"event": "update", "payload": json.dumps(body)}))
        redis.close()
    return Reply(200, body)


def get_status(site, _request, number):
    with database.Pooled("puma") as pg:
        rows = pg.run(STATUS_SQL + "s.id = $1", number)
    if not rows:
        raise NotHere
    return Reply(200, status_json(site, rows[0]))


def timeline_home(site, request):
    """What a member sees first: read from Redis and PostgreSQL each time, never cached."""
    redis = Redis.from_env()
    redis.cmd("GET", "account:1:regeneration")
    redis.close()
    with database.Pooled("puma") as pg:
        if not member(request, pg):
            return Reply(401, {"error": "The access token is invalid"}, Cache_Control="private, no-store")
        rows = pg.run(STATUS_SQL + "s.local ORDER BY s.id DESC LIMIT 20")
    return Reply(200, [status_json(site, r) for r in rows], Cache_Control="private, no-store")


def timelines_policy(site, request):
    """4.5 can hide the live feeds from strangers."""
    if core.fault("feeds-need-login") is not None and version_key(site.version) >= (4, 5):
        return Reply(401, {"error": "This method requires an authenticated user"})
    return timeline(site, request)


def verify(site, request):
    with database.Pooled("puma") as pg:
        who = member(request, pg)
        if not who:
            return Reply(401, {"error": "The access token is invalid"})
        return Reply(200, site.account_json(site.account(pg, who[2])))


ROUTES = [
    ("GET", r"/api/v2/instance", instance_v2), ("GET", r"/api/v1/instance", instance_v1),
    ("GET", r"/\.well-known/nodeinfo", nodeinfo_links), ("GET", r"/nodeinfo/2\.0", nodeinfo),
    ("GET", r"/api/v1/timelines/public", timelines_policy), ("GET", r"/api/v1/accounts/lookup", lookup),
    ("GET", r"/api/v1/accounts/verify_credentials", verify),
    ("GET", r"/\.well-known/webfinger", webfinger), ("GET", r"/users/([\w.-]+)", actor),
    ("POST", r"/inbox", inbox), ("POST", r"/users/([\w.-]+)/inbox", inbox),
    ("POST", r"/api/v1/statuses", post_status), ("GET", r"/api/v1/statuses/(\d+)", get_status),
    ("GET", r"/packs/([\w./-]+)", packs), ("GET", r"/api/v1/timelines/home", timeline_home),
    ("GET", r"/@([\w.-]+)/(\d+)/embed", embed), ("GET", r"/(?:admin|settings)(?:/.*)?", admin),
] + [("GET", path, show(page, layout)) for path, page, layout in PAGES]
