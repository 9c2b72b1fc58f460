#!/usr/bin/env python3
# session-kill.py - whatever is killed, at every event of a small runbook: each effect happens once, and what was told is stored.
# SPDX-License-Identifier: GPL-3.0-or-later
# STEP=n kills at every n-th event (default 3).
import os
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
from walk import Place, gone, tap  # noqa: E402

RUNBOOK = '''runbook { id = "t", bellbook = 1, title = "T", params = { p = { default = "x" } } }
local function mark(word) here.run("echo " .. word .. " >> %(dir)s/effects; echo out; echo err >&2") end
observe "look" { title = "L", gives = { "v" }, run = function(s) s.v = trim(here.read("echo deep").out) .. tostring(random() < 2) end }
change "one" { title = "1", why = "w", needs = { "v" }, gives = { "n" }, run = function(s) mark("one-" .. s.v) s.n = s:ask { text = "n?", type = "integer" } mark("two") s:note("noted") end,
  done = function(s) return here.read("true").ok end }
change "fan" { title = "F", why = "w", needs = { "n" }, run = function(s) each({ "a", "b", "c" }, function(k) mark(k) sleep("20ms") mark(k .. "-" .. s.n) end, { at_once = 2 }) end,
  done = function(s) return true end }
manual "hand" { title = "H", why = "w" }
'''
WANTED = sorted(["one-deeptrue", "two", "a", "b", "c", "a-7", "b-7", "c-7"])
VALUES = {"question": 7, "failure": lambda m: (_ for _ in ()).throw(AssertionError(m))}


def worker_of(pid):
    """The worker: a grandchild of the session's process, under the fork server."""
    def children(of):
        with open("/proc/%d/task/%d/children" % (of, of)) as f:
            return [int(x) for x in f.read().split()]
    try:
        return [w for server in children(pid) for w in children(server)]
    except FileNotFoundError:
        return []


def one_run(victim, at):
    """Kills the victim at the at-th event; returns how many events there were in the first process and what the place says."""
    with Place() as place:
        place.write("t.lua", RUNBOOK % {"dir": place.dir})
        told, doubts = {}, 0
        view, n, killed, session = place.run(), 0, False, None
        while True:
            m = view.walk(VALUES, stop=lambda m: "seq" in m)
            if isinstance(m, dict) and "seq" in m and "kind" in m:
                assert told.setdefault(m["seq"], m) == m, m
                session = m["session"]
                n += 1
                doubts += m["kind"] == "step.doubted"
                if m["kind"] == "asked" and m["seq"] in view.open:
                    view._answer(m, dict({"step": "go", "manual": "done", "doubt": "probe", "change": "accept"}, **VALUES))
                if n == at and not killed and not view.closed:
                    killed = True
                    if victim == "session":
                        view.kill()
                    elif victim == "worker":
                        for pid in worker_of(view.pid):
                            os.kill(pid, signal.SIGKILL)
                    else:
                        view.end()
                        view = place.attach(session)
                continue
            if view.closed:
                break
            assert killed, "the view ended by itself"
            view.proc.wait()
            view = place.resume(session)
            if not view.raw and view.proc.poll() == 2:
                break  # it was over before it could be killed
        assert view.closed["outcome"] == "ok", view.closed
        assert doubts == 0, doubts
        assert sorted(place.lines()) == WANTED, (victim, at, place.lines())
        stored = {m["seq"]: {k: v for k, v in m.items() if k not in ("hash", "digest", "mono_us")} for m in place.log(session)}
        for seq, m in told.items():
            assert stored.get(seq) == m, (m, stored.get(seq))
        place.verify()
        gone(view.pid)
        jobs = place.dir + "/.bellbook/jobs"
        left = os.listdir(jobs) if os.path.isdir(jobs) else []
        # A starter that was cut off may still come: claims stay to refuse it (actions/transport/job.sh). Nothing else stays: the hosts are swept before the session is over.
        assert all(f.rpartition("+")[2].isdigit() for f in left), left
        return n, killed


def every(victim):
    at, step = 1, int(os.environ.get("STEP", "3"))
    while True:
        try:
            n, killed = one_run(victim, at)
        except Exception as e:
            raise AssertionError("killed the %s at event %d: %r" % (victim, at, e)) from e
        if not killed:
            return
        at += step


def kill_session():
    """the session's process killed at every event: each effect once"""
    every("session")


def kill_worker():
    """the worker killed at every event: each effect once"""
    every("worker")


