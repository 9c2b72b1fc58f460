#!/usr/bin/env python3
# session-plan.py - what a walk says of its steps: left out by people, entered later, done already; what it warned of before the first change.
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import sys

sys.dont_write_bytecode = True
from walk import Place, tap  # noqa: E402

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
        assert "| 1 | a | The a | change | skipped by %s | 0 |" % me in md and "| no time for it |" in md, md
        assert "| 2 | b | The b | change | skipped | 0 |" in md and "| built before |" in md, md
        assert '<td class="warn">skipped by %s</td>' % me in html and '<td class="">skipped</td>' in html, html
        assert '<span class="warn">closed: ok, 1 step skipped by people</span>' in html and 'class="warn">skipped' in html, html
        assert "ok, 1 left out  " in place.bellbook("sessions").stdout, place.bellbook("sessions").stdout
        assert json.loads(place.bellbook("sessions", "--json").stdout)[0]["left_out"] == 1
        assert place.lines() == ["c"]


sys.exit(tap([left_out]))
