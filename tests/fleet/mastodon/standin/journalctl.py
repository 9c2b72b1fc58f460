# SPDX-License-Identifier: GPL-3.0-or-later
"""journalctl over the host's journal file: -u (globs), -n, --since, -o short|cat|short-iso|json, -g, -f, -r."""
import fnmatch
import json
import re
import socket
import time

from standin import units
from standin.core import JOURNAL, Stop, out


def select(names, limit=None, begin=0.0, pattern=None):
    """The rows [time, unit, who, pid, text] of units, oldest first, at most the last `limit`."""
    patterns = [n if n.endswith("*") else units.full(n) for n in names]
    rows = []
    for path in (JOURNAL + ".1", JOURNAL):
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                for line in f:
                    row = line.rstrip("\n").split("\t", 4)
                    if len(row) == 5 and wanted(row, patterns, begin, pattern):
                        rows.append(row)
        except FileNotFoundError:
            continue
    return rows[-limit:] if limit is not None and limit > 0 else rows if limit is None else []


def wanted(row, patterns, begin, pattern):
    return (float(row[0]) >= begin and (not patterns or any(fnmatch.fnmatch(row[1], p) for p in patterns))
            and (not pattern or re.search(pattern, row[4])))


def short(row, form="short"):
    at = float(row[0])
    if form == "cat":
        return row[4]
    if form == "json":
        return json.dumps({"__REALTIME_TIMESTAMP": "%d" % (at * 1e6), "_HOSTNAME": socket.gethostname(), "_SYSTEMD_UNIT": row[1],
                           "SYSLOG_IDENTIFIER": row[2], "_PID": row[3], "MESSAGE": row[4]})
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+0000" if form == "short-iso" else "%b %d %H:%M:%S", time.gmtime(at))
    return "%s %s %s[%s]: %s" % (stamp, socket.gethostname(), row[2], row[3], row[4])


def parse_since(text):
    now = time.time()
    m = re.match(r"-?\s*([\d.]+)\s*(s|sec|second|m|min|minute|h|hour|d|day)?s?(?:\s+ago)?$", text)
    if m:
        return now - float(m.group(1)) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[(m.group(2) or "s")[0]]
    if text.startswith("@"):
        return float(text[1:])
    if text in ("today", "yesterday", "now"):
        return now if text == "now" else now - now % 86400 - (86400 if text == "yesterday" else 0)
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"):
        try:
            import calendar
            return calendar.timegm(time.strptime(re.sub(r"( UTC|Z|\.\d+)+$", "", text), form))
        except ValueError:
            continue
    raise Stop("Failed to parse timestamp: %s" % text)


def main(args):
    names, limit, begin, form, follow, backwards, pattern, i = [], None, 0.0, "short", False, False, None, 0
    takes = {"-u": "u", "--unit": "u", "-n": "n", "--lines": "n", "--since": "S", "-S": "S", "-o": "o", "--output": "o", "-g": "g", "--grep": "g"}
    while i < len(args):
        a, value = args[i], None
        m = re.match(r"(--\w[\w-]*)=(.*)$", a) or re.match(r"(-[unSog])(.+)$", a)
        if m:
            a, value = m.group(1), m.group(2)
        key = takes.get(a)
        if key and value is None and not (key == "n" and (i + 1 >= len(args) or not args[i + 1].isdigit())):
            i += 1
            if i >= len(args):
                raise Stop("journalctl: option requires an argument -- '%s'" % a.lstrip("-"))
            value = args[i]
        if key == "u":
            names.append(value)
        elif key == "n":
            limit = int(value or 10)
        elif key == "S":
            begin = parse_since(value)
        elif key == "o":
            form = value
        elif key == "g":
            pattern = value
        follow, backwards = follow or a in ("-f", "--follow"), backwards or a in ("-r", "--reverse")
        if re.match(r"-[a-z]{2,}$", a) and "f" in a and not key:
            follow = True
        i += 1
    rows = select(names, 10 if follow and limit is None else limit, begin, pattern)
    if not rows and not follow:
        out("-- No entries --")
    for row in reversed(rows) if backwards else rows:
        out(short(row, form))
    if follow:
        tail(names, form, pattern)
    return 0


def tail(names, form, pattern):
    """-f: what is appended from now on."""
    patterns = [n if n.endswith("*") else units.full(n) for n in names]
    with open(JOURNAL, encoding="utf-8", errors="replace") as f:
        f.seek(0, 2)
        rest = ""
        while True:
            text = f.read()
            if not text:
                time.sleep(0.1)
                continue
            rest += text
            *lines, rest = rest.split("\n")
            for line in lines:
                row = line.split("\t", 4)
                if len(row) == 5 and wanted(row, patterns, 0, pattern):
                    out(short(row, form))
