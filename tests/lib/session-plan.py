#!/usr/bin/env python3
# session-plan.py - what a walk says of its steps: left out by people, entered later, done already; what it warned of before the first change.
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import re
import signal
import sys

sys.dont_write_bytecode = True
from walk import Place, gone, tap  # noqa: E402

HEAD = 'runbook { id = "t", bellbook = 1, title = "T" }\n'


def change(place, name, run="", more="", done="return true"):
    return ('change "%s" { title = "The %s", why = "w", %s run = function(s) here.run("echo %s >> %s/effects") %s end, done = function(s) %s end }\n'
            % (name, name, more, name, place.dir, run, done))


def place_with(*steps):
    """steps: functions of the place that give the text of a step, or texts."""
    place = Place()
    place.write("t.lua", HEAD + "".join(s(place) if callable(s) else s for s in steps))
    return place


def left_out():
    """a step that a person skipped is no ok anywhere: log, page, list, home; one that the runbook found not needed hides nothing"""
    with place_with(lambda p: change(p, "a"), lambda p: change(p, "b", more='when = function(s) return "built before" end,'), lambda p: change(p, "c")) as place:
        v = place.run()
        me = v.until(lambda m: "hello" in m)["hello"]["who"]
        v.answer(v.asked("step", "a"), "skip", why="no time for it")
        assert v.walk()["outcome"] == "ok"
        session = str(v.hello["session"])
        text, md, html = [place.bellbook("log", session, "--format", f).stdout for f in ("text", "md", "html")]
        assert "closed: ok, 1 step skipped by people\n" in text, text
        assert "Z: ok, 1 step skipped by people |" in md, md
        assert "| 1 | a | The a | change | skipped by %s | 0 |" % me in md and "\n- **a**: no time for it\n" in md, md
        assert "| 2 | b | The b | change | skipped | 0 |" in md and "\n- **b**: built before\n" in md, md
        assert '<td class="warn">skipped by %s</td>' % me in html and '<td class="">skipped</td>' in html, html
        assert '<span class="warn">closed: ok, 1 step skipped by people</span>' in html and 'class="warn">skipped' in html, html
        assert "ok, 1 skipped  " in place.bellbook("sessions").stdout, place.bellbook("sessions").stdout
        assert json.loads(place.bellbook("sessions", "--json").stdout)[0]["left_out"] == 1
        assert place.lines() == ["c"]


def edited():
    """a runbook or library edited while it is under way: every question says so, what was shown is what runs, and a session resumed asks about the change"""
    with place_with('local l = require "l"\n', lambda p: change(p, "a"), lambda p: change(p, "b", run='here.run("echo " .. l.word .. " >> %s/effects")' % p.dir), lambda p: change(p, "c")) as place:
        os.mkdir(place.dir + "/lib")
        place.write("lib/l.lua", 'return { word = "old" }\n')
        v = place.run()
        first = v.asked("step", "a")
        assert "was changed" not in first["data"].get("details", ""), first
        place.write("lib/l.lua", 'return { word = "new" }\n')
        v.answer(first, "go")
        second = v.asked("step", "b")
        said = second["data"]["details"]
        assert "The file lib/l.lua was changed since this session loaded it: what is shown here, and what runs, is as it was then." in said, said
        assert any("echo old" in c["shown"] for c in second["data"]["commands"]), second
        v.answer(second, "go")
        third = v.asked("step", "c")
        assert place.lines() == ["a", "b", "old"], place.lines()
        pid = int(re.search(r"end process (\d+) on this computer", third["data"]["details"]).group(1))
        os.kill(pid, signal.SIGKILL)
        gone(pid)
        v = place.resume(v.hello["session"])
        v.until(lambda m: m.get("kind") == "asked" and m["data"]["of"] == "change")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["a", "b", "old", "c"], place.lines()


def states(place, session):
    return [(m["step"], m["data"]["state"]) for m in place.log(session) if m["kind"] == "step.ended"]


