#!/usr/bin/env python3
# session-back.py - a runbook that names its way back: who may take it, what it is filled in with, when it is open, where it is told.
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import sys

sys.dont_write_bytecode = True
from walk import Place, tap  # noqa: E402

HEAD = """runbook { id = "t", bellbook = 1, title = "Forth", params = { dir = { default = "/var/a b" }, port = { type = "integer", optional = true } },
	way_back = { runbook = "u", with = { "record", "dir", "port" }, open = "as long as it lies there" } }
observe "early" { title = "Early", run = function(s) if here.read("test -e %s/early", { check = false }).ok then fail("early") end end }
observe "dump" { title = "Dump", gives = { "record" }, run = function(s) s.record = "/r/1" end }
"""
FAILS = 'change "a" { title = "A", why = "w", run = function(s) fail("broken") end, done = function(s) return false end }\n'
WORKS = 'change "a" { title = "A", why = "w", run = function(s) s.x = 1 end, gives = { "x" }, done = function(s) return s.x == 1 end }\n'
BY_HAND = 'manual "hand" { title = "Try it", why = "w" }\n'
BACK = """runbook { id = "u", bellbook = 1, title = "Back again", params = { record = {}, dir = {}, port = { type = "integer", optional = true } } }
change "undo" { title = "Undo", why = "w", run = function(s) here.run("echo undone >> %s/effects") end, done = function(s) return s.params.record == "/r/1" end }
"""


def place_with(steps):
    place = Place(fleet='fleet { name = "one" }')
    place.write("t.lua", HEAD % place.dir + steps)
    place.write("u.lua", BACK % place.dir)
    return place


def choices(asked):
    return [c["value"] for c in asked["data"]["choices"]]


def chosen():
    """a failed step offers the way back; it needs a reason, ends the session, says what fills it in, and starts nothing"""
    with place_with(FAILS) as place:
        v = place.run()
        assert v.until(lambda m: m.get("kind") == "session.opened")["data"]["runbook"]["way_back"] == {
            "runbook": "u", "open": "as long as it lies there", "with": ["record", "dir", "port"]}
        step = v.asked("step", "a")
        assert "back" not in choices(step), step
        v.answer(step, "back", why="x")
        assert "not one of the choices" in v.reply()["refused"]["why"]
        v.answer(step, "go")
        q = v.asked("failure", "a")
        assert choices(q) == ["retry", "skip", "defer", "abort", "back"], q
        assert q["data"]["choices"][4] == {"value": "back", "label": "Go back (u)", "why": True, "help": q["data"]["choices"][4]["help"]}
        v.answer(q, "back")
        assert "needs a reason" in v.reply()["refused"]["why"]
        watcher = place.attach(v.hello["session"], "--role", "observer")
        watcher.asked("failure", "a")
        watcher.answer(q, "back", why="I want to")
        assert "drives" in watcher.reply()["refused"]["why"]
        v.answer(q, "back", why="it does not hold")
        closed = v.walk()
        watcher.wait()
        me = v.hello["who"]
        assert closed["outcome"] == "aborted" and closed["reason"] == "stopped by %s, to go back: it does not hold" % me, closed
        assert closed["way_back"] == {"runbook": "u", "path": place.dir + "/u.lua", "fleet": place.dir + "/fleet.lua", "open": "as long as it lies there",
                                      "params": {"record": "/r/1", "dir": "/var/a b"}, "by": me}, closed
        assert place.lines() == []
        assert len(json.loads(place.bellbook("sessions", "--json").stdout)) == 1
        place.verify()


def told():
    """an end of any kind tells until when the way back is open and the command that opens it, on home too, until a walk went back"""
    with place_with(WORKS + BY_HAND) as place:
        v = place.run("--set", "port=7")
        v.answer(v.asked("step", "a"), "go")
        q = v.asked("manual", "hand")
        assert choices(q)[-1] == "back", q
        v.answer(q, "done")
        closed = v.walk()
        assert closed["outcome"] == "ok" and "by" not in closed["way_back"] and closed["way_back"]["params"]["port"] == 7, closed
        command = "bellbook run %s/u.lua --fleet %s/fleet.lua --set 'dir=/var/a b' --set port=7 --set record=/r/1" % (place.dir, place.dir)
        home = place.bellbook().stdout
        assert "Session %d ended ok. The way back is open as long as it lies there:\n  %s\n" % (v.hello["session"], command) in home, home
        one = json.loads(place.bellbook("--json").stdout)["sessions"][0]
        assert one["back_open"] is True and one["way_back"] == closed["way_back"], one
        # What was tried and came to nothing before it changed anything leaves it as it was.
        place.write("early", "")
        w = place.run()
        assert w.walk()["outcome"] == "aborted" and "way_back" not in w.closed, w.closed
        assert json.loads(place.bellbook("--json").stdout)["sessions"][1]["back_open"] is True
        words = ["run", place.dir + "/u.lua", "--fleet", place.dir + "/fleet.lua", "--set", "record=/r/1", "--set", "dir=/var/a b", "--set", "port=7"]
        u = place.start(words)
        question = u.asked("step", "undo")
        assert [s["back_open"] for s in json.loads(place.bellbook("--json").stdout)["sessions"] if "back_open" in s] == [False]
        u.answer(question, "go")
        assert u.walk()["outcome"] == "ok"
        assert place.lines() == ["undone"]
        assert "way back" not in place.bellbook().stdout


def closed_before():
    """before the step that gives what it goes by there is no way back, nor in a dry run"""
    with place_with(WORKS) as place:
        place.write("early", "")
        v = place.run()
        q = v.asked("failure", "early")
        assert "back" not in choices(q), q
        v.answer(q, "abort", why="x")
        assert "way_back" not in v.walk()
        place.write("t.lua", HEAD % (place.dir + "/nowhere") + WORKS)
        v = place.run("--dry-run")
        assert "way_back" not in v.walk() and v.closed["outcome"] == "ok", v.closed


sys.exit(tap([chosen, told, closed_before]))
