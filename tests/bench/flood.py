# flood.py - a key under a flood of output: milliseconds from the press to its effect on the terminal; and what a quiet view costs.
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import random
import select
import subprocess
import time

import lab
from start import Screen, end_session, run_words
from table import Section, number

FRAME_MS = 100  # the view draws at most so often while output comes; after a key sooner
FLOOD = """runbook { id = "flood", bellbook = 1, title = "Flood", about = "To be measured.", params = {} }
observe "flood" { title = "Writes as fast as it is read", run = function(s) here.read("yes pg_restore: processing data for table public.statuses", { timeout = "10m" }) end }
manual "end" { title = "The end", why = "To be measured.", text = "Done." }
"""
QUIET = FLOOD.replace("yes pg_restore: processing data for table public.statuses", "sleep 600")


class Keys(Screen):
    def until(self, text, seconds=10):
        """Reads until text has come; seconds since the call, None when it did not come."""
        began, tail = time.monotonic(), b""
        while time.monotonic() - began < seconds:
            if select.select([self.fd], [], [], 0.5)[0]:
                data = os.read(self.fd, 65536)
                tail = tail[-200:] + data
                self.got.append((time.monotonic() - self.began, len(data)))
                if text in tail:
                    return time.monotonic() - began
        return None

    def drain(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                self.got.append((time.monotonic() - self.began, len(os.read(self.fd, 65536))))

    def cpu(self):
        """Seconds of processor time of the view so far."""
        with open("/proc/%d/stat" % self.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))] if values else None


def press(screen, presses):
    """Milliseconds from `?` to the list of keys on the screen; presses that showed nothing in 10 s count as that."""
    took = []
    for _ in range(presses):
        os.write(screen.fd, b"?")
        seconds = screen.until(b"filter:")
        took.append(10000 if seconds is None else seconds * 1000)
        os.write(screen.fd, b"\003")
        screen.drain(0.15 + random.random() * 0.1)
    return took


def session(l, name, text, presses, seconds):
    """The view of one session: latencies of keys, bytes and processor time a second without keys, bytes the journal grew by a second."""
    screen = Keys(l, run_words(l, l.write(name + ".lua", text), name))
    path = l.path(name, "journal.db")
    try:
        if screen.until(b"runs on", lab.PATIENCE) is None:
            raise lab.Trouble("the live view showed nothing")
        screen.drain(1)
        before, cpu, began, known = os.path.getsize(path), screen.cpu(), time.monotonic(), len(screen.got)
        screen.drain(seconds)
        spent = time.monotonic() - began
        got = {"cpu": (screen.cpu() - cpu) / spent, "bytes": sum(n for _, n in screen.got[known:]) / spent,
               "journal": (os.path.getsize(path) - before) / spent / 1e6}
        got["keys"] = press(screen, presses)
    finally:
        screen.close()
        stop(l, name)
    return got


def stop(l, name):
    """Ends the flood, then the session."""
    argv = [lab.BELLBOOK, "--journal", l.path(name, "journal.db"), "attach", "1", "--json"]
    process = subprocess.Popen(argv, env=l.env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    process.stdin.write(json.dumps({"do": "abort", "why": "measured"}) + "\n")
    process.stdin.flush()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        end_session(l, name)
    process.stdin.close()


def section(l, presses, seconds):
    s = Section("A key while output floods the live view (80x24)", ["what", "x frame", "ms", "view's CPU %", "bytes/s to the terminal"])
    flood, quiet = session(l, "flood", FLOOD, presses, seconds), session(l, "quiet", QUIET, presses // 2, seconds)
    for name, got in (("flood", flood), ("quiet", quiet)):
        for part, word in ((0.5, "median"), (0.99, "99 %"), (1, "slowest")):
            ms = percentile(got["keys"], part)
            s.row("%s: key to paint, %s" % (name, word), number(ms / FRAME_MS, "x"), number(ms), "-", "-")
        s.row("%s: no key pressed" % name, "-", "-", number(got["cpu"] * 100), number(got["bytes"]))
    s.aim("key to paint under the flood, 99 %", percentile(flood["keys"], 0.99), FRAME_MS, "ms")
    s.aim("bytes a second to the terminal under the flood (ten frames)", flood["bytes"], 12000, "bytes")
    s.aim("processor time of a quiet view", quiet["cpu"] * 100, 1, "%")
    s.note("the command writes as fast as it is read (`yes`, gigabytes a second when nobody slows it); the session took in and journaled %s MB/s of it" % number(flood["journal"]))
    s.note("%d presses of `?` at odd moments, from the write to the terminal until the list of keys was read from it" % presses)
    return s
