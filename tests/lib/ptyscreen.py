# ptyscreen.py - a program on a terminal of the test's own, that shows what it sends and answers nothing by itself.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import pty
import select
import sys
import time

PATIENCE = int(os.environ.get("PATIENCE", "120"))  # seconds; only ever reached when a test fails


def start(words):
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(words[0], words)
    return pid, fd


class Screen:
    """What a terminal has shown so far. A text that was waited for is passed over; what came behind it stays."""

    def __init__(self, fd):
        self.fd, self.got = fd, b""

    def until(self, *texts):
        """Waits for one of the texts; gives the one that came first."""
        end = time.monotonic() + PATIENCE
        while not any(text in self.got for text in texts):
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                sys.exit("never: %r in %r" % (texts, self.got[-500:]))
            try:
                self.got += os.read(self.fd, 65536)
            except OSError:
                sys.exit("ended without %r: %r" % (texts, self.got[-500:]))
        first = min((text for text in texts if text in self.got), key=self.got.index)
        self.got = self.got[self.got.index(first) + len(first):]
        return first
