# stream.py - much output of one command: on loopback and over a long link, against `ssh HOST cat`.
# SPDX-License-Identifier: GPL-3.0-or-later
import contextlib
import json
import os
import sqlite3
import subprocess

import lab
from lab import median
from latency import one_line
from table import Section, number, times

ONE_WAY_US = 20000
INSIDE = "of that, until the end was journaled"  # the view still prints then


def make_file(l, mb):
    """Text as commands print it, not zeros."""
    path = l.path("big")
    line = b"2026-11-21 18:52:07 INFO  sidekiq[4711]: class=ActivityPub::ProcessingWorker jid=%08x elapsed=0.123 status=done\n"
    block = b"".join(line % i for i in range(9000))[:1 << 20]
    with open(path, "wb") as f:
        for _ in range(mb):
            f.write(block)
    return path


def start_link(l):
    """A port of 127.0.0.1 that leads to the first sshd over a long link; an ssh_config that says so."""
    process = l.child([lab.program("link"), l.addresses[0], str(l.port), str(ONE_WAY_US)], stdout=subprocess.PIPE, text=True)
    port = int(process.stdout.readline())
    for name, more in (("ssh_config.long", ""), ("ssh_config.long.aes", "\tCiphers aes128-ctr\n\tMACs hmac-sha2-256\n")):
        with open(l.path("ssh_config")) as f:
            rest = f.read()
        l.write(name, "Host long\n\tHostName 127.0.0.1\n\tPort %d\n\tHostKeyAlias long\n" % port + rest + more)


def ssh(l, host, path, config, more=()):
    return lab.measure(["ssh", "-F", l.path(config), *more, host, "cat " + path], env=l.env)[0]["wall"]


def worker(l, host, path, config):
    got = one_line([lab.program("calls"), "stream", l.path(config), host, "cat " + path], l.env)
    if got["bytes"] != os.path.getsize(path):
        raise lab.Trouble("%d bytes of %d came" % (got["bytes"], os.path.getsize(path)))
    return got["wall"]


def session(l, host, path, config):
    journal = l.journal("stream")
    argv = [lab.BELLBOOK, "each", "--read", host, "--json", "--fleet", l.fleet([host], config), "--journal", journal, "--", "cat " + path]
    wall = lab.measure(argv, env=l.env, output="/dev/null")[0]["wall"]
    size = sum(os.path.getsize(journal + end) for end in ("", "-wal") if os.path.exists(journal + end))
    if size < os.path.getsize(path):
        raise lab.Trouble("the journal has %d bytes after an output of %d" % (size, os.path.getsize(path)))
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % journal, uri=True)) as db:
        (data,), = db.execute("SELECT data FROM event WHERE kind = 21")  # call.ended
    l.journal("stream")
    return wall, json.loads(data)["took_us"] / 1e6


def place(s, name, mb, ways, rounds, limit):
    """One table's worth of ways to get the file, in turn."""
    took, trouble = {w: [] for w, _ in ways}, {}
    for _ in range(rounds):
        for way, fn in ways:
            if way in trouble:
                continue
            try:
                got = fn()
                if isinstance(got, tuple):
                    got, inner = got
                    took.setdefault(INSIDE, []).append(inner)
                took[way].append(got)
            except (lab.Trouble, subprocess.TimeoutExpired) as e:
                trouble[way] = str(e)
    base = median(took[ways[0][0]])
    for way in [w for w, _ in ways] + [INSIDE]:
        seconds = median(took.get(way, []))
        rate = mb / seconds if seconds else None
        s.row("%s: %s" % (name, way), times(base, seconds) if base and seconds else trouble.get(way, "-")[:40], number(seconds), number(rate))
    for way, text in trouble.items():
        s.trouble("%s: %s: %s" % (name, way, text))
    for way in ("bellbook, worker", "bellbook, whole session (journal, JSON view)"):
        seconds = median(took[way])
        s.aim("%s, %s, as fast as ssh" % (name, way), base / seconds if seconds and base else None, limit, "x", at_least=True)


def section(l, mb, rounds):
    host = l.addresses[0]
    path = make_file(l, mb)
    start_link(l)
    s = Section("%d MB of output of one command" % mb, ["way", "rate, x ssh", "wall s", "MB/s"])
    place(s, "loopback", mb, [
        ("ssh HOST cat (its default cipher)", lambda: ssh(l, host, path, "ssh_config.curve")),
        ("ssh HOST cat, aes128-ctr as libssh2", lambda: ssh(l, host, path, "ssh_config.curve", ("-o", "Ciphers=aes128-ctr", "-o", "MACs=hmac-sha2-256"))),
        ("bellbook, worker", lambda: worker(l, host, path, "ssh_config")),
        ("bellbook, whole session (journal, JSON view)", lambda: session(l, host, path, "ssh_config")),
    ], rounds, 0.6)
    place(s, "40 ms link", mb, [
        ("ssh HOST cat (its default cipher)", lambda: ssh(l, "long", path, "ssh_config.long")),
        ("bellbook, worker", lambda: worker(l, "long", path, "ssh_config.long")),
        ("bellbook, whole session (journal, JSON view)", lambda: session(l, "long", path, "ssh_config.long")),
    ], rounds, 2)
    s.note("worker and session include nothing but the command: the worker's connection is open before, ssh and the session connect first")
    s.note("the link hands every byte on after %d ms in each direction and is as wide as wanted, so the window decides" % (ONE_WAY_US // 1000))
    os.unlink(path)
    return s
