#!/usr/bin/env python3
# session-sudo.py - the password that sudo asks for: once for all hosts of an `each`, also in a dry run, and found nowhere. Run inside the fleet (tests/cli/logins.bats).
# SPDX-License-Identifier: GPL-3.0-or-later
"""usage: session-sudo.py SSH_CONFIG HOST HOST"""
import base64
import os
import subprocess
import sys

sys.dont_write_bytecode = True
from walk import BELLBOOK, Place, gone, tap  # noqa: E402

PASSWORD = "".join(("practice", "-", "only"))
WRONG = "not-this-one"
CONFIG, HOSTS = sys.argv[1], sys.argv[2:]
RUNBOOK = '''runbook { id = "t", bellbook = 1, title = "T" }
local hosts = { %s }
observe "look" { title = "Look", run = function(s)
	each(hosts, function(h) assert(ssh.read(h, "id -un; sleep 0.3", { as = "root" }).out == "root\\n") end)
end }
change "do" { title = "Do", why = "w", run = function(s)
	each(hosts, function(h) ssh.run(h, "cat; sleep 0.3; id -un", { as = "root", stdin = "fed" }) end)
	each(hosts, function(h) ssh.put(h, { path = "/etc/put-by-session", content = "x", as = "root" }) end)
end, done = function(s) return ssh.read(hosts[1], "id -un", { as = "root" }).out == "root\\n" end }
''' % ", ".join('"%s"' % h for h in HOSTS)
FLEET = 'fleet { name = "t", ssh_config = "%s", hosts = { %s } }\n' % (CONFIG, ", ".join('["%s"] = {}' % h for h in HOSTS))


def everybody():
    """(pid, argv or environment) of all processes of this namespace; the worker's lies in the same one."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            try:
                with open("/proc/%s/%s" % (pid, name), "rb") as f:
                    yield "%s of %s" % (name, pid), f.read()
            except OSError:
                pass


def asked(place, options, expected):
    """Walks; the password is given wrong, then right. Every call and question is a moment at which it is looked for."""
    found, questions = [], []

    def look():
        found.extend(where for where, text in everybody() if PASSWORD.encode() in text or WRONG.encode() in text)
        for name in os.listdir(place.dir):
            if name.startswith("journal.db") and os.path.isfile(place.dir + "/" + name):
                with open(place.dir + "/" + name, "rb") as f:
                    text = f.read()
                found.extend(name for value in (PASSWORD, WRONG) for form in (value.encode(), base64.b64encode(value.encode())) if form in text)

    def secret(m):
        questions.append(m["data"]["text"])
        look()
        return WRONG if len(questions) == 1 else PASSWORD

    v = place.run(*options)
    closed = v.walk({"secret": secret}, stop=lambda m: look() if m.get("kind") in ("call.begun", "call.ended", "output") else False)
    assert closed["outcome"] == "ok", (closed, v.seen[-6:])
    gone(v.pid)
    look()
    assert len(questions) == 2, questions
    assert questions[1].startswith("That was not it."), questions
    calls = [m for m in v.seen if m.get("kind") == "call.ended" and m["data"].get("outcome") == "ok"]
    assert len(calls) == expected, [m["data"] for m in calls]
    assert not found, sorted(set(found))
    session = str(v.hello["session"])
    texts = {"view": b"".join(v.raw)}
    for form in ("text", "md", "jsonl", "html"):
        texts[form] = subprocess.run([BELLBOOK, "log", session, "--format", form], env=place.env, capture_output=True, check=True).stdout
        assert texts[form]
    for folder, _, files in os.walk(place.dir):
        for name in files:
            with open(os.path.join(folder, name), "rb") as f:
                texts[name] = f.read()
    for where, text in texts.items():
        for value in (PASSWORD, WRONG):
            for form in (value.encode(), base64.b64encode(value.encode())[:-4], value.encode().hex().encode()):
                assert form not in text, (where, form)
    place.verify()


def walk():
    """sudo's password, wrong and then right, is asked once for all hosts and found nowhere"""
    with Place(RUNBOOK, FLEET) as place:
        asked(place, (), 2 + 1 + 2 + 2 + 1)  # done is asked before and behind


def dry():
    """sudo's password, wrong and then right, is asked once in a dry run too, and found nowhere"""
    with Place(RUNBOOK, FLEET) as place:
        asked(place, ("--dry-run",), 2 + 1)


sys.exit(tap([walk, dry]))
