#!/usr/bin/env python3
# session-trust.py - what a session rests on gives way: the clock, the disk, the journal's indexes.
# SPDX-License-Identifier: GPL-3.0-or-later
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from walk import PATIENCE, Place, tap  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = 'runbook { id = "t", bellbook = 1, title = "T" }\n'


def change(name, place, more=""):
    return ('change "%s" { title = "%s", why = "w", run = function(s) here.run("echo %s >> %s/effects") %s end,'
            ' done = function(s) return true end }\n' % (name, name, name, place.dir, more))


class Faulty(Place):
    """A place whose processes have a clock that can be set and a disk that can fail."""

    def __init__(self, *steps, **more):
        super().__init__(**more)
        self.write("t.lua", HEAD + "".join(step(self) for step in steps))
        library = self.dir + "/faults.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, HERE + "/preload/faults.c"], check=True)
        self.env.update(LD_PRELOAD=library, FAULTS=self.dir)
        self.env.setdefault("ASAN_OPTIONS", "verify_asan_link_order=0")

    def fault(self, name, text):
        self.write(name + ".new", text)
        os.rename(self.dir + "/" + name + ".new", self.dir + "/" + name)


FLEET = 'fleet { name = "f", policy = { alone = "waiver", delay = "1s", expires = "%s" }, mastodon = { domain = "example.org" } }\n'


def drop(place):
    return ('irreversible "drop" { title = "Drop", why = "w", target = "fleet.mastodon.domain", run = function(s) here.run("echo drop >> %s/effects") end,'
            ' done = function(s) return true end }\n' % place.dir)


def asked_to_agree(view):
    question = None
    view.answer(view.asked("step", "drop"), "go", id="go")
    got = set()  # the two come in any order
    while got < {"accepted", "approval"}:
        m = view.until(lambda m: m.get("accepted", {}).get("id") == "go" or (m.get("kind") == "asked" and m["data"]["of"] == "approval"))
        got.add("accepted" if "accepted" in m else "approval")
        question = m if "seq" in m else question
    return question


