#!/usr/bin/env python3
# pooler.py - stands where a PgBouncer stands: clients on one port, PostgreSQL behind it, start-up options refused, a console of its own.
# SPDX-License-Identifier: GPL-3.0-or-later
"""usage: pooler.py PORT TARGET

TARGET is HOST:PORT or the folder of PostgreSQL's socket (then its port is 5432). Answers as PgBouncer 1.18 does to what a runbook asks: the start-up
parameter "options" is refused with SQLSTATE 08P01, the database pgbouncer knows SHOW VERSION, everything else goes to PostgreSQL over a connection
of the pooler's own."""
import socket
import struct
import sys
import threading


def read(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


def refuse(client, text):
    client.sendall(message(b"E", b"SFATAL\0C08P01\0M" + text.encode() + b"\0\0"))


def console(client):
    """The admin console: one answer to one query, then the end."""
    client.sendall(message(b"R", struct.pack("!i", 0)) + message(b"Z", b"I"))
    while True:
        kind, size = struct.unpack("!ci", read(client, 5))
        query = read(client, size - 4)
        if kind != b"Q":
            return
        if b"SHOW VERSION" in query.upper():
            column = b"version\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0)
            value = b"PgBouncer 1.18.0"
            client.sendall(message(b"T", struct.pack("!h", 1) + column) + message(b"D", struct.pack("!hi", 1, len(value)) + value) +
                           message(b"C", b"SHOW\0"))
        else:
            client.sendall(message(b"E", b"SERROR\0C42601\0Minvalid command\0\0"))
        client.sendall(message(b"Z", b"I"))


def copy(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
    except OSError:
        pass
    for one in (source, sink):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def open_target(target):
    if target.startswith("/"):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(target + "/.s.PGSQL.5432")
        return sock
    host, _, port = target.rpartition(":")
    return socket.create_connection((host, int(port)), 10)


def serve(client, target):
    try:
        while True:
            size, = struct.unpack("!i", read(client, 4))
            body = read(client, size - 4)
            code, = struct.unpack("!i", body[:4])
            if code in (80877103, 80877104):  # TLS, GSS: no
                client.sendall(b"N")
                continue
            break
        words = body[4:].split(b"\0")
        given = dict(zip(words[0::2], words[1::2]))
        if b"options" in given:
            refuse(client, "unsupported startup parameter: options")
        elif given.get(b"database") == b"pgbouncer":
            console(client)
        else:
            start = b"".join(k + b"\0" + given[k] + b"\0" for k in (b"user", b"database") if k in given) + b"\0"
            server = open_target(target)
            server.sendall(struct.pack("!ii", len(start) + 8, 196608) + start)
            threading.Thread(target=copy, args=(server, client), daemon=True).start()
            copy(client, server)
            return
        client.close()
    except (OSError, EOFError, struct.error):
        client.close()


def main(port, target):
    listener = socket.create_server(("0.0.0.0", int(port)))
    print("listens", flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, target), daemon=True).start()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