def back():
    """a step that was skipped is gone back to from the question of another one: asked as usual, run once, and the other is asked anew with its own commands"""
    with place_with(lambda p: change(p, "a"), lambda p: change(p, "b"), lambda p: change(p, "c")) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "skip", why="later")
        v.answer(v.asked("step", "b"), "go")
        first = v.asked("step", "c")
        for step, words in (("b", "neither skipped nor put off: it is ok"), ("c", "neither skipped nor put off: it is ready"), ("x", "no step"), (None, "no step")):
            v.send(do="enter", step=step)
            assert words in v.reply()["refused"]["why"], v.seen[-1]
        v.send(do="enter", step="a", why="there is time now")
        entered = v.kind("step.entered")
        assert entered["step"] == "a" and entered["who"] == v.hello["who"], entered
        assert entered["data"] == {"index": 1, "total": 3, "back": True, "why": "there is time now"}, entered
        assert "accepted" in v.reply()
        q = v.asked("step", "a")
        assert first["seq"] not in v.open and "echo a" in q["data"]["commands"][0]["shown"], q
        v.answer(first, "go")
        assert "not open" in v.reply()["refused"]["why"]
        assert place.lines() == ["b"]
        v.answer(q, "go")
        q = v.asked("step", "c")
        assert "echo c" in q["data"]["commands"][0]["shown"], q
        v.answer(q, "go")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["b", "a", "c"]
        assert states(place, v.hello["session"]) == [("a", "skipped"), ("b", "ok"), ("a", "ok"), ("c", "ok")]
        assert json.loads(place.bellbook("sessions", "--json").stdout)[0]["left_out"] == 0
        text = place.bellbook("log", str(v.hello["session"])).stdout
        assert "goes back to step 1 of 3: The a, because there is time now" in text and "closed: ok\n" in text, text
        assert "goes back to" in " ".join(place.bellbook("log", str(v.hello["session"]), "--format", "md").stdout.split())
        place.verify()


def back_from_failure():
    """what a later step lacked is made by going back, and only that: its needs hold after it; a debt is paid; a kill in between loses nothing"""
    a = 'change "a" { title = "The a", why = "w", gives = { "x" }, run = function(s) here.run("echo a >> %s/effects") s.x = 1 end, done = function(s) return true end }\n'
    with place_with(lambda p: a % p.dir, lambda p: change(p, "b"), lambda p: change(p, "c", more='needs = { "x" },')) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "defer", why="later", owner="me", due="tomorrow")
        v.answer(v.asked("step", "b"), "go")
        q = v.asked("failure", "c")
        assert "it needs what step “a” (The a) finds out (its value “x”), and that step was put off: later" in q["data"]["details"], q
        v.send(do="enter", step="a")
        v.asked("step", "a")
        v.kill()
        v.wait()
        v = place.resume(v.hello["session"])
        q = v.asked("step", "a")
        v.answer(q, "skip", why="not yet")
        q = v.asked("failure", "c")
        assert q["data"]["text"] == "Step “The c” failed. What now?", q
        v.send(do="enter", step="a")
        v.answer(v.asked("step", "a"), "go")
        q = v.asked("failure", "c")
        assert q["data"]["text"] == "Step “The c” failed before “The a” was done. Try it again?", q
        assert q["data"]["details"].startswith("“The a” has been done since: that may have been what was missing."), q
        assert place.lines() == ["b", "a"]
        v.answer(q, "retry")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["b", "a", "c"]
        assert "Nothing is owed" in place.bellbook("debts").stdout
        place.verify()


def back_not_now():
    """nobody goes back while a step is at work, and only the driver; a step found not needed is asked again whether it is"""
    with place_with(lambda p: change(p, "a"), lambda p: change(p, "n", more='when = function(s) return here.read("test -e %s/need", { check = false }).ok end,' % p.dir),
                    lambda p: change(p, "b", run='here.run("while ! test -e %s/flag; do sleep 0.02; done")' % p.dir), lambda p: change(p, "c")) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "skip", why="later")
        v.answer(v.asked("step", "b"), "go")
        v.until(lambda m: m.get("kind") == "call.begun" and "while" in m["data"]["shown"])
        v.send(do="enter", step="a")
        assert "is running; when it is over" in v.reply()["refused"]["why"]
        place.write("flag", "")
        v.asked("step", "c")
        watcher = place.attach(v.hello["session"], "--role", "observer")
        watcher.asked("step", "c")
        watcher.send(do="enter", step="a")
        assert "only the driver" in watcher.reply()["refused"]["why"]
        watcher.end()
        place.write("need", "")
        v.send(do="enter", step="n")
        v.answer(v.asked("step", "n"), "go")
        v.asked("step", "c")
        assert place.lines() == ["b", "n"]
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["b", "n", "c"]