def kill_view():
    """the view killed at every event: each effect once, nothing else notices"""
    every("view")


def doubt():
    """a command that died with its host's process is in doubt: probe, it happened, run it again"""
    for choice, effects in (("ran", ["a", "b"]), ("rerun", ["a", "a", "b"])):
        with Place() as place:
            place.write("t.lua", '''runbook { id = "t", bellbook = 1, title = "T" }
change "a" { title = "A", why = "w", run = function(s) here.run("echo a >> %(d)s/effects; echo $$ > %(d)s/pid; exec sleep 1000") end,
  done = function(s) return here.read("test -s %(d)s/effects", { check = false }).ok end }
change "b" { title = "B", why = "w", run = function(s) here.run("echo b >> %(d)s/effects") end, done = function(s) return true end }
''' % {"d": place.dir})
            v = place.run()
            v.answer(v.asked("step", "a"), "go")
            while not place.lines("pid"):
                time.sleep(0.02)
            session = v.hello["session"]
            v.kill()
            v.wait()
            gone(v.pid)
            # As if the host had been switched off: the job and who watches it are gone, its status was never written.
            jobs = place.dir + "/.bellbook/jobs"
            pids = {int(place.lines("pid")[0])}
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open("/proc/%s/environ" % pid, "rb") as f:
                        mine = ("W=" + place.dir).encode() + b"\0" in f.read()
                except OSError:
                    continue
                if mine and int(pid) != v.proc.pid:
                    pids.add(int(pid))
            # All at once: one that outlives another for a moment would write down how that ended.
            for signo in signal.SIGSTOP, signal.SIGKILL:
                for pid in pids:
                    try:
                        os.kill(pid, signo)
                    except ProcessLookupError:
                        pass
            assert os.listdir(jobs)
            v = place.resume(session)
            q = v.asked("doubt", "a")
            assert "default" not in q["data"] and "done" in q["data"]["details"], q
            v.answer(q, "ran")
            assert "reason" in v.until(lambda m: "refused" in m)["refused"]["why"]
            v.answer(q, "probe")
            q = v.asked("doubt", "a")
            assert place.lines() == ["a"]
            os.remove(place.dir + "/pid")
            v.answer(q, choice, why="I looked")
            if choice == "rerun":
                while not place.lines("pid"):
                    time.sleep(0.02)
                os.kill(int(place.lines("pid")[0]), signal.SIGTERM)
                v.answer(v.asked("failure", "a"), "skip", why="enough")
                assert not [m for m in v.seen if m.get("kind") == "step.begun" and m["attempt"] == 2]
            assert v.walk()["outcome"] == "ok"
            assert place.lines() == effects, place.lines()
            place.verify()


def text_of(place, *steps):
    return 'runbook { id = "t", bellbook = 1, title = "T" }\n' + "".join(steps).replace("D/effects", place.dir + "/effects")


def simple(name, more="", word=None):
    return 'change "%s" { title = "%s", why = "w", %s run = function(s) here.run("echo %s >> D/effects") end, done = function(s) return true end }\n' % (name, name, more, word or name)


HELD = "until test -e D/effects.go; do sleep 0.02; done"


def middle(name="b", more="", held=False):
    """A step to be killed between its two effects: in a long sleep, or (held) in a command that goes on when changed() lets it."""
    return ('change "%s" { title = "b", why = "w", %s run = function(s) here.run("echo b1 >> D/effects") %s here.run("echo b2 >> D/effects") end, done = function(s) return true end }\n'
            % (name, more, 'here.run("%s")' % HELD if held else 'sleep("1000s")'))


def changed(before, after, asked, effects, answers=None, crash_again=False, at="sleep"):
    """Runs before to the sleep (or the held command) in its step b, kills, resumes with after; asked: the changes that are asked about."""
    with Place() as place:
        place.write("t.lua", text_of(place, *before))
        v = place.run()
        v.walk(stop=lambda m: m.get("step") == "b" and (m.get("kind") == at or m.get("kind") == "call.begun" and (m["data"]["action"] == at or at == "sleep" and "effects.go" in m["data"]["shown"])))
        session = v.hello["session"]
        v.kill()
        v.wait()
        gone(v.pid)
        place.write("effects.go", "")
        place.write("t.lua", text_of(place, *after))
        v = place.resume(session)
        if crash_again:
            v.until(lambda m: m.get("kind") == "asked" and m["data"]["of"] == "change" and m["seq"] > v.hello["head"] - 3)
            v.kill()
            v.wait()
            gone(v.pid)
            v = place.resume(session)
        closed = v.walk(answers)
        questions = {(m["data"]["expect"], m["data"].get("name", "")) for m in v.seen if m.get("kind") == "asked" and m["data"]["of"] == "change"}
        assert questions == set(asked), questions
        assert closed["outcome"] == "ok", closed
        assert place.lines() == effects, place.lines()
        place.verify()
        return v.seen


