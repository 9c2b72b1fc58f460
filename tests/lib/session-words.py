#!/usr/bin/env python3
# session-words.py - secrets whose values are words of bellbook's own, of the runbook or of JSON: they are masked in outside text and break nothing.
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import sys

sys.dont_write_bytecode = True
from walk import Place, gone, tap  # noqa: E402

HIDDEN = "sEnt1nel-9931"
FLEET = 'fleet { name = "f", hosts = { ["web1.example.org"] = {} }, extra = { pw = secret.env "MY_PW" } }\n'
RUNBOOK = '''runbook { id = "t", bellbook = 1, title = "T", params = { unit = { type = "text", default = "mastodon-web" } } }
observe "outcome" { title = "Which unit?", gives = { "unit", "host", "n" }, run = function(s)
    s.unit = here.read("echo mastodon-web; echo outcome ok web1.example.org /home/mastodon/live >&2").out:gsub("%%s+$", "")
    s.host, s.n = "web1.example.org", 1
    s:note("the unit is " .. s.unit .. " on " .. s.host .. ", and the path is /home/mastodon/live")
end }
change "mastodon-web" { title = "Restart mastodon-web", why = "ok", needs = { "unit", "host", "n" }, run = function(s)
    each({ "mastodon", "outcome" }, function(name)
        here.run("echo '" .. name .. " " .. s.unit .. " " .. s.host .. " " .. s.n .. "' >> %(d)s/effects; printf '%%s\\n' \\"$S\\"", { env = { S = s.fleet.extra.pw } })
    end)
    local r = here.run("test '" .. s.unit .. "' = " .. s.params.unit .. " && echo ok")
    if r.out ~= "ok\\n" then error("no ok in " .. r.out) end
    if s:ask { text = "Which?", type = "choice", choices = { "mastodon-web", "outcome" } } ~= "mastodon-web" then error("another answer") end
end, done = function(s) return s.unit == "mastodon-web" end }
change "undone-ok" { title = "Fails", why = "w", run = function(s)
    local r = here.run("echo the outcome of mastodon-web >&2; exit 3", { check = false })
    if not r.err:find("mastodon-web", 1, true) then error("not in it: " .. r.err) end
    here.run("echo the outcome of mastodon-web >&2; exit 3")
end, done = function(s) return true end }
'''
VALUES = ["mastodon", "mastodon-web", "outcome", '":true', '"kind":"', "web1.example.org", "/home/mastodon/live", "bellbook", "[secret", "MY_PW]", "unknown", "accept", "999999",
          "ok", "1", "e", "step", "x" * 65536, "tr\u00e9sor caf\u00e9", "two\nlines", "{}", "null", "undone"]


def answers(m):
    return "mastodon-web"


def walk(place, value, kill=None):
    """Walks to the end, killed behind the event kill (a kind and a step) when there is one. Returns all its events."""
    place.write("t.lua", RUNBOOK % {"d": place.dir})
    place.env["MY_PW"] = value
    took = {"question": answers, "failure": "skip", "secret": HIDDEN}
    v = place.run()
    if kill:
        m = v.walk(took, stop=lambda m: (m.get("kind"), m.get("step")) == kill)
        assert m and "seq" in m, m
        v.kill()
        v.end()
        v = place.resume(v.hello["session"])
    closed = v.walk(took)
    assert closed and closed["outcome"] == "ok", (value[:40], closed, v.seen[-8:])
    place.verify()
    gone(v.pid)
    return place.log(v.hello["session"])


LEFT_OUT = ("joined", "left", "wheel.passed", "session.resumed", "withdrawn")


def shape(events):
    """What bellbook itself names: kinds, steps, calls, hosts, states, answers, variables; without what is outside text."""
    out = []
    for m in events:
        data = m.get("data", {})
        if m["kind"] in LEFT_OUT or "secret" in data:
            continue
        named = {k: data[k] for k in ("state", "outcome", "exit", "action", "effect", "of", "type", "name", "stream", "part", "index", "total", "gives", "value", "choices", "how") if k in data}
        entry = (m["kind"], m.get("who"), m.get("step"), m.get("attempt"), m.get("call"), m.get("host"), json.dumps(named, sort_keys=True))
        if entry not in out or m["kind"] != "call.output":  # how output is grouped is chance
            out.append(entry)
    return sorted(out, key=str)  # the branches of each() end in any order


def outside(events):
    return "\n".join([m.get("text", "") for m in events] + [str(m.get("data", {}).get(k, "")) for m in events for k in ("shown", "error", "reason", "details") if k not in ("seq",)])


def each_value():
    """a secret whose value is a word of bellbook's, of the runbook, of JSON or next to nothing: the record is the same, and it is said once"""
    with Place(fleet=FLEET) as place:
        want = shape(walk(place, HIDDEN))
        effects = place.lines()
    assert sorted(effects) == ["%s mastodon-web web1.example.org 1" % n for n in ("mastodon", "outcome")], effects
    for value in VALUES:
        with Place(fleet=FLEET) as place:
            events = walk(place, value)
            assert sorted(place.lines()) == sorted(effects), (value[:40], place.lines())
            assert shape(events) == want, (value[:40], [pair for pair in zip(shape(events), want) if pair[0] != pair[1]][:3])
            said = [m for m in events if m["kind"] == "note" and m.get("data", {}).get("secret") == "MY_PW"]
            assert len(said) == (0 if value in ('":true', '"kind":"', "[secret", "MY_PW]", VALUES[17], VALUES[18], "two\nlines") else 1), (value[:40], said)
            if value in ("mastodon", "mastodon-web", "outcome", "/home/mastodon/live", "web1.example.org"):
                assert value not in outside(events), (value, [m for m in events if value in outside([m])][:3])
                assert "[secret MY_PW]" in outside(events), value


def killed():
    """killed and taken up again, a session whose secret is a word gives Lua what it saw before"""
    for value in ("mastodon", "mastodon-web", "outcome", "ok", "web1.example.org"):
        for kill in (("step.ended", "outcome"), ("call.ended", "mastodon-web"), ("asked", "mastodon-web"), ("call.ended", "undone-ok")):
            with Place(fleet=FLEET) as place:
                events = walk(place, value, kill)
                assert sorted(place.lines()) == ["mastodon mastodon-web web1.example.org 1", "outcome mastodon-web web1.example.org 1"], (value, kill, place.lines())
                assert len([m for m in events if m.get("data", {}).get("secret") == "MY_PW"]) == 1, (value, kill)
                failed = [m["data"] for m in events if m["kind"] == "step.ended" and m["data"]["state"] == "failed"]
                assert [f for f in failed if "diverged" in f.get("reason", "")] == [], failed


def nothing():
    """an empty value and one that is a line break are none: a person is asked, in words"""
    for value in ("", "\n"):
        with Place(fleet=FLEET) as place:
            events = walk(place, value)
            asked = [m["data"] for m in events if m["kind"] == "asked" and m["data"]["of"] == "secret"]
            assert len(asked) == 1 and "empty" in asked[0]["details"], asked
            assert HIDDEN not in json.dumps(events)


sys.exit(tap([each_value, killed, nothing]))
