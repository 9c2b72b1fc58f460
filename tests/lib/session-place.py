#!/usr/bin/env python3
# session-place.py - the fleet file names another folder for the jobs of a host while one is unfinished there. Run inside the fleet (tests/cli/logins.bats).
# SPDX-License-Identifier: GPL-3.0-or-later
"""usage: session-place.py SSH_CONFIG HOST"""
import subprocess
import sys

sys.dont_write_bytecode = True
from walk import Place, gone, tap  # noqa: E402

CONFIG, HOST = sys.argv[1], sys.argv[2]
JOB = "echo begun >>/var/tmp/place-effects; until [ -e /var/tmp/place-go ]; do sleep 0.05; done; echo ended"
RUNBOOK = '''runbook { id = "t", bellbook = 1, title = "T" }
change "do" { title = "Do", why = "w", gives = { "said" }, run = function(s) s.said = ssh.run("%s", "%s").out end,
	done = function(s) return s.said == "ended\\n" end }
''' % (HOST, JOB)


def fleet(place, jobs):
    option = 'jobs = "%s"' % jobs if jobs else ""
    place.write("fleet.lua", 'fleet { name = "t", ssh_config = "%s", hosts = { ["%s"] = { %s } } }\n' % (CONFIG, HOST, option))


def on_host(command):
    return subprocess.run(["ssh", "-F", CONFIG, HOST, command], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def moved(before, after):
    on_host("rm -f /var/tmp/place-*")
    with Place(RUNBOOK, "fleet") as place:
        fleet(place, before)
        v = place.run()
        v.answer(v.asked("step", "do"), "go")
        while "begun" not in on_host("cat /var/tmp/place-effects"):
            pass
        v.kill()
        v.wait()
        gone(v.pid)
        fleet(place, after)
        w = place.resume(v.hello["session"])
        w.kind("call.settled", how="running")
        on_host("touch /var/tmp/place-go")
        closed = w.walk()
        assert closed["outcome"] == "ok", (closed, w.seen[-6:])
        assert on_host("cat /var/tmp/place-effects") == "begun\n"
        words = [m["text"] for m in w.seen if m.get("kind") == "note"]
        assert any("other folders for jobs" in t and HOST in t for t in words), words
        gone(w.pid)
        left = on_host("ls -A /var/tmp/place-1 /var/tmp/place-2 .bellbook/jobs 2>/dev/null | grep +")
        assert left == "", left
        place.verify()


def other():
    """jobs stay where their session began, though the fleet file names another folder now"""
    moved("/var/tmp/place-1", "/var/tmp/place-2")


def named():
    """jobs stay in the home, though the fleet file names a folder now"""
    moved(None, "/var/tmp/place-2")


def unnamed():
    """jobs stay in the folder that was named, though the fleet file names none any more"""
    moved("/var/tmp/place-1", None)


sys.exit(tap([other, named, unnamed]))
