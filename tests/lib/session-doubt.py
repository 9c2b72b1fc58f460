#!/usr/bin/env python3
# session-doubt.py - commands of which nobody knows how they ended: asked about one by one, answered, and the same attempt goes on.
# SPDX-License-Identifier: GPL-3.0-or-later
import datetime
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
from walk import Place, gone, tap  # noqa: E402

HEAD = 'runbook { id = "t", bellbook = 1, title = "T" }\n'


def until(test):
    end = time.monotonic() + 60
    while not test():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def change(name, body, more="", done="true"):
    return 'change "%s" { title = "%s", why = "w", %s run = function(s) %s end, done = function(s) return %s end }\n' % (name, name, more, body, done)


def start(place, *steps):
    place.write("t.lua", HEAD + "".join(steps).replace("$D", place.dir))
    return place.run()


def resumed(place, view):
    view.kill()
    view.wait()
    gone(view.pid)
    return place.resume(view.hello["session"])


def diverged():
    """after a divergence nothing begins while the old command runs: it is waited for, then the choice is made, and pcall hides nothing"""
    with Place() as place:
        old = change("a", 'here.run("echo old >> $D/effects; until test -e $D/go; do sleep 0.02; done; echo end >> $D/effects")')
        new = change("a", 'pcall(here.run, "echo new >> $D/effects") here.run("echo more >> $D/effects")')
        v = start(place, old)
        v.answer(v.asked("step", "a"), "go")
        until(place.lines)
        place.write("t.lua", HEAD + new.replace("$D", place.dir))
        v = resumed(place, v)
        v.answer(v.asked("change"), "accept")
        ended = v.kind("step.ended", state="failed")
        assert "diverged" in ended["data"]["reason"], ended
        # Whoever is quick finds no question yet: the command of the old runbook runs.
        v.send(do="note", text="is anything asked?", id=1)
        v.until(lambda m: m.get("accepted", {}).get("id") == 1)
        assert not v.open and place.lines() == ["old"], (v.open, place.lines())
        place.write("go", "")
        v.answer(v.asked("failure", "a"), "retry")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["old", "end", "new", "more"], place.lines()


def exhausted():
    """a step that is stopped for going on without end leaves a command behind: nothing begins before it has ended"""
    with Place() as place:
        v = start(place, change("a", 'each({ "x", "y" }, function(k) if k == "x" then here.run("echo x >> $D/effects; until test -e $D/go; do sleep 0.02; done; echo end >> $D/effects") '
                                'else sleep("200ms") until_file() while true do end end end)').replace("until_file()", 'here.read("until test -s $D/effects; do sleep 0.02; done")'),
                  change("b", 'here.run("echo b >> $D/effects")'))
        v.answer(v.asked("step", "a"), "go")
        v.kind("step.ended", state="failed")
        v.send(do="note", text="is anything asked?", id=1)
        v.until(lambda m: m.get("accepted", {}).get("id") == 1)
        assert not v.open, v.open
        place.write("go", "")
        v.answer(v.asked("failure", "a"), "skip", why="enough")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["x", "end", "b"], place.lines()


def needs():
    """a step whose variable has no value runs nothing, whatever became of the step that gives it, and says which and why"""
    for give, answers, words in (
            ('error("no")', {"failure:g": "skip"}, "was skipped: a test"),
            ('error("no")', {"failure:g": "defer"}, "was put off: a test"),
            ("", {"step:g": "skip"}, "was skipped: a test"),
            ("s.v = nil", {}, "ended without it"),
            ('s.v = json.decode("null")', {}, "ended without it")):
        with Place() as place:
            v = start(place, change("g", give, 'gives = { "v" },'),
                      change("use", 'here.run("echo " .. tostring(s.v) .. " >> $D/effects")', 'needs = { "v" }, when = function(s) here.run("echo when >> $D/effects") return true end,',
                             'here.read("echo done >> $D/effects").ok'),
                      change("free", 'here.run("echo " .. tostring(s.v) .. " >> $D/effects")', 'uses = { "v" },'))
            seen = []
            closed = v.walk(dict({"failure:use": lambda m: seen.append(m) or ("retry" if len(seen) < 2 else "skip")}, **answers))
            assert closed["outcome"] == "ok", closed
            assert len(seen) == 2 and all(words in m["data"]["details"] and "its value “v”" in m["data"]["details"] and "“g”" in m["data"]["details"] for m in seen), seen
            assert place.lines() == ["nil"], place.lines()


