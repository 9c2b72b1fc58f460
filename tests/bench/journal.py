# journal.py - events per second with durability on, and a large journal, against the simplest things that do the same.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import shutil
import socket

import lab
from lab import median
from latency import one_line
from table import Section, number, times

ROW = ("INSERT INTO event(at, kind, step, host, data) VALUES('2026-01-01T00:00:00.000000Z', 'call.begun', 'restart', 'app1', "
       "'{\"action\":\"ssh.run\",\"args\":{\"cmd\":\"systemctl restart mastodon-web\"},\"effect\":\"change\",\"shown\":\"systemctl restart mastodon-web\"}');\n")


def sqlite_rate(l, rows):
    """Rows per second of a plain SQLite table, every row a transaction, through its command line."""
    if not lab.have("sqlite3"):
        return None
    path = l.path("plain.db")
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.unlink(path + suffix)
    head = ("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;\nCREATE TABLE event(seq INTEGER PRIMARY KEY, at TEXT, kind TEXT, step TEXT, host TEXT, data TEXT);\n")
    l.write("plain.sql", head + ROW * rows)
    return rows / lab.measure(["sh", "-c", 'sqlite3 "$0" <"$1"', path, l.path("plain.sql")], env=l.env)[0]["wall"]


def logger_rate(l, lines):
    """One line through logger(1) and its own process into a socket that nobody reads, without any promise that it is on disk."""
    if not lab.have("logger"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(l.path("log"))
        log.setblocking(False)
        try:
            costs = lab.measure(["logger", "-u", l.path("log"), "-t", "bench", "call.begun restart app1"], times=min(lines, 8), env=l.env)
        finally:
            os.unlink(l.path("log"))
    return 1 / median([c["wall"] for c in costs])


def rates(l, s, turns, decisions, groups):
    got, plain = [], []
    for _ in range(turns):
        os.makedirs(l.path("rate"))
        got.append(one_line([lab.program("events"), "rate", l.path("rate"), str(decisions), str(groups)], l.env))
        shutil.rmtree(l.path("rate"))
        plain.append(sqlite_rate(l, decisions * 2))

    def of(key):
        return median([g[key] for g in got])
    plain = median([p for p in plain if p])
    one, many = of("decisions"), of("outputs")
    s.row("bellbook, decisions one by one (FULL, chained)", "1", number(one))
    s.row("JSON lines, fsync after each", times(of("lines"), one), number(of("lines")))
    s.row("plain SQLite table by its CLI, each row a transaction (WAL, FULL)", times(plain, one), number(plain))
    line = logger_rate(l, 8)
    s.row("logger(1), a process a line, promises nothing", times(line, one), number(line))
    s.row("bellbook, output in groups of 64 (NORMAL, chained)", "1", number(many))
    s.row("JSON lines in groups of 64, fsync after each group", times(of("grouped_lines"), many), number(of("grouped_lines")))


def searches(l, s, journal, count):
    """Lists and searches through the index: made by the first that wants it, then as every other time."""
    index = os.path.join(os.path.dirname(journal), "index.db")

    def row(name, seconds):
        s.row("%s events: %s" % (count_text(count), name), "", number(seconds * 1000, "ms"))

    def command(name, argv, turns=1):
        costs = lab.measure([lab.BELLBOOK, "--journal", journal] + argv, times=turns, env=l.env, limit=3600)
        row(name, median([c["wall"] for c in costs]))

    for suffix in ("", "-lock", "-journal"):
        if os.path.exists(index + suffix):
            os.unlink(index + suffix)
    command("first `bellbook sessions` (makes half of the index)", ["sessions", "--limit", "50"])
    command("first `bellbook search` (makes the other half)", ["search", "needle"])
    command("`bellbook sessions --limit 50`, process and all", ["sessions", "--limit", "50"], 5)
    command("`bellbook search needle`, process and all", ["search", "needle"], 5)
    found = one_line([lab.program("events"), "find", journal], l.env)
    for name, key in (("index: open, nothing new", "open"), ("index: list 50 sessions", "list"), ("index: list unfinished ones", "unfinished"), ("index: list failed ones with a host", "failed"),
                      ("search: a rare word", "rare"), ("search: a common word, newest 50", "common"), ("search: two words", "two"), ("search: words in a row", "phrase"),
                      ("search: a beginning", "prefix"), ("search: a word on one host", "host"), ("search: a word in one session", "session")):
        row(name, found[key])
    s.note("the index of %s events is %s MB" % (count_text(count), number(os.path.getsize(index) / (1 << 20))))


def large(l, s, count):
    journal = l.journal("large")
    made = one_line([lab.program("events"), "fill", journal, str(count)], l.env, limit=7200)
    look = one_line([lab.program("events"), "read", journal], l.env)
    verified = lab.measure([lab.BELLBOOK, "--journal", journal, "verify"], env=l.env)[0]["wall"] if not lab.QUICK else None
    for name, value in (("open", look["open"]), ("list 50 sessions", look["list"]), ("list unfinished ones", look["unfinished"]), ("200 events of a session", look["page"]),
                        ("`bellbook verify`, whole chain", verified)):
        s.row("%s events: %s" % (count_text(count), name), "", number(value * 1000, "ms") if value is not None else "-")
    searches(l, s, journal, count)
    size = os.path.getsize(journal) / (1 << 20)
    s.note("the journal of %s events is %s MB; writing it took %s s" % (count_text(count), number(size), number(made["wall"])))
    shutil.rmtree(l.path("large"))


def count_text(count):
    return "%d million" % (count // 1000000) if count >= 1000000 else str(count)


def section(l, quick):
    s = Section("The journal", ["what", "x bellbook", "events/s"])
    rates(l, s, 1 if quick else 3, 200 if quick else 1000, 50 if quick else 200)
    large(l, s, int(os.environ.get("BENCH_EVENTS", 100000 if quick else 1000000)))
    return s