def change_none():
    """an unchanged runbook asks nothing"""
    changed([simple("a"), middle(held=True), simple("c")], [simple("a"), middle(held=True), simple("c")], [], ["a", "b1", "b2", "c"])


def change_lines():
    """remarks and blank lines ask one question, and change no step"""
    changed([simple("a"), middle(held=True), simple("c")], ["\n-- remark\n\n", simple("a"), "\n\n", middle(held=True), simple("c")], [("other", "")], ["a", "b1", "b2", "c"])


def change_deleted():
    """a step that was deleted is asked about and not run"""
    changed([simple("a"), middle(held=True), simple("c"), simple("d")], [simple("a"), middle(held=True), simple("d")], [("deleted", "c")], ["a", "b1", "b2", "d"])


def change_deleted_finished():
    """a finished step that was deleted is asked about; what it did stays"""
    changed([simple("a"), middle(held=True)], [middle(held=True)], [("deleted", "a")], ["a", "b1", "b2"])


def change_deleted_running():
    """the running step deleted: asked about, and the session goes on with the next"""
    changed([simple("a"), middle(), simple("c")], [simple("a"), simple("c")], [("deleted", "b")], ["a", "b1", "c"])


def change_deleted_waits():
    """what a deleted step began is waited for before the next begins"""
    slow = 'change "b" { title = "b", why = "w", run = function(s) here.run("echo b1 >> D/effects; echo here; %s; echo b2 >> D/effects") end, done = function(s) return true end }\n' % HELD
    seen = changed([simple("a"), slow, simple("c")], [simple("a"), simple("c")], [("deleted", "b")], ["a", "b1", "b2", "c"], at="call.output")
    assert any(m.get("kind") == "call.ended" and m.get("step") == "b" for m in seen)


def change_moved():
    """steps in another order are asked about; the one that runs is ended first"""
    changed([simple("a"), middle(held=True), simple("c")], [simple("c"), middle(held=True), simple("a")], [("moved", "b")], ["a", "b1", "b2", "c"])


def change_inserted():
    """a step inserted before finished ones is asked about and run when what runs has ended"""
    changed([simple("a"), middle(held=True), simple("c")], [simple("new"), simple("a"), middle(held=True), simple("c")], [("inserted", "new")], ["a", "b1", "b2", "new", "c"])


def change_finished():
    """a finished step that was changed is asked about and keeps its result"""
    changed([simple("a"), middle(held=True)], [simple("a", word="other"), middle(held=True)], [("changed", "a")], ["a", "b1", "b2"])


def change_planned():
    """a planned step that was changed is asked about and run as it is now"""
    changed([simple("a"), middle(held=True), simple("c")], [simple("a"), middle(held=True), simple("c", word="other")], [("changed", "c")], ["a", "b1", "b2", "other"])


def change_running():
    """a running step that was changed in its finished part stops as diverged; retry runs it anew"""
    after = 'change "b" { title = "b", why = "w", run = function(s) here.run("echo b9 >> D/effects") end, done = function(s) return true end }\n'
    changed([simple("a"), middle()], [simple("a"), after], [("changed", "b")], ["a", "b1", "b9"], {"failure": "retry"})


def change_renamed():
    """a renamed running step goes on at the exact call under its new id"""
    changed([simple("a"), middle(held=True), simple("c")], [simple("a"), middle("bee", 'was = { "b" },', held=True), simple("c")], [("changed", "bee")], ["a", "b1", "b2", "c"])


def change_merged():
    """a step that names two steps as its former ids goes on as the first; the other is asked about as gone, and its calls stay its own"""
    both = simple("cd", 'was = { "c", "d" },', word="cd")
    changed([simple("a"), middle(held=True), simple("c"), simple("d")], [simple("a"), middle(held=True), both], [("changed", "cd"), ("deleted", "d")], ["a", "b1", "b2", "cd"])


def change_crash():
    """a crash between the questions and their answers: they are still asked"""
    changed([simple("a"), middle(held=True), simple("c")], [simple("a"), middle(held=True), simple("c", word="x"), simple("d")], [("changed", "c"), ("inserted", "d")],
            ["a", "b1", "b2", "x", "d"], crash_again=True)


