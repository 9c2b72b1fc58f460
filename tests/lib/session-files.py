#!/usr/bin/env python3
# session-files.py - the files that a session has open are cut, or links and pipes are put in their places.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from walk import PATIENCE, Place, gone, tap  # noqa: E402

HEAD = 'runbook { id = "t", bellbook = 1, title = "T" }\n'


def change(name, place):
    return ('change "%s" { title = "%s", why = "w", run = function(s) here.run("echo %s >> %s/effects") end,'
            ' done = function(s) return true end }\n' % (name, name, name, place.dir))


def at_second(place):
    """A session that waits at its second question."""
    place.write("t.lua", HEAD + change("a", place) + change("b", place) + change("c", place))
    view = place.run()
    view.walk(stop=lambda m: m.get("kind") == "asked" and m.get("step") == "b")
    return view, view.seen[-1]


def until(state):
    end = time.monotonic() + PATIENCE
    while not state():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def state_of(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def text_of(event):
    return str(event)


def content(name):
    with open(name, "rb") as f:
        return f.read()


def halts(view, question, *words):
    """Nothing is started, and it is said why."""
    why = view.until(lambda m: "halted" in m)["halted"]["why"]
    for part in (*words, "Nothing new is started"):
        assert part in why, (part, why)
    view.answer(question, "go", id="early")
    assert "refused" in view.until(lambda m: "early" in [v.get("id") for v in m.values() if isinstance(v, dict)])


def goes_on(place, view):
    assert view.walk()["outcome"] == "ok"
    assert place.lines() == ["a", "b", "c"], place.lines()
    place.verify()


def cut():
    """the journal or its log cut to nothing, or by a part, under a session: it stores and starts nothing and says so; put back, all goes on"""
    for suffix, part in (("", 0), ("-wal", 0), ("", 0.6), ("-wal", 0.6)):
        for quick in (False, True):
            with Place() as place:
                view, question = at_second(place)
                name = place.journal + suffix
                whole = content(name)
                if quick:  # the answer is there before the session's timer
                    view.kill(signal.SIGSTOP)
                    view.answer(question, "go")
                os.truncate(name, int(len(whole) * part))
                if quick:
                    view.kill(signal.SIGCONT)
                    view.until(lambda m: "halted" in m)
                else:
                    halts(view, question, "cut short", name)
                assert place.lines() == ["a"], (suffix, part, place.lines())
                late = place.attach(1)
                assert "cut short" in late.until(lambda m: "halted" in m)["halted"]["why"]
                late.end()
                with open(name, "r+b") as f:  # the same file, its content from a copy
                    f.write(whole)
                view.until(lambda m: "cleared" in m)
                goes_on(place, view)


def cut_for_good():
    """cut for good: the session ends when told, and resume, note and verify say what is wrong"""
    for suffix in ("", "-wal"):
        with Place() as place:
            view, question = at_second(place)
            os.truncate(place.journal + suffix, 0)
            halts(view, question, "cut short", "end process %d (kill)" % view.pid)
            view.kill(signal.SIGTERM)
            gone(view.pid)
            for words in (["resume", "1", "--json"], ["note", "1", "x"], ["verify"]):
                done = place.bellbook(*words, check=False)
                assert done.returncode == 1 and place.journal in done.stdout + done.stderr, (suffix, words, done)
            assert place.lines() == ["a"]


def index_cut():
    """the shared index of the log (-shm) cut under a session: it is made anew, and said"""
    for size in (0, 100, 4096):
        with Place() as place:
            view, _ = at_second(place)
            os.truncate(place.journal + "-shm", size)
            view.until(lambda m: m.get("kind") == "note" and "removed, replaced or cut from outside" in str(m))
            goes_on(place, view)


def index_cut_in_use():
    """the shared index cut while the session reads it (SIGBUS): the next process goes on, and the journal says why; other sessions of the journal go on, too"""
    with Place() as place:
        view, _ = at_second(place)
        other = place.run()
        number = other.until(lambda m: "hello" in m)["hello"]["session"]
        other.asked("step", "a")
        pid = view.pid
        view.kill(signal.SIGSTOP)
        until(lambda: state_of(pid) == "T")
        os.truncate(place.journal + "-shm", 100)
        view.kill(signal.SIGBUS)
        view.kill(signal.SIGCONT)
        view.kind("session.resumed")
        assert view.pid != pid
        assert view.walk()["outcome"] == "ok"
        assert place.lines() == ["a", "b", "c"], place.lines()
        assert other.walk()["outcome"] == "ok"
        assert sorted(place.lines()) == list("aabbcc"), place.lines()
        notes = [text_of(e) for e in place.log(1) if e["kind"] == "note"]
        assert any("cut from outside" in n and "went on" in n for n in notes), notes
        assert number != 1
        place.verify()


def index_cut_under_readers():
    """the shared index cut while log, sessions, search, verify or an export reads beside a session: it reads on, and is not ended by a signal"""
    with Place() as place:
        view, _ = at_second(place)
        library = place.dir + "/faults.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.dirname(os.path.abspath(__file__)) + "/preload/faults.c"], check=True)
        readers = [["log", "1"], ["log", "1", "--format", "html"], ["log", "1", "--format", "cast"], ["sessions"], ["search", "effects"], ["verify"],
                   ["review", "1", "--plain"], ["diff", "1", "1"]]
        for words in readers:
            for reads in range(1, 40):
                size = (0, 100, 4096)[reads % 3]
                place.env.update(LD_PRELOAD=library, CUT="%d %d %s/cut.done" % (reads, size, place.dir), ASAN_OPTIONS="verify_asan_link_order=0")
                done = place.bellbook(*words, check=False)
                del place.env["LD_PRELOAD"], place.env["CUT"]
                assert done.returncode == 0, (words, reads, size, done)
                if "cut" not in place.lines("cut.done"):  # fewer reads than that
                    break
                os.unlink(place.dir + "/cut.done")
                view.send(do="say", text="after %d of %s" % (reads, words))  # the session has mended it then
                view.until(lambda m: m.get("kind") == "said" and "after %d of %s" % (reads, words) in text_of(m))
        goes_on(place, view)


def lease_link():
    """the lease replaced by a link to itself: it is made anew, and resume and attach find the session"""
    with Place() as place:
        view, _ = at_second(place)
        lease = place.journal + ".run/1.lease"
        os.rename(lease, lease + ".away")
        os.symlink(lease + ".away", lease)
        late = place.resume(1)
        late.until(lambda m: "hello" in m)
        view.until(lambda m: m.get("kind") == "note" and "made it anew" in str(m))
        assert not os.path.islink(lease)
        goes_on(place, view)


def pipes():
    """a named pipe in the place of the journal's log: the session stands still, and a view that comes hears why and does not come again and again"""
    with Place() as place:
        view, q = at_second(place)
        for name in "-wal", "-shm":
            path = place.env["BELLBOOK_JOURNAL"] + name
            os.rename(path, path + ".away")
            os.mkfifo(path)
            view.until(lambda m: "halted" in m)
            late = place.attach(view.hello["session"])
            while not any("halted" in m or "cannot be read" in m.get("refused", {}).get("why", "") for m in late.seen):
                assert late.next() is not None and sum("lost" in m for m in late.seen) < 3, late.seen[-6:]
            late.end()
            os.remove(path)
            os.rename(path + ".away", path)
            view.until(lambda m: "cleared" in m)
        goes_on(place, view)


def links():
    """a link in the place of the journal or of its log: the session stands still and says so, so do verify and attach; the file put back, all goes on"""
    for suffix, words in (("", "another file was put in the place of"), ("-wal", "symbolic link")):
        with Place() as place:
            view, question = at_second(place)
            name = place.journal + suffix
            os.rename(name, place.dir + "/moved")
            os.symlink(place.dir + "/moved", name)
            view.until(lambda m: "halted" in m)
            view.answer(question, "go")
            if suffix:
                done = place.bellbook("verify", check=False)
                assert done.returncode == 1 and words in done.stderr, done
            assert place.lines() == ["a"]
            os.unlink(name)
            os.rename(place.dir + "/moved", name)
            view.until(lambda m: "cleared" in m)
            goes_on(place, view)


sys.exit(tap([lease_link, links, pipes, cut, cut_for_good, index_cut, index_cut_in_use, index_cut_under_readers]))