def needs_by_hand():
    """a manual step and one without a way back stop for a missing variable as well; a dry run says what it needs and goes on"""
    with Place() as place:
        rest = ('manual "m" { title = "m", why = "w", needs = { "v" }, question = "Done?" }\n'
                'irreversible "i" { title = "i", why = "w", target = "x", needs = { "v" }, run = function(s) here.run("echo " .. s.v .. " >> $D/effects") end, done = function(s) return true end }\n')
        v = start(place, change("g", "s.v = 1", 'gives = { "v" },'), rest.replace("$D", place.dir))
        closed = v.walk({"step:g": "skip", "failure": "skip"})
        assert closed["outcome"] == "ok" and place.lines() == [], (closed, place.lines())
        assert [m["step"] for m in v.seen if m.get("kind") == "step.ended" and m["data"]["state"] == "failed"] == ["m", "i"]
        place.write("t.lua", HEAD + change("g", "s.v = 1", 'gives = { "v" },') + 'observe "o" { title = "o", needs = { "v" }, run = function(s) here.read("echo " .. s.v) end }\n')
        v = place.run("--dry-run")
        assert v.walk()["outcome"] == "ok"
        assert any(m.get("step") == "o" and "its value “v”" in m["data"].get("reason", "") for m in v.seen if m.get("kind") == "step.ended")


def diverged_question():
    """a question of a function that diverged is asked no longer"""
    with Place() as place:
        v = start(place, change("a", 'each({ "x", "y" }, function(k) if k == "x" then s:ask { text = "n?" } else here.run("echo y >> $D/effects") sleep("1000s") end end)'))
        v.answer(v.asked("step", "a"), "go")
        v.until(lambda m: m.get("kind") == "call.begun" and m["data"]["action"] == "sleep")
        place.write("t.lua", HEAD + change("a", 'each({ "x", "y" }, function(k) if k == "x" then s:ask { text = "n?" } else here.run("echo z >> $D/effects") end end)').replace("$D", place.dir))
        v = resumed(place, v)
        v.answer(v.asked("change"), "accept")
        v.asked("failure", "a")
        assert [m["data"]["of"] for m in v.open.values()] == ["failure"], v.open
        assert v.walk({"failure": "skip"})["outcome"] == "ok"


FOUR = ('each({ "h1", "h2", "h3", "h4" }, function(k) local r = here.run("echo " .. k .. " >> $D/effects; echo said-" .. k .. "; echo $$ > $D/" .. k .. ".pid; "'
        ' .. "until test -e $D/go; do sleep 0.02; done; echo end-" .. k .. " >> $D/effects") return r.code .. trim(r.out) end, { stop_after = 9 })')


def power_cut(place, keys):
    """The jobs with these keys and who watches them end at one instant, as when their host is switched off: no exit status is written."""
    pids = []
    for key in keys:
        until(lambda: place.lines(key + ".pid"))
        pid = int(place.lines(key + ".pid")[0])
        with open("/proc/%d/stat" % pid) as f:
            runner = int(f.read().rsplit(")", 1)[1].split()[1])
        pids += [runner, pid]
        os.remove(place.dir + "/" + key + ".pid")
    for signo in signal.SIGSTOP, signal.SIGKILL:
        for pid in pids:
            os.kill(pid, signo)


def doubt_about(view):
    """The question about the call of one branch, which names its command and has no default."""
    q = view.asked("doubt")
    assert q["data"]["details"].count("echo " + q["call"].split("/")[1] + " ") == 1 and "default" not in q["data"], q
    return q