def change_renamed_question():
    """a question of a renamed step is asked anew"""
    with Place() as place:
        ask = 'change "%s" { title = "q", why = "w", %s run = function(s) here.run("echo " .. s:ask { text = "n?" } .. " >> D/effects") end, done = function(s) return true end }\n'
        place.write("t.lua", text_of(place, ask % ("q", "")))
        v = place.run()
        v.answer(v.asked("step", "q"), "go")
        v.asked("question", "q")
        v.kill()
        v.wait()
        gone(v.pid)
        place.write("t.lua", text_of(place, ask % ("quest", 'was = { "q" },')))
        v = place.resume(v.hello["session"])
        assert v.walk({"question": "seven"})["outcome"] == "ok"
        assert place.lines() == ["seven"]


def file_gone():
    """resume when the runbook's file is gone or broken says so in words; --runbook is not guessed"""
    with Place() as place:
        place.write("t.lua", text_of(place, simple("a")))
        v = place.run()
        v.asked("step", "a")
        v.kill()
        v.wait()
        gone(v.pid)
        session = str(v.hello["session"])
        shutil.move(place.dir + "/t.lua", place.dir + "/other.lua")
        done = place.bellbook("resume", session, check=False)
        assert done.returncode != 0 and "t.lua" in done.stderr and "No such file" in done.stderr, done.stderr
        place.write("t.lua", text_of(place, simple("a")) + "oops oops\n")
        done = place.bellbook("resume", session, check=False)
        assert done.returncode != 0 and "t.lua:3:" in done.stderr, done.stderr
        shutil.move(place.dir + "/other.lua", place.dir + "/t.lua")
        v = place.resume(session)
        assert v.walk()["outcome"] == "ok"
        place.verify()


def fleet_changed():
    """a fleet file that changed is asked about once, by its settings, and no host is looked at before; remarks in it are nothing"""
    fleet = 'fleet { name = "f", hosts = {}, extra = { a = "%s", b = "2" } } -- %s\n'
    with Place(fleet=fleet % ("1", "")) as place:
        place.write("t.lua", text_of(place, simple("a"), 'manual "m" { title = "M", why = "w" }\n'))
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        v.kind("call.begun")
        v.kill()
        v.end()
        gone(v.pid)
        session = v.hello["session"]
        place.write("fleet.lua", fleet % ("other", ""))

        def resumed(times):
            """A view of the session when it has been taken over so many times."""
            v = place.resume(session)
            for _ in range(times):
                v.kind("session.resumed")
            return v
        for times in (1, 2):  # a crash before the answer: still asked
            v = resumed(times)
            q = v.asked("change")
            assert q["data"]["expect"] == "fleet" and "Changed: extra.a. " in q["data"]["details"] and "extra.b" not in q["data"]["details"], q
            v.kill()
            v.end()
            gone(v.pid)
        assert [m["kind"] for m in place.log(session)].count("call.settled") == 0
        v = resumed(3)
        v.answer(v.asked("change"), "accept")
        v.asked("manual", "m")
        assert [m["data"]["change"] for m in place.log(session) if m["kind"] == "runbook.changed"] == ["fleet"]
        v.kill()
        v.end()
        gone(v.pid)
        place.write("fleet.lua", fleet % ("other", "a remark"))
        v = resumed(4)
        assert v.walk(stop=lambda m: m.get("kind") == "asked" and m["data"]["of"] == "change") == v.closed and v.closed["outcome"] == "ok"
        assert place.lines() == ["a"]
        place.verify()


def closed_swept():
    """a session that is told to be over has nothing left on the hosts, whoever is killed then"""
    with Place() as place:
        place.write("t.lua", RUNBOOK % {"dir": place.dir})
        v = place.run()
        v.walk(VALUES, stop=lambda m: m.get("kind") == "session.closed")
        left = os.listdir(place.dir + "/.bellbook/jobs") if os.path.isdir(place.dir + "/.bellbook/jobs") else []
        assert left == [], left
        for pid in [v.pid] + worker_of(v.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        v.wait()
        assert v.closed["outcome"] == "ok"
        place.verify()


sys.exit(tap([kill_session, kill_worker, kill_view, doubt, change_none, change_lines, change_deleted, change_deleted_finished, change_deleted_running, change_deleted_waits, change_moved, change_inserted,
              change_finished, change_planned, change_running, change_renamed, change_merged, change_crash, change_renamed_question, file_gone,
              closed_swept, fleet_changed]))