def already():
    """a step that its check finds done is said as that, and not as done by this walk; where the check says no, or a later step needs what it gives, it is not offered"""
    with place_with(lambda p: change(p, "a"), lambda p: change(p, "b", done="return false"), lambda p: change(p, "g", more='gives = { "x" },'),
                    lambda p: 'manual "m" { title = "The m", why = "w", about = "By hand.", done = function(s) return true end }\n') as place:
        v = place.run()
        q = v.asked("step", "a")
        assert "already says yes" in q["data"]["details"] and q["data"]["choices"][-1]["value"] == "already", q
        v.answer(q, "already")
        ended = v.kind("step.ended")["data"]
        assert ended == {"state": "ok", "already": True, "reason": "its own check said so before anything was run", "took_us": 0}, ended
        for step in "bg":
            q = v.asked("step", step)
            assert "already" not in [c["value"] for c in q["data"]["choices"]], q
            v.answer(q, "already")
            assert "not one of the choices" in v.reply()["refused"]["why"]
            v.answer(q, "skip", why="x")
        q = v.asked("manual", "m")
        assert q["data"]["details"].startswith("The check of this step") and "By hand." in q["data"]["details"], q
        v.answer(q, "already")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == []
        session = str(v.hello["session"])
        text, md, html = [place.bellbook("log", session, "--format", f).stdout for f in ("text", "md", "html")]
        assert "already done: its own check said so before anything was run\n" in text, text
        assert "| 1 | a | The a | change | already done | 0 | - |" in md and ">already done</td>" in html, md
        place.verify()


def stops():
    """a choice by which the runbook stops ends the session with its words and fails nothing; another one goes on"""
    ask = ('observe "o" { title = "The look", run = function(s) local a = s:ask { text = "Once more?", choices = { { value = "no", label = "Stop here", stops = "there is nothing to do" }, "yes" } } '
           'here.read("echo went on with " .. a .. " >>%s/effects") end }\n')
    with place_with(lambda p: ask % p.dir, lambda p: change(p, "b")) as place:
        v = place.run()
        v.answer(v.asked("question", "o"), "no")
        closed = v.walk()
        assert closed["outcome"] == "aborted" and closed["reason"].endswith(": there is nothing to do"), closed
        assert states(place, v.hello["session"]) == [("o", "skipped")] and place.lines() == [], place.lines()
        assert not [m for m in v.seen if m.get("kind") == "asked" and m["data"]["of"] == "failure"]
        v = place.run()
        v.answer(v.asked("question", "o"), "yes")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["went on with yes", "b"], place.lines()


def explained():
    """of a step with a long command the question says first what it does, and of any what members meet meanwhile; with a short command the screen has room for it beside"""
    long = "".join("true # line %d\\n" % i for i in range(12))
    more = 'about = "Builds it anew.", refuses = "9s",'
    with place_with(lambda p: change(p, "a", run='here.run("%secho a >>%s/effects")' % (long, p.dir), more=more), lambda p: change(p, "b", more=more.replace('refuses = "9s"', 'downtime = "begins"')),
                    lambda p: change(p, "c", more=more + 'downtime = "ends",'),
                    lambda p: change(p, "d", more=more + 'meanwhile = "Pages may fail until it is restarted.",')) as place:
        v = place.run()
        q = v.asked("step", "a")
        assert q["data"]["details"].startswith("Builds it anew.\n\nMeanwhile the site refuses requests (answers like 502) for about 9s"), q
        v.answer(q, "go")
        q = v.asked("step", "b")
        assert "Builds it" not in q["data"].get("details", ""), q
        v.answer(q, "go")
        # A site that is down refuses nothing more.
        q = v.asked("step", "c")
        assert "refuses" not in q["data"].get("details", ""), q
        v.answer(q, "go")
        # What the runbook names as met meanwhile stands there whatever the length.
        q = v.asked("step", "d")
        assert q["data"]["details"].startswith("Pages may fail until it is restarted.\n\n"), q
        v.answer(q, "go")
        assert v.walk()["outcome"] == "ok"


def ways():
    """a step of another way than the chosen one is left out with its own words, whatever it needs, and plan and document know of which way it is"""
    more = 'only = { way = "%s" }, otherwise = "not this time",'
    with place_with(lambda p: change(p, "a", more=more % "short"), lambda p: change(p, "b", more='needs = { "v" },' + more % "long"), lambda p: change(p, "c")) as place:
        with open(place.dir + "/t.lua", encoding="utf-8") as f:
            text = f.read()
        place.write("t.lua", text.replace('title = "T" }', 'title = "T", params = { way = { type = "choice", choices = { "short", "long" }, default = "short" } } }\n'
                                          'observe "o" { title = "O", gives = { "v" }, run = function(s) end }', 1))
        v = place.run()
        assert v.walk()["outcome"] == "ok"
        assert states(place, v.hello["session"]) == [("o", "ok"), ("a", "ok"), ("b", "skipped"), ("c", "ok")]
        assert [m["data"]["reason"] for m in place.log(v.hello["session"]) if m["kind"] == "step.ended" and m["step"] == "b"] == ["not this time"]
        v = place.run("--set", "way=long")
        v.answer(v.asked("failure", "b"), "abort")
        assert v.walk()["outcome"] == "aborted"
        assert place.lines() == ["a", "c"]
        assert "The b  [b, change, only with way=long]" in place.bellbook("show", place.dir + "/t.lua").stdout