def settle_as(view, place, q, how):
    """Answers a doubt: a number is the exit status of a command that ran."""
    if how == "rerun":
        view.answer(q, "rerun", why="I looked")
        return
    view.answer(q, "ran", why="I looked")
    exit_code, out = how
    asked = view.asked("result")
    assert asked["data"]["type"] == "integer" and asked["data"]["default"] == 0 and asked["data"]["name"] == "exit", asked
    view.answer(asked, 256)
    assert "0 to 255" in view.until(lambda m: "refused" in m)["refused"]["why"]
    view.answer(asked, exit_code)
    asked = view.asked("result")
    assert asked["data"]["type"] == "text" and asked["data"]["name"] == "out" and "said-" in asked["data"]["details"], asked
    view.answer(asked, out)


def took_whole(view, place, step):
    """What a step took counts from the beginning of its attempt, also past a doubt and a resume; without the time people took."""
    events = [m for m in place.log(view.hello["session"]) if m.get("step") == step or m["kind"] in ("asked", "answered")]
    at = {m["seq"]: datetime.datetime.fromisoformat(m["at"].replace("Z", "+00:00")) for m in events}
    begun = next(m for m in events if m["kind"] == "step.begun")
    ended = next(m for m in events if m["kind"] == "step.ended")
    asked = sum((at[m["seq"]] - at[m["data"]["seq"]]).total_seconds() for m in events if m["kind"] == "answered" and m["data"]["seq"] > begun["seq"] and m["seq"] < ended["seq"])
    whole = (at[ended["seq"]] - at[begun["seq"]]).total_seconds()
    assert whole - asked - 0.3 <= ended["data"]["took_us"] / 1e6 <= whole + 0.3, (whole, asked, ended)


def four(kill_session):
    """Four commands side by side, two of which end in doubt; the step goes on with what the others gave."""
    with Place() as place:
        v = start(place, change("fan", "s.got = " + FOUR.replace("$D", place.dir) + ' here.run("echo after >> $D/effects")', 'gives = { "got" },'),
                  change("next", 'here.run("echo " .. s.got.h1 .. " " .. s.got.h2 .. " " .. s.got.h4 .. " >> $D/effects")', 'needs = { "got" },'))
        v.answer(v.asked("step", "fan"), "go")
        until(lambda: len(place.lines()) == 4 and all(place.lines("h%d.pid" % i) for i in range(1, 5)))
        v.until(lambda m: sum(x.get("kind") == "call.output" for x in v.seen) == 4)
        if kill_session:
            v.kill()
            v.wait()
            gone(v.pid)
        power_cut(place, ["h2", "h4"])
        if kill_session:
            v = place.resume(v.hello["session"])
        q = doubt_about(v)
        first = q["call"].split("/")[1]
        assert "said-" + first in q["data"]["details"] and "left no exit status" in q["data"]["details"], q["data"]["details"]
        assert [c["value"] for c in q["data"]["choices"]] == ["probe", "check", "ran", "cut", "rerun", "abort"]
        v.answer(q, "ran")
        assert "reason" in v.until(lambda m: "refused" in m)["refused"]["why"]
        v.answer(q, "probe")
        q = doubt_about(v)
        v.answer(q, "check")
        q = doubt_about(v)
        assert "done" in q["data"]["details"]
        # Which of the two was known to be in doubt first does not matter.
        for i in range(2):
            settle_as(v, place, q, (0, "") if "1/h2/1" == q["call"] else "rerun")
            q = q if i else doubt_about(v)
        until(lambda: place.lines("h4.pid"))
        assert sorted(place.lines()) == ["h1", "h2", "h3", "h4", "h4"], place.lines()
        place.write("go", "")
        assert v.walk()["outcome"] == "ok"
        lines = place.lines()
        assert lines.count("h4") == 2 and sorted(set(lines)) == sorted(["h1", "h2", "h3", "h4", "end-h1", "end-h3", "end-h4", "after", "0said-h1 0said-h2 0said-h4"]), lines
        assert len(lines) == 10, lines
        assert [m["attempt"] for m in v.seen if m.get("kind") == "step.ended"] == [1, 1]
        took_whole(v, place, "fan")
        place.verify()
        text = place.bellbook("log", str(v.hello["session"])).stdout
        assert "I looked" in text and "is begun anew, says root: I looked" in text.replace(os.environ.get("USER", "root"), "root") and "IN DOUBT" in text and "call 1/h2/1 ok, says" in text, text


