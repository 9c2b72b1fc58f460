#!/usr/bin/env python3
# hangup.py BELLBOOK RUNBOOK - SIGHUP to a live view on a terminal that lives gives it back, and on one that is gone ends it; the session goes on.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import signal
import sys
import termios
import time

from ptyscreen import PATIENCE, Screen, start

ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


def main():
    words = [sys.argv[1], "run", sys.argv[2]]
    pid, fd = start(words)
    before = termios.tcgetattr(fd)
    screen = Screen(fd)
    screen.until(ENTER)
    screen.until(b"ONE-STEP")
    keep = os.open(os.path.realpath("/proc/%d/fd/0" % pid), os.O_RDWR | os.O_NOCTTY)
    os.kill(pid, signal.SIGHUP)
    screen.until(LEAVE)
    _, status = os.waitpid(pid, 0)
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 3, status
    assert termios.tcgetattr(keep)[3] == before[3], "the terminal's modes were not given back"
    os.close(fd)
    # A line that drops: the kernel sends SIGHUP, and nothing can be written any more.
    pid, fd = start([sys.argv[1], "attach"])
    Screen(fd).until(b"ONE-STEP")
    os.close(fd)
    end = time.monotonic() + PATIENCE
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done or time.monotonic() > end:
            break
        time.sleep(0.02)
    assert done and os.WIFEXITED(status) and os.WEXITSTATUS(status) == 3, status
    # The screens beside it.
    for words in ([sys.argv[1]], [sys.argv[1], "review", "1"]):
        pid, fd = start(words)
        screen = Screen(fd)
        screen.until(ENTER)
        screen.until(b"One")
        os.kill(pid, signal.SIGHUP)
        screen.until(LEAVE)
        os.waitpid(pid, 0)
        os.close(fd)
    print("given back")


main()