def already_foreseen():
    """a dry run lists no command of a step that is done: it says that; one that a later step needs something of would be run all the same"""
    with place_with(lambda p: change(p, "a"), lambda p: change(p, "b", done="return false"), lambda p: change(p, "g", more='gives = { "x" },')) as place:
        v = place.run("--dry-run")
        closed = v.walk({})
        assert closed["outcome"] == "ok" and "3 of 3 steps foreseen" in closed["reason"], closed
        ended = {m["step"]: m["data"] for m in v.seen if m.get("kind") == "step.ended"}
        assert ended["a"]["already"] and "its own check says so" in ended["a"]["reason"], ended["a"]
        assert "already" not in ended["b"] and "foreseen: 1 command" in ended["b"]["reason"], ended["b"]
        assert "already" not in ended["g"] and "foreseen: 1 command" in ended["g"]["reason"], ended["g"]
        notes = "".join(m["text"] for m in v.seen if m.get("kind") == "note")
        assert "echo b" in notes and "echo g" in notes and "echo a" not in notes, notes
        assert "already done: its own check says so" in place.bellbook("log", str(v.hello["session"])).stdout


LOOKS = ('observe "room" { title = "Is there room?", run = function(s) s:warn("app1: 3.1 GB are free, 4 GB are wanted") end }\n'
         'observe "old" { title = "Is it old?", run = function(s) s:warn("PostgreSQL 12 is old") %s end }\n')


def warned():
    """what was warned of stands at each question before the first change, by hand or not, with its measure; behind that change it does not"""
    with place_with(LOOKS % "", 'manual "m" { title = "Agree", why = "w", about = "Read this." }\n', lambda p: change(p, "a"), lambda p: change(p, "b")) as place:
        v = place.run()
        q = v.asked("manual", "m")
        details = q["data"]["details"]
        assert details.startswith("2 warnings so far; nothing was changed yet:\n- Is there room? app1: 3.1 GB are free, 4 GB are wanted\n- Is it old? PostgreSQL 12"), details
        assert "Read this." in details, details
        v.answer(q, "done")
        q = v.asked("step", "a")
        assert "3.1 GB are free, 4 GB are wanted" in q["data"]["details"] and "PostgreSQL 12" in q["data"]["details"], q
        v.answer(q, "go")
        assert "4 GB" not in v.asked("step", "b")["data"].get("details", "")
        assert v.walk()["outcome"] == "ok"


def warned_and_refused():
    """a look that refuses the walk lists the warnings, too; a step made again has only its last ones"""
    with place_with(LOOKS % 'fail("too old")', lambda p: change(p, "a")) as place:
        v = place.run()
        for _ in range(2):
            q = v.asked("failure", "old")
            assert "too old" in q["data"]["details"] and "- Is there room? app1: 3.1 GB are free" in q["data"]["details"], q
            assert q["data"]["details"].count("PostgreSQL 12") == 1, q
            v.answer(q, "retry")
        v.answer(v.asked("failure", "old"), "abort", why="it is")
        assert v.walk()["outcome"] == "aborted"


def addresses():
    """a step by hand lists each address that was noted before it, once and whole; what has none is left to the record"""
    notes = "".join('s:note("Release notes: https://example.org/%s/v4.6.%d") ' % ("a" * 40, i) for i in (1, 2, 3, 2))
    with place_with('observe "way" { title = "The way", run = function(s) %s s:note("nothing to read") end }\n' % notes,
                    'manual "m" { title = "Agree", why = "w", about = "Read them." }\n') as place:
        v = place.run()
        q = v.asked("manual", "m")
        listed = "".join("Release notes: https://example.org/%s/v4.6.%d\n" % ("a" * 40, i) for i in (1, 2, 3))
        assert q["data"]["details"] == "Read them.\n\n\nNoted so far:\n" + listed or q["data"]["details"] == "Read them.\n\nNoted so far:\n" + listed, q
        v.answer(q, "done")
        assert v.walk()["outcome"] == "ok"


sys.exit(tap([edited, ways, stops, explained, already, already_foreseen, left_out, back, back_from_failure, back_not_now, warned, warned_and_refused, addresses]))