def four_live():
    """two of four commands end in doubt while the session lives: each is asked about, and the same attempt goes on with the results of all"""
    four(False)


def four_resumed():
    """two of four commands end in doubt with the session: each is asked about after the resume, and the same attempt goes on"""
    four(True)


def asked_now(view, also=lambda m: False):
    """A doubt, or what follows from its answer, that is open now (a view that was attached anew reads the old ones first); or the first message for which also holds."""
    while True:
        m = view.next()
        assert m is not None, view.proc.stderr.read()
        if m.get("seq", 0) < view.hello["head"]:
            continue
        if also(m):
            return m
        for q in view.open.values():
            if q["data"]["of"] in ("doubt", "result"):
                return q


def ends(place, view, choice, stop):
    """Answers a doubt with a choice; kills the session at the stop-th answer, and goes on after a resume."""
    for n in range(1, 9):
        m = asked_now(view, lambda m: m.get("call") == "2")
        if m["kind"] != "asked":
            return view
        value = choice if m["data"]["of"] == "doubt" else 3 if m["data"]["name"] == "exit" else "typed"
        view.answer(m, value, why="sure")
        view.until(lambda x: x.get("kind") == "answered" and x["data"]["seq"] == m["seq"])
        if n == stop:
            view = resumed(place, view)
    raise AssertionError("asked without end")


def stages():
    """a session killed between the answers about a call in doubt goes on there: begun anew once, ended as the person said"""
    for choice, stop in (("ran", 1), ("ran", 2), ("ran", 3), ("rerun", 1), ("probe", 1)):
        with Place() as place:
            v = start(place, change("a", 'local r = here.run("echo a >> $D/effects; echo $$ > $D/a.pid; until test -e $D/go; do sleep 0.02; done", { codes = { 0, 3 } }) '
                                    'here.run("echo " .. r.code .. r.out .. " >> $D/effects")'))
            v.answer(v.asked("step", "a"), "go")
            power_cut(place, ["a"])
            if choice == "probe":
                v.answer(v.asked("doubt", "a"), "probe")
                v.kind("answered", value="probe")
                v = resumed(place, v)
                v.answer(asked_now(v), "rerun", why="sure")
                until(lambda: place.lines("a.pid"))
                place.write("go", "")
            else:
                place.write("go", "")
                v = ends(place, v, choice, stop)
            assert v.walk()["outcome"] == "ok"
            assert place.lines() == (["a", "3typed"] if choice == "ran" else ["a", "a", "0"]), (choice, stop, place.lines())
            place.verify()


def overruled():
    """a command that still runs, or ended after all, is believed more than a person who says otherwise"""
    for choice in "ran", "rerun":
        with Place() as place:
            v = start(place, change("a", 'local r = here.run("echo a >> $D/effects; until test -e $D/go; do sleep 0.02; done; echo end >> $D/effects; exit 4", { timeout = "1s", codes = { 4 } }) '
                                    'here.run("echo " .. r.code .. " >> $D/effects")'))
            v.answer(v.asked("step", "a"), "go")
            q = v.asked("doubt", "a")
            v.answer(q, choice, why="I believe")
            v.kind("call.settled", how="running")
            assert place.lines() == ["a"]
            place.write("go", "")
            assert v.walk()["outcome"] == "ok"
            assert place.lines() == ["a", "end", "4"], place.lines()


