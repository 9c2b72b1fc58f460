#!/usr/bin/env python3
# session-plain.py - steps in their data form, walked, looked at, printed and checked.
# SPDX-License-Identifier: GPL-3.0-or-later
import importlib.util
import json
import os
import re
import sys

sys.dont_write_bytecode = True
from walk import Place, tap  # noqa: E402

_spec = importlib.util.spec_from_file_location("procs", os.path.join(os.path.dirname(os.path.abspath(__file__)), "session-procs.py"))
procs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(procs)

HEAD = 'runbook { id = "t", bellbook = 1, title = "T", params = { word = { default = "hello" } } }\n'

DATA = HEAD + """
observe "look" { title = "Look", command = { on = { "far", "far2" }, tell = true, "echo seen" } }
change "mark" { title = "Mark", why = "w", command = { on = { "far", "far2" }, at_once = 1, cwd = "/", env = { WORD = function(s) return s.params.word end },
    "echo $WORD >> $W/effects", function(s, host) return { "touch", s.fleet.extra.dir .. "/" .. host } end },
    done_when = function(s, host) return "test -e $W/" .. host end }
"""

FUNCTIONS = HEAD + """
local hosts = { "far", "far2" }
observe "look" { title = "Look", run = function(s) each(hosts, function(host) ssh.read(host, "echo seen", { tell = true }) end) end }
change "mark" { title = "Mark", why = "w",
    run = function(s)
        each(hosts, function(host)
            local opts = { cwd = "/", env = { WORD = s.params.word } }
            ssh.run(host, "echo $WORD >> $W/effects", opts)
            ssh.run(host, { "touch", s.fleet.extra.dir .. "/" .. host }, opts)
        end, { at_once = 1 })
    end,
    done = function(s)
        local all = true
        each(hosts, function(host)
            local o = { cwd = "/", codes = { 0, 1 }, env = { WORD = s.params.word } }
            if not ssh.read(host, "test -e $W/" .. host, o).ok then all = false end
        end)
        return all
    end }
"""


class Far(procs.Far):
    def __init__(self, runbook):
        super().__init__(runbook)
        self.write("fleet.lua", 'fleet { name = "f", hosts = { far = { transport = "ssh" }, far2 = { transport = "libssh2" } }, extra = { dir = "%s" } }\n' % self.dir)


def told(place, session):
    """The events without what differs from walk to walk: times, numbers, digests. Which host answers first does not count."""
    lines = []
    for e in place.log(session):
        data = e.get("data", {})
        for key in ("at", "mono_us", "seq", "session", "hash", "prev"):
            e.pop(key, None)
        for key in ("process", "runbook", "fleet", "journal", "took_us", "job", "took"):
            data.pop(key, None)
        for step in data.get("steps", []):
            step.pop("digest", None)
        text = json.dumps(e, sort_keys=True).replace(place.dir, "DIR")
        lines.append(re.sub(r'("(?:digest|job|at_us|began_us)": )("[^"]*"|\d+)', r"\1X", re.sub(r"\b(look|see)/\d+/", r"\1/N/", text)))
    return sorted(lines)


def journal():
    """walked, the data form leaves the journal that functions leave"""
    found = []
    for book in (DATA, FUNCTIONS):
        with Far(book) as place:
            view = place.run()
            asked = view.asked("step", "mark")
            shown = [(c["host"], c["shown"], c.get("cwd"), c.get("env")) for c in asked["data"]["commands"]]
            assert len(shown) == 4 and shown[0] == ("far", "echo $WORD >> $W/effects", "/", {"WORD": "hello"}), shown
            view.answer(asked, "go")
            assert view.walk()["outcome"] == "ok"
            assert place.lines() == ["hello", "hello"], place.lines()
            found.append(told(place, view.hello["session"]))
    data, functions = found
    different = [(a, b) for a, b in zip(data, functions) if a != b]
    assert not different and len(data) == len(functions), different[:1]
    assert any('"call.begun"' in line for line in data) and any('"call.ended"' in line for line in data)


