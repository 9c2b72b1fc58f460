# SPDX-License-Identifier: GPL-3.0-or-later
"""A Redis client of the size we need: RESP2 over one socket."""
import os
import re
import socket


class RedisError(Exception):
    """The server said -ERR, or could not be reached."""


class Redis:
    """One connection, made at the first command and made again after it broke."""

    def __init__(self, host="localhost", port=6379, db=0, password=None, timeout=5):
        self.host, self.port, self.db, self.password, self.timeout = host, int(port), int(db), password, timeout
        self.sock = None
        self.file = None

    @classmethod
    def from_env(cls, sidekiq=False, timeout=5):
        """As Mastodon finds it: SIDEKIQ_REDIS_URL, REDIS_URL (wins over the rest), REDIS_HOST, REDIS_PORT."""
        env = os.environ
        url = (env.get("SIDEKIQ_REDIS_URL") if sidekiq else None) or env.get("REDIS_URL")
        if url:
            m = re.match(r"rediss?://(?:[^:@/]*:?([^@/]*)@)?([^:/]+)(?::(\d+))?(?:/(\d+))?", url)
            if not m:
                raise RedisError("invalid uri %s" % url)
            return cls(m.group(2), m.group(3) or 6379, m.group(4) or 0, m.group(1) or None, timeout)
        return cls(env.get("REDIS_HOST", "localhost"), env.get("REDIS_PORT", 6379), env.get("REDIS_DB", 0),
                   env.get("REDIS_PASSWORD") or None, timeout)

    def open(self):
        try:
            self.sock = socket.create_connection((self.host, self.port), self.timeout)
        except OSError as e:
            self.sock = None
            what = {111: "Errno::ECONNREFUSED", 113: "Errno::EHOSTUNREACH"}.get(e.errno, str(e))
            raise RedisError("Error connecting to Redis on %s:%d (%s)" % (self.host, self.port, what)) from e
        self.file = self.sock.makefile("rb")
        if self.password:
            self.talk("AUTH", self.password)
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
        """Several commands as one MULTI."""
        self.cmd("MULTI")
        for c in commands:
            self.talk(*c)
        return self.talk("EXEC")

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