def cut():
    """a command that began and was cut off counts as failed, with what was said of it; the step is asked about, and the box says what is known before the command"""
    with Place() as place:
        v = start(place, change("a", 'here.run("echo $X >> $D/effects; echo $$ > $D/a.pid; exec sleep 1000", { env = { X = "a b" }, cwd = "/" })'))
        v.answer(v.asked("step", "a"), "go")
        power_cut(place, ["a"])
        q = v.asked("doubt", "a")
        details = q["data"]["details"]
        assert details.index("Known: ") < details.index("$ echo $X") and details.count("echo $X") == 1 and "echo" not in q["data"]["text"], q
        assert "on this computer in / with X='a b'" in details.lower().replace("x='a b'", "X='a b'"), details
        assert place.lines() == ["a b"]
        v.answer(q, "cut")
        assert "reason" in v.until(lambda m: "refused" in m)["refused"]["why"]
        v.answer(q, "cut", why="the power went")
        f = v.asked("failure", "a")
        assert "began and was cut off" in f["data"]["details"] and "the power went" in f["data"]["details"], f
        ended = [m for m in v.seen if m.get("kind") == "call.ended" and m["step"] == "a"][-1]
        assert ended["data"]["outcome"] == "failed" and ended["data"]["by"], ended
        assert place.lines() == ["a b"]
        v.answer(f, "skip", why="enough")
        v.walk()
        place.verify()


def waits():
    """nothing that changes anything begins on the host of a call in doubt before the answer; looks do, and what was typed into no command is nil"""
    with Place() as place:
        v = start(place, change("a", 'each({ "x", "y" }, function(k) if k == "x" then here.run("echo x >> $D/effects; echo $$ > $D/x.pid; exec sleep 1000") else '
                                'here.read("test ! -e $D/go || until test -e $D/cut; do sleep 0.02; done") here.read("echo look >> $D/effects") here.run("echo y >> $D/effects") end end)'))
        q = v.asked("step", "a")
        place.write("effects", "")  # what was looked at before the question
        place.write("go", "")
        v.answer(q, "go")
        power_cut(place, ["x"])
        q = v.asked("doubt", "a")
        place.write("cut", "")
        until(lambda: "look" in place.lines())
        v.send(do="note", text="is it held?", id=1)
        v.until(lambda m: m.get("accepted", {}).get("id") == 1)
        assert place.lines() == ["x", "look"], place.lines()
        assert not [m for m in v.seen if m.get("kind") == "call.begun" and "echo y" in m["data"]["shown"]]
        v.answer(q, "ran", why="seen")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["x", "look", "y"], place.lines()


def stray():
    """what a step that is gone left in doubt is asked about before anything begins, and stays as it is"""
    with Place() as place:
        rest = change("c", 'here.run("echo c >> $D/effects")')
        v = start(place, change("a", 'here.run("echo a >> $D/effects; echo $$ > $D/a.pid; exec sleep 1000")'), rest)
        v.answer(v.asked("step", "a"), "go")
        until(lambda: place.lines("a.pid"))
        v.kill()
        v.wait()
        gone(v.pid)
        power_cut(place, ["a"])
        place.write("t.lua", HEAD + rest.replace("$D", place.dir))
        v = place.resume(v.hello["session"])
        v.answer(v.asked("change"), "accept")
        q = v.asked("doubt", "a")
        assert [c["value"] for c in q["data"]["choices"]] == ["probe", "ran", "never", "abort"], q
        assert place.lines() == ["a"]
        v.answer(q, "never", why="it was stopped")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["a", "c"], place.lines()