def done_already():
    """a check that says done before offers to go on; one that tells neither is said with its step"""
    with Far(DATA) as place:
        place.write("far", "")
        place.write("far2", "")
        view = place.run()
        asked = view.asked("step", "mark")
        assert "already" in [c["value"] for c in asked["data"]["choices"]], asked
        view.answer(asked, "already")
        assert view.walk()["outcome"] == "ok" and place.lines() == []
    with Far(DATA.replace('return "test -e $W/" .. host', 'return "exit 3"')) as place:
        view = place.run()
        view.answer(view.asked("step", "mark"), "go")
        failed = view.asked("failure", "mark")["data"]["details"]
        assert "ended with status 3" in failed and "for done_when, 0 means done and 1 not done" in failed, failed
        assert view.walk()["outcome"] == "aborted"


def dry_run():
    """a dry run lists what would be run, and runs nothing of it"""
    with Far(DATA) as place:
        said = place.bellbook("run", place.dir + "/t.lua", "--dry-run", "--plain").stdout
        assert "would run on far in / with WORD=hello" in said and "would run on far2" in said and "foreseen: 4 commands" in said, said
        assert place.lines() == [], place.lines()


def printed():
    """show, as text, Markdown and JSON, tells what runs where and as whom, without a host"""
    with Place('runbook { id = "t", bellbook = 1, title = "T" }\n'
               'change "a" { title = "A", why = "w", command = { on = "app", as = "mastodon", "yarn install --immutable" }, done_when = "test -s x" }\n') as place:
        words = "Runs on app as mastodon: yarn install --immutable", "Done when it holds on app as mastodon: test -s x"
        for form in (), ("--format", "md"):
            said = place.bellbook("show", place.dir + "/t.lua", *form).stdout
            assert all(w in said for w in words), said
        step = json.loads(place.bellbook("show", place.dir + "/t.lua", "--json").stdout)["steps"][0]
        assert step["command"] == "on app as mastodon: yarn install --immutable" and step["done_when"] == "on app as mastodon: test -s x", step


def checked():
    """check says what is wrong, with the step and its line, before anything is run"""
    with Place() as place:
        for body, words in (("command = { on = \"app\", ass = \"root\", \"ls\" }, done_when = \"x\"", "t.lua:2: step 'a': command has no field 'ass' (did you mean 'as'?)"),
                            ("command = { on = \"app\", env = \"x\", \"ls\" }, done_when = \"x\"", "t.lua:2: step 'a': command: \"env\" must be a table of texts or secrets"),
                            ("command = { \"ls\" }, done_when = \"x\"", "t.lua:2: step 'a': command needs on = "),
                            ("command = { on = \"app\", \"ls\" }", "t.lua:2: step 'a' needs done = function (s) … end, or done_when")):
            place.write("t.lua", 'runbook { id = "t", bellbook = 1, title = "T" }\nchange "a" { title = "A", why = "w", %s }\n' % body)
            done = place.bellbook("check", place.dir + "/t.lua", check=False)
            assert done.returncode == 1 and words in done.stdout, done.stdout


def by_hand():
    """commands of a manual step that a function gives stand in its question; what went wrong does, too"""
    with Place(HEAD + """
manual "a" { title = "A", why = "w", commands = { "ls", function(s) return "say " .. s.params.word end } }
manual "b" { title = "B", why = "w", commands = function(s) return trim(here.read("echo two").out) end,
    done = function(s) return true end }
manual "c" { title = "C", why = "w", commands = function(s) here.run "touch x" end }
""") as place:
        view = place.run()
        for step, words in (("a", "  $ ls\n  $ say hello\n"), ("b", "  $ two\n"),
                            ("c", "What to run (commands) could not be told: here.run changes something")):
            asked = view.asked("manual", step)
            assert words in asked["data"]["details"], asked
            view.answer(asked, "done")
        assert view.walk()["outcome"] == "ok"


if __name__ == "__main__":
    sys.exit(tap([journal, done_already, dry_run, printed, checked, by_hand]))
