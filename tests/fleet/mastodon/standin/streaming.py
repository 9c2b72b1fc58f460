# SPDX-License-Identifier: GPL-3.0-or-later
"""The streaming server: health, metrics, and event streams for members."""
import json
import os
import re

from standin import core, database, http
from standin.core import Stop, fault, nap, out, pace
from standin.http import Reply
from standin.redis import Redis, RedisError

LIVE_CLIENTS = []


def main(live):
    """node ./streaming"""
    core.dotenv(live)
    if fault("streaming-boot-fails") is not None:
        nap(0.2)
        raise Stop("node:internal/modules/package_json_reader:256\n  throw new ERR_MODULE_NOT_FOUND(packageName, fileURLToPath(base), null);\n\n"
                   "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'express' imported from %s/streaming/index.js" % live)
    nap(0.15)
    address, port = os.environ.get("BIND", "127.0.0.1"), int(os.environ.get("PORT") or 4000)
    try:
        sock = http.listen((address, port))
    except OSError as e:
        raise Stop("Error: listen EADDRINUSE: address already in use %s:%d" % (address, port)) from e
    core.title("node\0./streaming")
    out("Streaming API now listening on %s:%d" % (address, port))
    http.accept_for_ever(sock, answer)
    return 0


def answer(request, conn):
    if request.path == "/api/v1/streaming/health":
        return Reply(200, "OK", "text/plain")
    if request.path == "/metrics":
        return Reply(200, "".join("# TYPE %s gauge\n%s %s\n" % (n, n + label, v) for n, label, v in (
            ("connected_clients", '{type="eventsource"}', len(LIVE_CLIENTS)), ("connected_channels", '{type="eventsource",channel="user"}', len(LIVE_CLIENTS)),
            ("pg_pool_total_connections", "", 1), ("pg_pool_idle_connections", "", 1), ("redis_messages_received_total", "", 0),
            ("messages_sent_total", '{type="eventsource"}', 0))), "text/plain; version=0.0.4")
    if not request.path.startswith("/api/v1/streaming"):
        return Reply(404, {"error": "Not found"})
    token = re.sub(r"^Bearer ", "", request.header("authorization")) or request.query.get("access_token", "")
    if not token:
        return Reply(401, {"error": "Missing access token"})
    try:
        with database.connect("mastodon-streaming") as pg:
            account = pg.one("SELECT u.account_id FROM oauth_access_tokens t JOIN users u ON u.id = t.resource_owner_id"
                             " WHERE t.token = $1 AND t.revoked_at IS NULL", token)
    except database.PGError as e:
        out("error: " + e.text)
        return Reply(500, {"error": "An unexpected error occurred"})
    if not account:
        return Reply(401, {"error": "Invalid access token"})
    stream(conn, account)
    return None


def stream(conn, account):
    """`:)` at once, `:thump` every 15 s (1.5 here), and what Redis tells."""
    http.send_head(conn, Reply(200, kind="text/event-stream", Cache_Control="private, no-store", X_Accel_Buffering="no"))
    conn.sendall(b":)\n")
    redis = Redis.from_env()
    LIVE_CLIENTS.append(conn)
    try:
        redis.cmd("SUBSCRIBE", "timeline:%s" % account)
        redis.sock.settimeout(max(0.2, 1.5 * pace()))
        buffer = b""
        while True:
            try:
                more = redis.sock.recv(65536)
                if not more:
                    return
                buffer += more
                if not buffer.endswith(b"\r\n"):
                    continue  # half a message
                for m in re.finditer(rb"\$\d+\r\n(\{.*?\})\r\n", buffer):
                    event = json.loads(m.group(1))
                    conn.sendall(("event: %s\ndata: %s\n\n" % (event["event"], event["payload"])).encode())
                buffer = b""
            except TimeoutError:
                conn.sendall(b":thump\n")
    except (OSError, RedisError, ValueError):
        return
    finally:
        LIVE_CLIENTS.remove(conn)
        redis.close()