def stray_rerun():
    """whoever answers "run it now" about a call that nobody waits for any more is asked again, without that choice"""
    with Place() as place:
        v = start(place, change("a", FOUR.replace("$D", place.dir)))
        v.answer(v.asked("step", "a"), "go")
        until(lambda: len(place.lines()) == 4)
        v.kill()
        v.wait()
        gone(v.pid)
        power_cut(place, ["h2", "h4"])
        place.write("go", "")
        place.write("t.lua", HEAD + change("a", 'each({ "h1", "h2", "h3", "h4" }, function(k) here.run("echo other >> $D/effects") end)').replace("$D", place.dir))
        v = place.resume(v.hello["session"])
        v.answer(v.asked("change"), "accept")
        q = v.asked("doubt", "a")
        assert "rerun" in [c["value"] for c in q["data"]["choices"]], q
        # The step's function goes on up to where it is another one now.
        v.kind("step.ended", state="failed")
        v.answer(q, "rerun", why="sure")
        for _ in range(2):
            again = v.until(lambda m: m.get("kind") == "asked" and m["data"]["of"] == "doubt" and m["seq"] > q["seq"])
            assert [c["value"] for c in again["data"]["choices"]] == ["probe", "ran", "never", "abort"], again
            v.answer(again, "never", why="it was stopped")
        v.answer(v.asked("failure", "a"), "retry")
        assert v.walk()["outcome"] == "ok"
        assert place.lines().count("other") == 4 and not {"end-h2", "end-h4"} & set(place.lines()), place.lines()


def undo():
    """a doubt in the way back is about its command, and the way back goes on"""
    with Place() as place:
        v = start(place, change("a", 'error("no")', 'undo = function(s) here.run("echo u1 >> $D/effects; echo $$ > $D/u.pid; until test -e $D/go; do sleep 0.02; done") '
                                'here.run("echo u2 >> $D/effects") end,'))
        v.answer(v.asked("step", "a"), "go")
        v.answer(v.asked("failure", "a"), "undo")
        power_cut(place, ["u"])
        v.answer(v.asked("doubt", "a"), "rerun", why="sure")
        until(lambda: place.lines("u.pid"))
        place.write("go", "")
        assert "undone" in v.asked("failure", "a")["data"]["text"]
        assert place.lines() == ["u1", "u1", "u2"], place.lines()
        assert v.walk({"failure": "skip"})["outcome"] == "ok"


def swept_again():
    """what a command left on a host is removed after a crash, however many other hosts came after it"""
    hosts = ["h%d" % i for i in range(70)]
    fleet = 'fleet { name = "f", hosts = { %s }, roles = { all = { %s } } }\n' % (", ".join(h + " = {}" for h in hosts), ", ".join('"%s"' % h for h in hosts))
    with Place(fleet=fleet) as place:
        place.write("ssh_config", "Host *\n HostName 127.0.0.1\n Port 1\n UserKnownHostsFile /dev/null\n")
        place.env["BELLBOOK_SSH_CONFIG"] = place.dir + "/ssh_config"
        v = start(place, change("a", 'here.run("echo a >> $D/effects") '
                                'each(s:all "all", function(h) pcall(ssh.run, h, "true") end, { at_once = 70, stop_after = 99 }) s:ask { text = "n?" }').replace(
                                    'title = "T" }', 'title = "T", roles = { all = "1+" } }'))
        v.answer(v.asked("step", "a"), "go")
        v.asked("question", "a")
        job = [m for m in v.seen if m.get("kind") == "call.begun" and m["data"]["action"] == "here.run"][0]["data"]["job"]
        jobs = place.dir + "/.bellbook/jobs/"
        until(lambda: not os.path.exists(jobs + job + "+1"))
        v.kill()
        v.wait()
        gone(v.pid)
        # As if the crash had come before the sweep.
        for name, text in ("+1", "1 1 boot\nrc 0\n"), ("+out", ""), ("+err", ""):
            with open(jobs + job + name, "w", encoding="utf-8") as f:
                f.write(text)
        v = place.resume(v.hello["session"])
        assert v.walk({"question": "x"})["outcome"] == "ok"
        assert not os.listdir(jobs), os.listdir(jobs)


TESTS = [stages, overruled, cut, waits, stray, stray_rerun, undo, four_live, four_resumed, needs, needs_by_hand, diverged_question, diverged, exhausted, swept_again]
sys.exit(tap(TESTS))
