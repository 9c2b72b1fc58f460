# SPDX-License-Identifier: GPL-3.0-or-later
"""A Redis client of the size we need: RESP2 over one socket."""
import os
import socket
import urllib.parse

PATIENCE = 15  # seconds for a connection or an answer: a machine that is busy elsewhere is no dead one


class RedisError(Exception):
    """The server said -ERR, or could not be reached."""


class Redis:
    """One connection, made at the first command and made again after it broke."""

    def __init__(self, host="localhost", port=6379, db=0, password=None, timeout=PATIENCE, user=None, unix=None):
        self.host, self.port, self.db, self.password, self.timeout = host, int(port), int(db), password, timeout
        self.user, self.unix = user, unix
        self.sock = None
        self.file = None

    @classmethod
    def from_env(cls, sidekiq=False, timeout=PATIENCE):
        """As Mastodon finds it: an address of Sidekiq's own, else its own host and port, else the common ones; Sentinel."""
        for prefix in ("SIDEKIQ_REDIS_", "REDIS_") if sidekiq else ("REDIS_",):
            env = {n: os.environ.get(prefix + n, "") for n in ("URL", "HOST", "PORT", "DB", "USER", "PASSWORD", "SENTINELS", "SENTINEL_MASTER", "SENTINEL_PORT")}
            if env["URL"]:
                return cls.from_url(env["URL"], timeout)
            host, port = env["HOST"], env["PORT"] or 6379
            if env["SENTINELS"] and env["SENTINEL_MASTER"]:
                host, port = cls.master(env, timeout)
            if host:
                return cls(host, port, env["DB"] or 0, env["PASSWORD"] or None, timeout, env["USER"])
        return cls("localhost", os.environ.get("REDIS_PORT") or 6379, os.environ.get("REDIS_DB") or 0, os.environ.get("REDIS_PASSWORD") or None, timeout,
                   os.environ.get("REDIS_USER"))

    @classmethod
    def from_url(cls, text, timeout):
        url = urllib.parse.urlsplit(text)
        if url.scheme not in ("redis", "rediss", "unix"):
            raise RedisError("invalid uri %s" % text)
        user, secret = (url.username, url.password) if url.password else (None, url.username)
        query = dict(urllib.parse.parse_qsl(url.query))
        unix = url.path if url.scheme == "unix" else None
        return cls(url.hostname or "localhost", url.port or 6379, query.get("db") or (0 if unix else url.path.lstrip("/") or 0),
                   urllib.parse.unquote_plus(secret) if secret else None, timeout, user, unix)

    @classmethod
    def master(cls, env, timeout):
        for one in env["SENTINELS"].split(","):
            host, _, port = one.strip().partition(":")
            try:
                found = cls(host, port or env["SENTINEL_PORT"] or 26379, timeout=timeout).cmd("SENTINEL", "get-master-addr-by-name", env["SENTINEL_MASTER"])
                if found:
                    return found
            except RedisError:
                continue
        raise RedisError("No sentinels available")

    def open(self):
        try:
            if self.unix:
                self.sock = socket.socket(socket.AF_UNIX)
                self.sock.settimeout(self.timeout)
                self.sock.connect(self.unix)
            else:
                self.sock = socket.create_connection((self.host, self.port), self.timeout)
        except OSError as e:
            self.sock = None
            what = {111: "Errno::ECONNREFUSED", 113: "Errno::EHOSTUNREACH"}.get(e.errno, str(e))
            raise RedisError("Error connecting to Redis on %s:%d (%s)" % (self.host, self.port, what)) from e
        self.file = self.sock.makefile("rb")
        if self.password:
            self.talk("AUTH", *([self.user] if self.user else []), self.password)
        if self.db:
            self.talk("SELECT", self.db)

    def close(self):
        if self.sock:
            self.file.close()
            self.sock.close()
            self.sock = None

    def cmd(self, *args):
        """One command, one answer; a broken connection is retried once."""
        for last in (False, True):
            try:
                if not self.sock:
                    self.open()
                return self.talk(*args)
            except (OSError, EOFError) as e:
                self.close()
                if last:
                    raise RedisError("Connection lost (ECONNRESET)") from e
        return None

    def pipeline(self, commands):
        """Several commands as one MULTI; one that is refused takes all of them, and the connection, with it."""
        self.cmd("MULTI")
        try:
            for c in commands:
                self.talk(*c)
            return self.talk("EXEC")
        except RedisError:
            self.close()
            raise

    def talk(self, *args):
        parts = [b"*%d\r\n" % len(args)]
        for a in args:
            b = a if isinstance(a, bytes) else str(a).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(b), b))
        self.sock.sendall(b"".join(parts))
        return self.answer()

    def answer(self):
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            data = self.file.read(int(rest) + 2)
            if len(data) < int(rest) + 2:
                raise EOFError
            return data[:-2].decode("utf-8", "replace")
        if kind == b"*":
            return None if rest == b"-1" else [self.answer() for _ in range(int(rest))]
        raise EOFError

    def scan_delete(self, pattern):
        """Delete every key that matches; how many there were."""
        cursor, gone = "0", 0
        while True:
            cursor, keys = self.cmd("SCAN", cursor, "MATCH", pattern, "COUNT", 500)
            if keys:
                gone += self.cmd("DEL", *keys)
            if cursor == "0":
                return gone

    def server_version(self):
        for line in self.cmd("INFO", "server").splitlines():
            if line.startswith("redis_version:"):
                return line.split(":", 1)[1].strip()
        return "0"
