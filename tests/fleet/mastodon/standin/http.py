# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP/1.1 server side: one request a connection, threads, a listening socket that can be inherited."""
import json
import os
import socket
import threading
import uuid
from urllib.parse import parse_qs, unquote, urlsplit

REASONS = {200: "OK", 202: "Accepted", 206: "Partial Content", 301: "Moved Permanently", 302: "Found", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 422: "Unprocessable Content", 500: "Internal Server Error", 503: "Service Unavailable", 400: "Bad Request"}


class Request:
    """What came: method, path, query, headers (lower case), body."""

    def __init__(self, method, target, headers, body):
        parts = urlsplit(target)
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.path = unquote(parts.path)
        self.query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}

    def header(self, name, default=""):
        return self.headers.get(name, default)

    def fields(self):
        """The body as a form or as JSON."""
        try:
            if "json" in self.header("content-type"):
                return json.loads(self.body or b"{}")
            return {k: v[0] for k, v in parse_qs(self.body.decode("utf-8", "replace")).items()}
        except ValueError:
            return {}


class Reply:
    """What goes: status, body (str, bytes or something for JSON), type, headers."""

    def __init__(self, status, body="", kind="text/html; charset=utf-8", **headers):
        if isinstance(body, (dict, list)):
            body, kind = json.dumps(body, separators=(",", ":")), "application/json; charset=utf-8" if kind.startswith("text/html") else kind
        self.status, self.kind = status, kind
        self.body = body.encode() if isinstance(body, str) else body
        self.headers = {k.replace("_", "-"): v for k, v in headers.items()}


def read_request(conn):
    """The request, or None when the other side said nothing whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = conn.recv(65536)
        if not more or len(data) > 1 << 20:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3:
        return None
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length") or 0)
    while len(body) < min(length, 100 << 20):
        more = conn.recv(65536)
        if not more:
            return None
        body += more
    return Request(words[0], words[1], headers, body)


def send_head(conn, reply, length=None):
    lines = ["HTTP/1.1 %d %s" % (reply.status, REASONS.get(reply.status, "Status")), "Content-Type: " + reply.kind, "Connection: close",
             "X-Request-Id: %s" % uuid.uuid4()]
    if length is not None:
        lines.append("Content-Length: %d" % length)
    lines += ["%s: %s" % h for h in reply.headers.items()]
    conn.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())


def serve_one(conn, handler):
    """Answer one connection; a handler that returns None has answered itself."""
    try:
        conn.settimeout(30)
        request = read_request(conn)
        if request is None:
            return
        reply = handler(request, conn)
        if reply is not None:
            send_head(conn, reply, len(reply.body))
            if request.method != "HEAD":
                conn.sendall(reply.body)
    except OSError:
        pass
    finally:
        conn.close()


def listen(place):
    """A listening socket at (address, port), or at a path, where one that nobody serves any more is replaced."""
    if isinstance(place, str):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if os.path.exists(place) and sock.connect_ex(place):
            os.unlink(place)
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(place)
        os.chmod(place, 0o777)
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
    sock.listen(1024)
    return sock


def listen_here():
    """A listening socket for this host alone, with a name of its own and no file."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.bind(b"\0standin-site-" + uuid.uuid4().hex.encode())
    sock.listen(1024)
    return sock


def accept_for_ever(sock, handler):
    """A thread for each connection."""
    while True:
        try:
            conn, _ = sock.accept()
        except (InterruptedError, ConnectionAbortedError):
            continue
        threading.Thread(target=serve_one, args=(conn, handler), daemon=True).start()
