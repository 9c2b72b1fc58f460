#!/usr/bin/env python3
# session-basic.py - one session as people meet it: answers, refusals, pauses, failures, parameters, several views.
# SPDX-License-Identifier: GPL-3.0-or-later
import datetime
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from walk import BELLBOOK, Place, gone, tap  # noqa: E402

HEAD = 'runbook { id = "t", bellbook = 1, title = "T" }\n'


def change(name, run, more="", done="return true"):
    return 'change "%s" { title = "%s", why = "w", %s run = function(s) %s end, done = function(s) %s end }\n' % (name, name, more, run, done)


def effect(word):
    return 'here.run("echo %s >> $W/effects", { env = { W = "%%s" } })' % word


def mark(place, word):
    return 'here.run("echo %s >> %s/effects")' % (word, place.dir)


def place_with(*steps, head=HEAD, fleet=None):
    """steps: functions of the place that give the text of a step, or texts."""
    place = Place(fleet=fleet)
    place.write("t.lua", head + "".join(s(place) if callable(s) else s for s in steps))
    return place


def two_go():
    """two views answer one question at the same instant: one is accepted, the other told why, the next step waits"""
    with place_with(lambda p: change("a", mark(p, "a")), lambda p: change("b", mark(p, "b"))) as place:
        one = place.run()
        first = one.asked("step", "a")
        two = place.attach(one.hello["session"])
        two.asked("step", "a")
        gate = threading.Barrier(2)

        def go(view):
            gate.wait()
            view.answer(first, "go")
        threads = [threading.Thread(target=go, args=(v,)) for v in (one, two)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        replies = [one.reply(), two.reply()]
        assert sorted(list(r)[0] for r in replies) == ["accepted", "refused"], replies
        refused = [r for r in replies if "refused" in r][0]["refused"]
        assert "not open" in refused["why"] and refused["seq"] == first["seq"], refused
        second = one.asked("step", "b") if "accepted" in replies[0] else two.asked("step", "b")
        two.turn()
        one.turn()
        assert place.lines() == ["a"]
        (one if "accepted" in replies[0] else two).answer(second, "go")
        one.walk()
        assert place.lines() == ["a", "b"]
        two.wait()


def wrong_answers():
    """an answer that is none is refused in words, and the question stays open"""
    with place_with(lambda p: change("a", 's:note(s:ask { text = "How many?", type = "integer" } .. "")\n' + mark(p, "a"))) as place:
        v = place.run()
        q = v.asked("step", "a")
        for value, more, words in (("maybe", {}, "not one of the choices"), ("skip", {}, "needs a reason"), ("skip", {"why": "  "}, "needs a reason"),
                                   ("defer", {"why": "x"}, "owner"), (7, {}, "not one of the choices"), (None, {}, "not one of the choices")):
            v.answer(q, value, **more)
            why = v.reply()["refused"]["why"]
            assert words in why, (value, why)
        v.send(do="answer", seq=999999, value="go")
        assert "not open" in v.reply()["refused"]["why"]
        v.send(do="nonsense")
        assert "no such intent" in v.reply()["refused"]["why"]
        v.send(do="note", id=[1, "x"], text="")
        assert v.reply()["refused"]["id"] == [1, "x"]
        v.answer(q, "go")
        q = v.asked("question")
        for value in ("7", 7.5, True, {}, []):
            v.answer(q, value)
            assert "whole number" in v.until(lambda m: "refused" in m)["refused"]["why"], value
        v.answer(q, 7)
        assert v.walk()["outcome"] == "ok"
        assert any(m.get("kind") == "note" and m.get("text") == "7" for m in v.seen)


def failure_choices():
    """a failed step offers retry, undo, skip and defer, and each does what it says"""
    with place_with(lambda p: change("a", mark(p, "a") + ' if not here.read("test -e %s/ok", { check = false }).ok then fail("not yet") end' % p.dir, "undo = function(s) %s end," % mark(p, "undo-a")),
                    lambda p: change("b", 'here.run("echo no room left >&2; exit 4")'), lambda p: change("c", 'fail("c")'), lambda p: change("d", mark(p, "d"), done="return false")) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        q = v.asked("failure", "a")
        assert "not yet" in q["data"]["details"], q
        assert [c["value"] for c in q["data"]["choices"]] == ["retry", "undo", "skip", "defer", "abort"]
        v.answer(q, "undo")
        q = v.asked("failure", "a")
        assert place.lines() == ["a", "undo-a"]
        place.write("ok", "")
        v.answer(q, "retry")
        v.answer(v.asked("step", "b"), "go")
        v.answer(v.asked("failure", "b"), "skip", why="not here")
        v.answer(v.asked("step", "c"), "go")
        q = v.asked("failure", "c")
        v.send(do="answer", seq=q["seq"], value="defer", why="later", owner="ann", due="soon")
        said = v.until(lambda m: "refused" in m)["refused"]["why"]
        assert "is no day" in said, said
        v.answer(q, "defer", why="later", owner="ann", due="2 weeks")
        v.answer(v.asked("step", "d"), "go")
        q = v.asked("failure", "d")
        assert "says that it is not done" in q["data"]["details"]
        v.answer(q, "abort", why="enough")
        closed = v.walk()
        assert closed["outcome"] == "aborted" and "enough" in closed["reason"], closed
        assert place.lines() == ["a", "undo-a", "a", "d"]
        states = [(m["step"], m["data"]["state"]) for m in v.seen if m.get("kind") == "step.ended"]
        assert ("b", "skipped") in states and ("c", "deferred") in states, states
        debt = next(m for m in v.seen if m.get("kind") == "deferred")
        due = datetime.date.fromisoformat(debt["at"][:10]) + datetime.timedelta(days=14)
        assert debt["data"] == {"owner": "ann", "due": str(due), "reason": "later"}, debt
        page = place.bellbook("log", str(v.hello["session"]), "--format", "md").stdout
        page = " ".join(page.split())
        failures = page[page.index("## Failures"):page.index("## Notes")]
        for step in "abcd":
            assert "### %s, attempt 1, failed at " % step in failures, page
        assert "ended with exit status 4" in failures and "no room left" in failures, failures
        assert "- [ ] c (deferred): later; owner ann, due %s" % due in page, page


def pause_continue():
    """while paused no call starts; continue goes on"""
    with place_with(lambda p: change("a", 'here.run("while ! test -e %s/flag; do sleep 0.02; done")\n' % p.dir + mark(p, "a"))) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        v.kind("call.begun")
        v.send(do="pause", why="look")
        assert "accepted" in v.reply()
        v.send(do="pause")
        assert "paused already" in v.reply()["refused"]["why"]
        place.write("flag", "")
        ended = v.kind("call.ended")
        v.turn()
        v.turn()
        assert place.lines() == []
        assert not any(m.get("kind") == "call.begun" for m in v.seen[v.seen.index(ended):])
        v.send(do="continue")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["a"]


def cancel_abort():
    """cancel ends the whole process group; abort ends the session and says who and why"""
    with place_with(change("a", 'here.run("sh -c \'echo $$ > $HOME/child; exec sleep 1000\' & wait")'), change("b", "sleep('1000s')")) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        call = v.kind("call.begun")
        while not place.lines("child"):
            time.sleep(0.02)
        v.send(do="cancel", call=call["seq"], why="too long")
        assert "accepted" in v.reply()
        q = v.asked("failure", "a")
        gone(int(place.lines("child")[0]))
        v.answer(q, "skip", why="x")
        v.answer(v.asked("step", "b"), "go")
        v.kind("call.begun")
        v.send(do="abort")
        assert "why" in v.reply()["refused"]["why"]
        v.send(do="abort", why="bed time")
        closed = v.walk()
        assert closed["outcome"] == "aborted" and "bed time" in closed["reason"], closed
        place.verify()


def abort_at_question():
    """abort while a function waits for an answer ends the session, and the journal stays whole"""
    with place_with(change("a", 'each({ "x", "y" }, function(k) s:ask { text = k .. "?" } end)')) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        v.asked("question")
        v.asked("question")
        v.send(do="abort", why="no")
        assert v.walk()["outcome"] == "aborted"
        assert not v.open
        place.verify()


def manual_steps():
    """a manual step waits for a person; with a check that it is done it may fail"""
    with place_with('manual "a" { title = "A", why = "w", question = "Did you?" }\n',
                    lambda p: 'manual "b" { title = "B", why = "w", done = function(s) return here.read("test -e %s/flag", { check = false }).ok end }\n' % p.dir) as place:
        v = place.run()
        q = v.asked("manual", "a")
        assert q["data"]["text"] == "Did you?"
        v.answer(q, "done")
        q = v.asked("manual", "b")
        assert "could not be foreseen" not in q["data"].get("details", ""), q
        v.answer(q, "done")
        v.asked("failure", "b")
        place.write("flag", "")
        assert v.walk({"failure": "retry"})["outcome"] == "ok"


def manual_others():
    """a manual step is done by somebody who is named, or waits for somebody who can judge it, also past a kill; then it can be stopped"""
    with place_with('manual "a" { title = "A", why = "w", question = "Did you?" }\n', 'manual "b" { title = "B", why = "w" }\n', 'manual "c" { title = "C", why = "w" }\n') as place:
        v = place.run()
        q = v.asked("manual", "a")
        assert [c["value"] for c in q["data"]["choices"]] == ["done", "other", "wait", "skip", "defer", "abort"], q
        for value, words in (("other", "say who did it"), ("wait", "say who is to judge it")):
            v.answer(q, value)
            assert words in v.reply()["refused"]["why"]
            v.answer(q, value, owner=" \u200b")
            assert words in v.reply()["refused"]["why"]
        v.answer(q, "wait", owner="ben")
        q = v.asked("manual", "a")
        assert q["data"]["text"] == "Waits for ben: Did you?" and q["data"]["name"] == "ben", q
        v.kill()
        v.end()
        v = place.resume(1)
        q = v.until(lambda m: m.get("kind") == "asked" and m["data"].get("name") == "ben")
        v.answer(q, "wait", owner="cleo")
        q = v.asked("manual", "a")
        assert q["data"]["name"] == "cleo", q
        v.answer(q, "other", owner="cleo")
        assert v.kind("step.ended")["data"]["reason"] == "done by cleo"
        q = v.asked("manual", "b")
        assert "name" not in q["data"] and q["data"]["text"] == "Is “B” done?", q
        v.answer(q, "done")
        assert "reason" not in v.kind("step.ended")["data"]
        v.answer(v.asked("manual", "c"), "abort", why="late")
        assert v.walk()["outcome"] == "aborted"
        log = place.bellbook("log", "1").stdout
        assert "answers wait for ben" in log and "answers other, done by cleo" in log, log
        assert "done by cleo" in " ".join(place.bellbook("log", "1", "--format", "md").stdout.split())
        place.verify()


FLEET = 'fleet { name = "f", policy = { alone = "%s", delay = "0s" }, mastodon = { domain = "example.org" } }\n'
DROP = 'irreversible "drop" { title = "Drop", why = "w", target = "fleet.mastodon.domain", run = function(s) here.run("echo drop >> %s/effects") end, done = function(s) return true end }\n'


SHOWN = ('here.run("echo $A >> %s/effects", { env = { A = "1 2", B = "b" }, cwd = "/tmp" }) '
         'retry({ times = 3, every = "0s", what = "it is not there" }, function() return here.read("cat %s/effects").out ~= "" end) '
         'here.run("echo then >> %s/effects") if here.read("true").ok then here.run("echo unseen >> %s/effects") end')


def shown():
    """what is confirmed is what runs: folder, variables, and what comes behind a wait, as a condition; what is not known beforehand is said; in the question and in every export"""
    with place_with(lambda p: change("a", SHOWN.replace("%s", p.dir))) as place:
        v = place.run()
        q = v.asked("step", "a")
        assert "default" not in q["data"] and q["data"]["whole"] is False, q
        first, then = q["data"]["commands"]
        assert (first["cwd"], first["env"], first["shown"]) == ("/tmp", {"A": "1 2", "B": "b"}, "echo $A >> %s/effects" % place.dir), first
        assert first["exact"] == "export A='1 2'\nexport B=b\ncd -- /tmp\necho $A >> %s/effects" % place.dir and "if" not in first, first
        assert then["shown"].startswith("echo then") and then["if"].endswith("comes true (else: it is not there)"), then
        v.answer(q, "go")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["1 2", "then", "unseen"], place.lines()
        number = str(v.hello["session"])
        for form in "text", "md", "html":
            text = " ".join(place.bellbook("log", number, "--format", form).stdout.replace("&#39;", "'").split())
            assert "in /tmp with A='1 2' B=b" in text and "echo then" in text, (form, text)


def waiver():
    """an irreversible step needs the target typed and a reason; alone only where the policy allows it"""
    with place_with(lambda p: DROP % p.dir, fleet=FLEET % "waiver") as place:
        v = place.run()
        q = v.asked("step", "drop")
        assert "default" not in q["data"]
        v.answer(q, "go")
        q = v.asked("approval", "drop")
        assert q["data"]["expect"] == "example.org"
        v.answer(q, "example.com", why="x")
        assert "type exactly example.org" in v.until(lambda m: "refused" in m)["refused"]["why"]
        v.answer(q, "example.org")
        assert "reason" in v.until(lambda m: "refused" in m)["refused"]["why"]
        assert place.lines() == []
        v.answer(q, "example.org", why="nobody else is awake")
        assert v.walk()["outcome"] == "ok"
        given = [m for m in v.seen if m.get("kind") == "approval.given"]
        assert len(given) == 1 and given[0]["data"]["waiver"] is True
        assert place.lines() == ["drop"]


def no_waiver():
    """without that policy the driver alone is refused"""
    with place_with(lambda p: DROP % p.dir, fleet=FLEET % "refuse") as place:
        v = place.run()
        v.answer(v.asked("step", "drop"), "go")
        q = v.asked("approval", "drop")
        v.answer(q, "example.org", why="x")
        assert "another person must agree" in v.until(lambda m: "refused" in m)["refused"]["why"]
        v.send(do="abort", why="no second person")
        assert v.walk()["outcome"] == "aborted"
        assert place.lines() == []


PARAMS = '''runbook { id = "t", bellbook = 1, title = "T", params = { n = { type = "integer", min = 1, max = 9, ask = "How many?" }, c = { type = "choice", choices = { "x", "y" } },
  d = { default = "seven" }, o = { optional = true } } }
observe "a" { title = "A", run = function(s) s:note(s.params.n .. s.params.c .. s.params.d .. tostring(s.params.o)) end }
'''


def parameters():
    """missing parameters are asked for and checked; given ones are checked before anything starts"""
    with place_with(head=PARAMS) as place:
        for words, said in ((["--set", "n=10"], "a number from 1 to 9"), (["--set", "m=1"], "no parameter m"), (["--set", "c=z"], "one of x, y")):
            done = place.bellbook("run", place.dir + "/t.lua", *words, check=False)
            assert done.returncode == 2 and said in done.stderr, done.stderr
        assert not os.path.exists(place.journal)
        v = place.run("--set", "c=y")
        q = v.asked("parameter")
        assert q["data"]["name"] == "n" and q["data"]["text"] == "How many?"
        v.answer(q, 12)
        assert "from 1 to 9" in v.until(lambda m: "refused" in m)["refused"]["why"]
        v.answer(q, "4")
        assert v.walk()["outcome"] == "ok"
        assert any(m.get("text") == "4ysevennil" for m in v.seen)


def dry_run():
    """a dry run observes, shows the changes, changes nothing and says how many steps it foresaw"""
    with place_with('observe "look" { title = "L", gives = { "v" }, run = function(s) s.v = trim(here.read("echo deep").out) end }\n',
                    lambda p: change("a", 'here.run("echo " .. s.v .. " >> %s/effects")' % p.dir, 'needs = { "v" },', "return false"),
                    lambda p: change("b", 'local x = here.run("echo 1").out if x == "1\\n" then here.run("no") end here.read("ls") here.run("after")', done="return false"),
                    change("c", 'error("cannot know")', done="return false"), 'manual "m" { title = "M", why = "w" }\n') as place:
        v = place.run("--dry-run")
        closed = v.walk({"step": None, "manual": None, "failure": None})
        assert closed["outcome"] == "ok" and "3 of 5 steps foreseen" in closed["reason"], closed
        assert place.lines() == []
        notes = [m["text"] for m in v.seen if m.get("kind") == "note"]
        assert any("echo deep >>" in n for n in notes), notes


def sigterm_resume():
    """SIGTERM stops the process, not the session: resume goes on at the exact call"""
    with place_with(lambda p: change("a", mark(p, "a1") + ' here.run("until test -e %s/go; do sleep 0.02; done")\n' % p.dir + mark(p, "a2"))) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        v.until(lambda m: m.get("kind") == "call.ended" and m.get("call") == "1")
        v.kill(signal.SIGTERM)
        v.wait()
        gone(v.pid)
        session = v.hello["session"]
        place.write("go", "")
        v = place.resume(session)
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["a1", "a2"]
        place.verify()


def lease():
    """a second process cannot take a session that is alive; attach after the end says so; resume of a closed one too"""
    with place_with(change("a", "")) as place:
        v = place.run()
        v.asked("step", "a")
        session = v.hello["session"]
        w = place.resume(session)       # attaches instead, and says so
        w.asked("step", "a")
        assert w.pid == v.pid
        v.walk()
        w.wait()
        assert b"is running" in w.proc.stderr.read()
        gone(v.pid)
        for verb in ("attach", "resume"):
            done = place.bellbook(verb, str(session), check=False)
            assert done.returncode != 0 and ("over" in done.stderr or "no process carries" in done.stderr), (verb, done.stderr)
        done = place.bellbook("resume", "4711", check=False)
        assert done.returncode == 2 and "no session 4711" in done.stderr, done.stderr


def two_sessions():
    """two sessions write one journal at the same time"""
    with place_with(lambda p: "".join(change("s%d" % i, mark(p, "x")) for i in range(5))) as place:
        views = [place.run(), place.run()]
        threads = [threading.Thread(target=v.walk) for v in views]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert [v.closed["outcome"] for v in views] == ["ok", "ok"], [v.closed for v in views] + [m for v in views for m in v.seen if m.get("kind") == "step.ended"]
        assert len(place.lines()) == 10
        place.verify()


def hostile_output():
    """ESC, NUL, invalid UTF-8 and a line of 1 MB are stored as sent"""
    import base64
    with place_with(lambda p: change("a", 'local r = here.run("printf \'\\\\033]0;x\\\\007\\\\000\\\\377z\'; head -c 1048576 /dev/zero | tr \'\\\\0\' y") s:note(#r.out .. "")')) as place:
        v = place.run()
        assert v.walk()["outcome"] == "ok", v.closed
        sent = b"".join(base64.b64decode(m["b64"]) if "b64" in m else m.get("text", "").encode() for m in v.seen if m.get("kind") == "call.output")
        want = b"\033]0;x\007\0\377z" + b"y" * 1048576
        assert sent == want, (len(sent), sent[:20])
        text = place.bellbook("log", str(v.hello["session"]), "--format", "text").stdout
        assert "\033" not in text and "\0" not in text
        plain = subprocess.run([BELLBOOK, "log", str(v.hello["session"]), "--format", "md"], env=place.env, capture_output=True).stdout
        assert b"\033" not in plain


def long_output():
    """of more than 1 MiB Lua has the beginning and the end, and the failure names the error at its end"""
    cmd = 'here.run("echo begun; head -c 3000000 /dev/zero | tr \'\\\\0\' y | fold -w 100; echo; echo ERROR: the disk is full; exit 3"'
    with place_with(lambda p: change("a", 'local r = ' + cmd + ', { check = false }) s:note((r.out:match("^begun") or "no head") .. " " .. (r.out:match("ERROR.*$") or "no tail") .. tostring(r.out_cut)) ' + cmd + ')')) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        q = v.asked("failure", "a")
        notes = [m["text"] for m in v.seen if m.get("kind") == "note" and "text" in m]
        assert any(n.startswith("begun ERROR: the disk is full") and n.endswith("true") for n in notes), notes
        assert "this host: ERROR: the disk is full (`echo begun; head" in q["data"]["details"], q["data"]["details"]
        assert "ended with status 3)" in q["data"]["details"], q["data"]["details"]
        assert v.walk()["outcome"] == "aborted"


def slow_view():
    """a view that is stopped during a flood slows nobody and catches up, each event once"""
    with place_with(lambda p: change("a", 'here.run("head -c 50000000 /dev/zero | tr \'\\\\0\' y | fold -w 100")')) as place:
        one = place.run()
        q = one.asked("step", "a")
        two = place.attach(one.hello["session"])
        two.asked("step", "a")
        os.kill(two.proc.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            one.answer(q, "go")
            assert one.walk()["outcome"] == "ok"
            took = time.monotonic() - began
            assert took < 40, took
        finally:
            os.kill(two.proc.pid, signal.SIGCONT)
        session = one.hello["session"]
        seqs = [m["seq"] for m in one.seen if "seq" in m]
        assert seqs == sorted(set(seqs))
        two.wait()
        seqs2 = [m["seq"] for m in two.seen if "seq" in m]
        assert seqs2 == sorted(set(seqs2))
        # The session does not wait for it for ever: what it was not told it reads in the journal.
        stored = {m["seq"]: m for m in place.log(session)}
        for m in one.seen + two.seen:
            if "seq" in m:
                assert m["seq"] in stored
        place.verify()


def own_account_only():
    """another user cannot connect, nor read the journal"""
    if os.geteuid() != 0:
        return "needs root"
    with place_with(change("a", "")) as place:
        os.chmod(place.dir, 0o755)
        v = place.run()
        v.asked("step", "a")
        done = subprocess.run(["runuser", "-u", "nobody", "--", BELLBOOK, "attach", str(v.hello["session"]), "--json", "--journal", place.journal],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode != 0 and "hello" not in done.stdout, done
        v.send(do="abort", why="x")
        v.walk()


def meter():
    """the meter of a running step is read beside it, is no call of the journal, goes on after a take-over, and never changes anything"""
    with Place() as place:
        place.write("t.lua", HEAD + '''change "copy" { title = "C", why = "w", stall = "1s", run = function(s) here.run("while ! test -e %(d)s/over; do sleep 0.05; done") end,
  meter = function(s) local n = tonumber(trim(here.read("cat %(d)s/count").out)) if n == 9 then here.run("echo no >> %(d)s/effects") end return n, 100, "files" end,
  done = function(s) return true end }\n''' % {"d": place.dir})
        place.write("count", "3\n")
        v = place.run()
        v.answer(v.asked("step", "copy"), "go")
        assert v.kind("call.progress")["data"] == {"done": 3, "total": 100, "unit": "files"}
        assert v.kind("call.progress")["data"] == {"stalled": True}
        v.kill()
        v.wait()
        gone(v.pid)
        place.write("count", "4\n")
        v = place.resume(v.hello["session"])
        v.kind("call.progress", done=4)
        place.write("count", "9\n")
        assert "a meter only looks" in v.until(lambda m: m.get("kind") == "call.progress" and "text" in m["data"])["data"]["text"]
        place.write("over", "")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == []
        assert [m["call"] for m in place.log(v.hello["session"]) if m["kind"] == "call.begun"] == ["1"]
        place.verify()


def debts():
    """what was put off is owed until somebody says that it is done, in the walk or after it; nothing is settled twice"""
    with place_with(*[lambda p, name=name: change(name, "") for name in "abc"]) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "defer", why="db2 is full \u001b[2J", owner="ben", due="tomorrow")
        v.answer(v.asked("step", "b"), "defer", why="no time", owner="ann", due="in 2 weeks")
        v.asked("step", "c")
        first, second = json.loads(place.bellbook("debts", "--json").stdout)
        assert [first[k] for k in ("step", "owner", "of", "session")] == ["a", "ben", "T", v.hello["session"]], first
        assert "STILL OWED" in place.bellbook().stdout and "  ann  b  (session" in place.bellbook().stdout
        text = place.bellbook("debts").stdout
        assert "%d  due %s  ben  a  (session" % (first["debt"], first["due"]) in text and "\u001b" not in text, text
        assert "settled" in place.bellbook("debts", "settle", str(first["debt"]), "a bigger", "disk").stdout
        settled = v.kind("debt.settled")
        assert settled["data"] == {"seq": first["debt"], "how": "a bigger disk"}, settled
        for words, says in (([str(first["debt"]), "again"], "was settled on"), (["1", "x"], "no debt 1"), ([str(second["debt"]), " "], "needs a text"), ([], "say which debt")):
            wrong = place.bellbook("debts", "settle", *words, check=False)
            assert wrong.returncode and says in wrong.stderr, wrong
        v.send(do="settle", seq=10 ** 9, how="x")
        assert "no event" in v.until(lambda m: "refused" in m)["refused"]["why"]
        v.send(do="settle", seq=second["debt"], how=" \n")
        assert "how it was settled" in v.until(lambda m: "refused" in m)["refused"]["why"]
        assert v.walk()["outcome"] == "ok"
        assert [d["step"] for d in json.loads(place.bellbook("debts", "--json").stdout)] == ["b"]
        place.bellbook("debts", "settle", str(second["debt"]), "done by hand")
        assert "Nothing is owed" in place.bellbook("debts").stdout
        done = json.loads(place.bellbook("debts", "--all", "--json").stdout)
        assert [d["how"] for d in done] == ["a bigger disk", "done by hand"], done
        place.verify()


sys.exit(tap([shown, two_go, wrong_answers, failure_choices, debts, pause_continue, cancel_abort, abort_at_question, manual_steps, manual_others, waiver, no_waiver, parameters, dry_run,
              sigterm_resume, lease, two_sessions, hostile_output, long_output, slow_view, own_account_only, meter]))
