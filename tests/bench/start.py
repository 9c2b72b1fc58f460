# start.py - how long until something is there, and how many bytes the live view sends to a terminal.
# SPDX-License-Identifier: GPL-3.0-or-later
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

import lab
from lab import median
from table import Section, number, times

ASKS = """runbook { id = "start", bellbook = 1, title = "Start", about = "To be measured.", params = {} }
change "one" { title = "One", why = "To be measured.", gives = { "ran" }, run = function(s) s.ran = true end, done = function(s) return s.ran == true end }
"""
TALKS = """runbook { id = "talks", bellbook = 1, title = "Talks", about = "To be measured.", params = {} }
observe "idle" { title = "Says nothing", run = function(s) here.read("sleep %d") end }
observe "talks" { title = "Says five lines a second", run = function(s) here.read("i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i of the log of a migration; sleep 0.2; done") end }
manual "end" { title = "The end", why = "To be measured.", text = "Done." }
"""


def run_words(l, book, name):
    return [lab.BELLBOOK, "--journal", l.journal(name), "run", book]


def first_prompt(l, words):
    """Seconds from the start of `bellbook run` to its first question, as a JSON view sees it."""
    began = time.monotonic()
    process = subprocess.Popen(words + ["--json"], env=l.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    took = None
    for text in process.stdout:
        event = json.loads(text)
        if event.get("kind") == "asked" and took is None:
            took = time.monotonic() - began
            process.stdin.write(json.dumps({"do": "abort", "why": "measured"}) + "\n")
            process.stdin.flush()
        if event.get("kind") == "session.closed":
            break
    process.stdin.close()
    process.stdout.close()
    process.wait(lab.PATIENCE)
    if took is None:
        raise lab.Trouble("no question came")
    return took


class Screen:
    """A live view on a terminal of 80x24; notes when how many bytes came."""

    def __init__(self, l, argv):
        self.began, self.got, self.text = time.monotonic(), [], b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, dict(l.env, TERM="xterm-256color"))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def watch(self, seconds, until=None):
        """Reads for so long, or until these bytes have come; the time of that, else None."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                break
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.got.append((time.monotonic() - self.began, len(data)))
            self.text += data
            if until and until in self.text:
                return time.monotonic() - self.began
        return None

    def frames(self, since):
        """Sizes of what came after `since` seconds; what comes within 30 ms is one frame."""
        sizes, last = [], None
        for at, size in self.got:
            if at < since:
                continue
            if last is not None and at - last < 0.03:
                sizes[-1] += size
            else:
                sizes.append(size)
            last = at
        return sizes

    def close(self):
        for number_of in (signal.SIGHUP, signal.SIGKILL):
            try:
                os.kill(self.pid, number_of)
            except ProcessLookupError:
                pass
            end = time.monotonic() + 2
            while time.monotonic() < end:
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    os.close(self.fd)
                    return
                time.sleep(0.02)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def end_session(l, name):
    """Ends the session that a closed view left behind."""
    journal = l.path(name, "journal.db")
    process = subprocess.Popen([lab.BELLBOOK, "--journal", journal, "attach", "1", "--json"], env=l.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    try:
        process.stdin.write(json.dumps({"do": "abort", "why": "measured"}) + "\n")
        process.stdin.flush()
        for text in process.stdout:
            if json.loads(text).get("kind") == "session.closed":
                break
        process.stdin.close()
    except (BrokenPipeError, ValueError):
        pass
    process.stdout.close()
    process.wait(lab.PATIENCE)


def live(l, seconds):
    """First paint, time to it, bytes a second of a quiet session, bytes per frame of a talking one."""
    book = l.write("talks.lua", TALKS % (seconds + 2, seconds * 5))
    screen = Screen(l, run_words(l, book, "live"))
    try:
        painted = screen.watch(lab.PATIENCE, until=b"Says nothing")
        if painted is None:
            raise lab.Trouble("the live view showed nothing: %r" % screen.text[-80:])
        screen.watch(0.4)
        first = sum(size for _, size in screen.got)
        quiet_from = time.monotonic() - screen.began + 0.1
        screen.watch(seconds)
        quiet = screen.frames(quiet_from)
        screen.watch(3, until=b"line 1")
        talk_from = time.monotonic() - screen.began
        screen.watch(seconds - 0.5)
        talk = screen.frames(talk_from)
    finally:
        screen.close()
        end_session(l, "live")
    return {"painted": painted, "first": first, "quiet": quiet, "seconds": seconds, "talk": talk}


def section(l, rounds):
    s = Section("Start-up", ["what", "x bellbook's prompt", "ms"])
    book = l.write("start.lua", ASKS)
    new = median([first_prompt(l, run_words(l, book, "start.%d" % i)) for i in range(3)])
    words = run_words(l, book, "start")
    prompt = median([first_prompt(l, words) for _ in range(rounds + 1)][1:])
    s.row("bellbook run, to its first question", "1", number(prompt * 1000))
    s.row("the same, and the journal has to be made", times(new, prompt), number(new * 1000))
    for name, argv in (("bellbook help", [lab.BELLBOOK, "help"]), ("true", ["true"]), ("ssh -V", ["ssh", "-V"]), ("clush --version", ["clush", "--version"]),
                       ("parallel-ssh --version", ["parallel-ssh", "--version"]), ("ansible --version", ["ansible", "--version"]), ("tig --version", ["tig", "--version"])):
        if not shutil.which(argv[0]):
            s.row(name, "not installed", "-")
            continue
        took = median([c["wall"] for c in lab.measure(argv, times=rounds, env=l.env)])
        s.row(name, times(took, prompt), number(took * 1000))
    s.aim("bellbook run to its first question, no slower than `ansible --version`",
          prompt / median([c["wall"] for c in lab.measure(["ansible", "--version"], times=3, env=l.env)]) if shutil.which("ansible") else None, 1, "x")
    return s


def view(l, seconds):
    s = Section("The live view on a terminal of 80x24", ["what", "x budget", "bytes"])
    got = live(l, seconds)
    talk, quiet = median(got["talk"]), median(got["quiet"])
    per_second = sum(got["quiet"]) / got["seconds"]
    for name, value, budget in (("first paint", got["first"], 4000), ("a tick of the clock", quiet, 60), ("a second of a quiet session", per_second, 60),
                                ("a frame with new output, five a second", talk, 1200), ("the largest such frame", max(got["talk"], default=None), 1200)):
        s.row(name, number(value / budget, "x") if value is not None else "-", number(value))
    s.aim("first paint", got["first"], 4000, "bytes")
    s.aim("clock", quiet if quiet is not None else 0, 60, "bytes")
    s.aim("frame", talk, 1200, "bytes")
    s.note("the first paint was there %s ms after the start; %d frames of output were seen" % (number(got["painted"] * 1000), len(got["talk"])))
    return s
