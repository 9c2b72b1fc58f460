#!/usr/bin/env python3
# late.py BELLBOOK RUNBOOK - keys pressed before the terminal has taken in a question decide nothing, in the full screen and in lines of text.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import subprocess
import sys
import time

from ptyscreen import Screen, start

REQUEST, ANSWER = b"\x1b[5n", b"\x1b[0n"
BURST = b"everal keys came at once"


def answered(bellbook):
    log = subprocess.run([bellbook, "log", "1", "--format", "jsonl"], stdout=subprocess.PIPE, check=True).stdout
    return log.count(b'"kind":"answered"')


def enter(screen, then, again=b""):
    """Presses Enter at a hand's pace behind what was typed. Where the machine is so busy that both are read at once, that is a burst: then anew."""
    while True:
        time.sleep(0.1)
        os.write(screen.fd, b"\r")
        if screen.until(then, BURST) == then:
            return
        time.sleep(0.8)  # one that comes sooner is that of a held key
        os.write(screen.fd, again)


def full(bellbook, runbook):
    """The first question is answered as soon as the terminal has it; the second is late."""
    pid, fd = start([bellbook, "run", runbook])
    screen = Screen(fd)
    screen.until(REQUEST)
    os.write(fd, ANSWER)
    screen.until(b"arrows or a number")
    os.write(fd, b"1")
    enter(screen, REQUEST, again=b"1")
    assert answered(bellbook) == 1
    os.write(fd, b"1")
    screen.until(b"Key ignored")
    time.sleep(0.05)
    os.write(fd, b"\r")
    os.write(fd, ANSWER)
    screen.until(b"arrows or a number")
    os.write(fd, b"\x1b")
    screen.until(b"Nothing was decided")
    os.write(fd, b"q")
    os.waitpid(pid, 0)
    os.close(fd)
    assert answered(bellbook) == 1


def lines(bellbook):
    """The same, line by line: what is begun before the answer is for nobody."""
    pid, fd = start([bellbook, "attach", "1", "--plain"])
    screen = Screen(fd)
    screen.until(REQUEST)
    os.write(fd, ANSWER)
    while answered(bellbook) == 1:  # a line begun in the first moment after a question is for nobody, too
        os.write(fd, b"done")
        screen.until(b"done")
        enter(screen, b"Choose:")
    screen.until(REQUEST)
    os.write(fd, b"x")
    screen.until(b"x")
    os.write(fd, ANSWER)
    enter(screen, b"the question changed while you typed")
    assert answered(bellbook) == 2
    os.close(fd)
    os.waitpid(pid, 0)


full(sys.argv[1], sys.argv[2])
lines(sys.argv[1])
print("late keys decided nothing")