def typed_alone(view, question):
    """Types it until it counts."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        view.answer(question, "example.org", why="nobody else is awake", id="typed")
        m = view.until(lambda m: "typed" in [v.get("id") for v in m.values() if isinstance(v, dict)])
        if "accepted" in m:
            return
        assert "you are alone" in m["refused"]["why"], m
    raise AssertionError("it never counted")


def clock_set_back():
    """a clock set back by a day makes no waiver wait longer, and nothing else that waits"""
    with Faulty(lambda p: change("a", p, 'sleep("1s")'), drop, fleet=FLEET % "10m") as place:
        view = place.run()
        view.answer(view.asked("step", "a"), "go")
        view.kind("call.begun", action="sleep")
        place.fault("clock", "-86400")
        question = asked_to_agree(view)
        place.fault("clock", "-172800")
        typed_alone(view, question)
        assert view.walk()["outcome"] == "ok"
        assert place.lines() == ["a", "drop"]


def clock_set_forward():
    """a clock set forward by a day neither shortens the look before a waiver nor makes a request too old"""
    with Faulty(drop, fleet=(FLEET % "10m").replace('"1s"', '"1h"')) as place:
        view = place.run()
        question = asked_to_agree(view)
        place.fault("clock", "86400")
        view.answer(question, "example.org", why="x")
        assert "you are alone" in view.reply()["refused"]["why"]
        view.send(do="abort", why="enough")
        assert view.walk()["outcome"] == "aborted"
        assert place.lines() == []


def entry_of(place, index):
    """Where the last entry of an index stands in the file, in the middle of its record: one bit of it names another event."""
    db = sqlite3.connect("file:%s?mode=ro" % place.journal, uri=True)
    page, size = db.execute("SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = ?", [index]).fetchone()
    db.close()
    with open(place.journal, "rb") as f:
        f.seek((page - 1) * size)
        head = f.read(size)
    assert head[0] == 10, "a leaf of an index, not %d" % head[0]
    cells = int.from_bytes(head[3:5], "big")
    cell = int.from_bytes(head[8 + 2 * (cells - 1):10 + 2 * (cells - 1)], "big")
    return (page - 1) * size + cell + head[cell]  # the record's last byte is the low byte of the event's number


def digest(place):
    with open(place.journal, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def damaged_index():
    """one flipped bit in any index of the journal: resume, run, note, log, sessions and search say so first and change nothing"""
    for index in ("event_session", "event_marker", "event_state"):
        with Place() as place:
            place.write("t.lua", HEAD + change("a", place) + change("b", place))
            view = place.run()
            view.walk(stop=lambda m: m.get("kind") == "asked" and m.get("step") == "b")
            view.kill()
            view.wait()
            place.bellbook("note", "1", "all is moved into the file by this")
            at, seqs = entry_of(place, index), [event["seq"] for event in place.log(1)]
            with open(place.journal, "r+b") as f:
                f.seek(at)
                byte = f.read(1)[0]
                f.seek(at)
                f.write(bytes([byte ^ 2]))
            before = digest(place)
            for words in (["resume", "1", "--json"], ["run", place.dir + "/t.lua", "--json"], ["note", "1", "x"], ["log", "1"], ["sessions"], ["search", "a"], ["verify"]):
                done = place.bellbook(*words, check=False)
                assert done.returncode == 1, (index, words, done.stdout, done.stderr)
                assert "damaged" in done.stderr, (index, words, done.stderr)
                assert digest(place) == before, (index, words)
                if words[0] == "sessions":  # read by rows
                    assert done.stdout.splitlines()[1].split()[:2] == ["1", "open"] or " t" in done.stdout.splitlines()[1], (index, done.stdout)
                if words[0] == "search":
                    assert "echo a >> " in done.stdout, (index, done.stdout)
            done = place.bellbook("log", "1", "--format", "jsonl", check=False)  # the events are whole, and all of them are shown
            assert done.returncode == 1 and [json.loads(line)["seq"] for line in done.stdout.splitlines()] == seqs, (index, done.stdout, done.stderr)
            assert place.lines() == ["a"]


def killed_at(place, step):
    """Session 1, killed before that step with its log not yet moved into the file."""
    view = place.run()
    view.walk(stop=lambda m: m.get("kind") == "asked" and m.get("step") == step)
    view.kill()
    view.wait()


def refused_as_cut(place, missing, *words):
    done = place.bellbook(*words, check=False)
    assert done.returncode == 1, (words, done.stdout, done.stderr)
    for part in ("is cut: it ends with event ", missing, "Nothing was changed.", place.journal + "-wal", "remove %s-lock and %s-ballast" % (place.journal, place.journal)):
        assert part in done.stderr, (words, part, done.stderr)
    return done


def log_gone():
    """a -wal deleted or cut after a crash is known: nobody writes, readers say what is missing; put back, all goes on, and without the lock file too"""
    for cut in (None, 0.5, 0.95):
        with Place() as place:
            place.write("t.lua", HEAD + change("a", place) + change("b", place))
            killed_at(place, "b")
            wal, events = place.journal + "-wal", len(place.log(1))
            with open(wal, "rb") as f:
                log = f.read()
            os.unlink(wal)
            if cut:
                with open(wal, "wb") as f:
                    f.write(log[:int(len(log) * cut)])
            before, missing = digest(place), "event %d of session 1 was stored at 20" % events
            for words in (["resume", "1", "--json"], ["resume", "--json"], ["run", place.dir + "/t.lua", "--json"], ["note", "1", "x"]):
                refused_as_cut(place, missing, *words)
            for words in (["log", "1"], ["sessions"], ["sessions", "--json"], ["search", "a"], ["review", "1", "--md"]):
                if cut or words[0] != "review":  # without any event there is no session 1 to review
                    refused_as_cut(place, missing, *words)
            told = place.bellbook("verify", check=False)
            assert told.returncode == 1 and "NOT INTACT: event " in told.stdout and missing in told.stdout and "remove %s-lock" % place.journal in told.stdout, told
            assert missing in place.bellbook("doctor", check=False).stdout
            assert digest(place) == before and place.lines() == ["a"]
            if cut == 0.5:  # lost for good, and that is accepted: what is asked again has its own guards
                os.unlink(place.journal + "-lock")
                assert "journal.db-ballast remembers" in refused_as_cut(place, missing, "note", "1", "x").stderr
                os.unlink(place.journal + "-ballast")
                place.verify()
                place.bellbook("log", "1")
                continue
            with open(wal, "wb") as f:
                f.write(log)
            place.verify()
            assert place.resume(1).walk()["outcome"] == "ok"
            assert place.lines() == ["a", "b"]
            place.verify()


def log_removed_in_use():
    """a -wal deleted while sessions run loses nothing: its content goes into the file, a session alone makes it anew, two go on without it"""
    with Place() as place:
        place.write("t.lua", HEAD + "".join(change(name, place) for name in "abcd"))
        wal = place.journal + "-wal"

        def at(view, step):
            view.walk(stop=lambda m: m.get("kind") == "asked" and m.get("step") == step)

        first = place.run()
        at(first, "b")
        os.unlink(wal)
        end = time.monotonic() + PATIENCE
        while not os.path.exists(wal) and time.monotonic() < end:  # also while it waits for a person
            time.sleep(0.01)
        place.verify()
        place.bellbook("note", "1", "said while it runs")
        at(first, "c")
        second = place.run()
        number = second.until(lambda m: "hello" in m)["hello"]["session"]
        at(second, "b")
        os.unlink(wal)
        for view, step in ((first, "d"), (second, "c")):
            at(view, step)
        seqs = [max(m["seq"] for m in view.seen if "seq" in m) for view in (first, second)]
        for view in (first, second):
            view.kill()
            view.wait()
        place.verify()
        for session, seq in ((1, seqs[0]), (number, seqs[1])):
            assert seq in [event["seq"] for event in place.log(session)]
            assert place.resume(session).walk()["outcome"] == "ok"
        assert sorted(place.lines()) == list("aabbccdd")
        place.verify()


def no_false_alarm():
    """no false alarm: killed and resumed again and again, two sessions in one journal, and notes beside them"""
    with Place() as place:
        place.write("t.lua", HEAD + "".join(change(name, place) for name in "abc"))
        first, second = place.run(), place.run()
        for step in "abc":
            for view in (first, second):
                view.walk(stop=lambda m, step=step: m.get("kind") == "asked" and m.get("step") == step)
            numbers = [view.seen[0]["hello"]["session"] for view in (first, second)]
            first.kill()
            first.wait()
            place.verify()
            place.bellbook("note", str(numbers[0]), "killed at " + step)
            place.bellbook("note", str(numbers[1]), "the other was killed")
            first = place.resume(numbers[0])
        for view in (first, second):
            assert view.walk()["outcome"] == "ok"
        assert sorted(place.lines()) == list("aabbcc")
        place.verify()
        assert not place.bellbook("sessions").stderr


def fsync_fails():
    """an fsync that fails for a while halts the session, which goes on by itself: each event once, each effect once"""
    with Faulty(lambda p: change("a", p), lambda p: change("b", p)) as place:
        view = place.run()
        question = view.asked("step", "a")
        place.fault("fsync", "3")
        view.answer(question, "go")
        view.until(lambda m: "halted" in m)
        assert place.lines() == []
        view.until(lambda m: "cleared" in m)
        assert view.walk()["outcome"] == "ok"
        assert place.lines() == ["a", "b"]
        place.verify()


sys.exit(tap([fsync_fails, damaged_index, log_gone, log_removed_in_use, no_false_alarm, clock_set_back, clock_set_forward]))
