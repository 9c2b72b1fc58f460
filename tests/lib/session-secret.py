#!/usr/bin/env python3
# session-secret.py - a secret given in any way is used and found nowhere; and a journal on a full disk stops the session before the next effect.
# SPDX-License-Identifier: GPL-3.0-or-later
import base64
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
from walk import BELLBOOK, Place, gone, own_mounts, tap  # noqa: E402

SENTINELS = {"env": "sEnt1nel-env-9931", "file": "sEnt1nel-f\"ile'-77", "command": "sEnt1nel-cmd-5512", "ask": "sEnt1nel ask%20&x", "param": "sEnt1nel-param-#1"}
FLEET = '''fleet { name = "f", extra = { env = secret.env "MY_TOKEN", file = secret.file "pw", command = secret.command "cat other", ask = secret.ask "Token?" } }
'''
USE = '''here.run("printf %%s \\"$S\\" | cksum >> %(d)s/effects; printf '%%s\\n' \\"$S\\"; printf '%%s\\n' \\"$S\\" >&2; printf %%s \\"$S\\" | base64 -w0; printf 'xy%%s' \\"$S\\" | base64; printf %%.7s \\"$S\\"; sleep 0.3; printf '%%s\\n' \\"${S#???????}\\"", { env = { S = %(s)s } })
    here.run("cat; cat >&2", { stdin = %(s)s })
'''


def forms(value):
    raw = value.encode()
    yield raw
    yield base64.b64encode(raw)[:-4]
    yield base64.b64encode(b"xy" + raw)[4:-4]
    yield base64.b64encode(b"x" + raw)[4:-4]
    yield raw.hex().encode()
    yield json.dumps(value)[1:-1].encode()


def cmdlines():
    text = b""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                text += f.read() + b"\n"
        except OSError:
            pass
    return text


def sentinel():
    """secrets through environment, file, command, question and parameter: used, and found nowhere"""
    steps = "".join('change "%s" { title = "%s", why = "w", run = function(s) %s s:note(here.run("echo $S", { env = { S = %s } }).out) end, done = function(s) return true end }\n'
                    % (n, n, USE % {"d": "%(d)s", "s": ref}, ref) for n, ref in
                    [(n, "s.fleet.extra." + n) for n in ("env", "file", "command", "ask")] + [("param", "s.params.pw")])
    with Place(fleet=FLEET) as place:
        place.write("t.lua", 'runbook { id = "t", bellbook = 1, title = "T", params = { pw = { type = "secret", ask = "Password?" } } }\n' + steps.replace("%(d)s", place.dir))
        place.write("pw", SENTINELS["file"] + "\n")
        place.write("other", SENTINELS["command"] + "\n")
        os.chmod(place.dir + "/pw", 0o600)
        place.env["MY_TOKEN"] = SENTINELS["env"]
        place.env["BELLBOOK_SESSION_LOG"] = place.dir + "/session.log"
        seen_cmd = []

        def answer(m):
            seen_cmd.append(cmdlines())
            return SENTINELS["param"] if m["data"].get("name") == "pw" else SENTINELS["ask"]
        v = place.run()
        fleet = [None]

        def stop(m):
            if m.get("kind") == "call.begun":
                seen_cmd.append(cmdlines())
            fleet[0] = m
            return False
        closed = v.walk({"parameter": answer, "secret": answer}, stop=stop)
        assert closed["outcome"] == "ok", (closed, v.seen[-12:])
        gone(v.pid)
        want = sorted(subprocess.run("printf %s \"$S\" | cksum", shell=True, env=dict(os.environ, S=s), capture_output=True, text=True).stdout.strip() for s in SENTINELS.values())
        assert sorted(place.lines()) == want, (place.lines(), want)
        os.remove(place.dir + "/pw")
        os.remove(place.dir + "/other")
        session = str(v.hello["session"])
        texts = {"views": b"".join(v.raw), "cmdlines": b"".join(seen_cmd)}
        texts.update({f: subprocess.run([BELLBOOK, "log", session, "--format", f], env=place.env, capture_output=True).stdout for f in ("text", "md", "jsonl")})
        texts["decoded"] = b"\n".join(base64.b64decode(m["b64"]) for m in v.seen if "b64" in m)
        for folder, _, files in os.walk(place.dir):
            for name in files:
                with open(os.path.join(folder, name), "rb") as f:
                    texts[name] = f.read()
        assert b"[secret" in texts["views"]
        assert any(n.startswith("journal.db") for n in texts)
        for where, text in texts.items():
            for n, value in SENTINELS.items():
                for form in forms(value):
                    assert form not in text, (n, form, where, text[max(0, text.index(form) - 100):text.index(form) + 60])
        place.verify()


def secret_mistakes():
    """a secret in a command text, a readable secret file, a short secret: refused in words"""
    with Place(fleet='fleet { name = "f", extra = { file = secret.file "pw" } }\n') as place:
        place.write("t.lua", '''runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", run = function(s) here.run("echo " .. s.fleet.extra.file) end, done = function(s) return true end }
change "b" { title = "B", why = "w", run = function(s) here.run({ "echo", s.fleet.extra.file }) end, done = function(s) return true end }
change "c" { title = "C", why = "w", run = function(s) here.run("echo", { env = { X = s.fleet.extra.file } }) end, done = function(s) return true end }
''')
        place.write("pw", "hunter2hunter2")
        os.chmod(place.dir + "/pw", 0o644)
        v = place.run()
        for step, words in (("a", "a secret cannot be put into a text"), ("b", "here.run")):
            v.answer(v.asked("step", step), "go")
            q = v.asked("failure", step)
            assert words in q["data"]["details"] and "hunter2" not in q["data"]["details"], q
            v.answer(q, "skip", why="x")
        v.answer(v.asked("step", "c"), "go")
        q = v.asked("secret")
        assert "chmod 600" in q["data"]["details"], q
        v.answer(q, "abc")
        assert "6" in v.until(lambda m: "refused" in m)["refused"]["why"]
        v.answer(q, "abcdefgh")
        assert v.walk()["outcome"] == "ok"


def beforehand():
    """a command here has no secret of the environment, and prints none of a file, before any call has used them; a name that is none is answered with those there are"""
    key = "-----BEGIN X-----\nAAAAB3NzaC1yc2EAAAADAQABAAABAQC7\nzz9Q/+x8Vt2kq1\n-----END X-----\n"
    with Place(fleet='fleet { name = "f", extra = { env = secret.env "MY_TOKEN", file = secret.file "pw" } }\n') as place:
        place.write("t.lua", '''runbook { id = "t", bellbook = 1, title = "T" }
observe "a" { title = "A", run = function(s) here.read("echo got:$MY_TOKEN:; env | grep MY_; sed 's/^/  /' $W/pw; base64 $W/pw; printf 'a\\\\177b \\\\342\\\\200\\\\256c'; echo " .. "sEnt1nel" .. "-env-9931") end }
change "b" { title = "B", why = "w", run = function(s) here.run("true", { env = { X = secret "pw" } }) end, done = function(s) return true end }
change "c" { title = "C", why = "w", run = function(s) here.run("test \\"$X\\" = sEnt1nel-env-9931 && echo used:$MY_TOKEN:", { env = { X = s.fleet.extra.env } }) end, done = function(s) return true end }
''')
        place.write("pw", key)
        os.chmod(place.dir + "/pw", 0o600)
        place.env["MY_TOKEN"] = SENTINELS["env"]
        v = place.run()
        assert v.walk({"failure": "skip"})["outcome"] == "ok", v.seen[-8:]
        raw, out = b"".join(v.raw), "".join(m.get("text", "") for m in v.seen if m.get("kind") == "call.output")
        assert "got::\n" in out and "used::\n" in out and "a\x7fb \u202ec[secret MY_TOKEN]\n" in out, out
        for text in (SENTINELS["env"], "AAAAB3NzaC1yc2EA", "zz9Q/+x8", "BEGIN X", base64.b64encode(key.encode()).decode()[20:60], "\x7f", "\u202e"):
            assert text.encode() not in raw, text
        reasons = [m["data"].get("reason", "") for m in v.seen if m.get("kind") == "step.ended"]
        assert any('there is no secret "pw"; there are s.' in r and 's.fleet.extra.env (secret "MY_TOKEN")' in r and 's.fleet.extra.file (secret "file 1")' in r for r in reasons), reasons


@own_mounts
def full_disk():
    """a journal on a full disk: the session stops before the next effect, says so, and goes on when there is room"""
    with Place() as place:
        os.mkdir(place.dir + "/small")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place.dir + "/small"], check=True)
        place.env["BELLBOOK_JOURNAL"] = place.dir + "/small/journal.db"
        place.env["BELLBOOK_BALLAST"] = "262144"
        place.write("t.lua", '''runbook { id = "t", bellbook = 1, title = "T" }
local function step(n) change("s" .. n) { title = "S", why = "w", run = function(s) here.run("echo " .. n .. " >> %s/effects") end, done = function(s) return true end } end
for n = 1, 4 do step(n) end
''' % place.dir)
        v = place.run()
        v.answer(v.asked("step", "s1"), "go")
        q = v.asked("step", "s2")
        with open(place.dir + "/small/filler", "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        v.answer(q, "go")
        halted = v.until(lambda m: "halted" in m)
        assert "cannot be written" in halted["halted"]["why"] and "journal.db" in halted["halted"]["why"], halted
        v.send(do="answer", seq=q["seq"], value="go", id=7)
        assert "refused" in v.until(lambda m: "refused" in m or "accepted" in m)
        late = place.attach(1)
        late.until(lambda m: "halted" in m)
        late.end()
        before = place.lines()
        assert before in (["1"], ["1", "2"]), before
        os.remove(place.dir + "/small/filler")
        v.until(lambda m: "cleared" in m)
        closed = v.walk()
        assert closed["outcome"] == "ok", closed
        assert place.lines() == ["1", "2", "3", "4"], place.lines()
        place.verify()
        gone(v.pid)
        subprocess.run(["umount", place.dir + "/small"], check=True)


sys.exit(tap([sentinel, secret_mistakes, beforehand, full_disk]))
