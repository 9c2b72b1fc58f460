#!/usr/bin/env python3
# session-fence.py - one process carries a session: what shows so is removed, changed or taken over while it runs.
# SPDX-License-Identifier: GPL-3.0-or-later
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from walk import PATIENCE, Place, gone, tap  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = 'runbook { id = "t", bellbook = 1, title = "T" }\n'


def change(name, place, more=""):
    return ('change "%s" { title = "%s", why = "w", run = function(s) here.run("echo %s >> %s/effects%s") end,'
            ' done = function(s) return true end }\n' % (name, name, name, place.dir, more))


def at_first(place):
    """A session that waits at its first question."""
    place.write("t.lua", HEAD + change("a", place) + change("b", place))
    view = place.run()
    return view, view.asked("step", "a")


def until(state):
    end = time.monotonic() + PATIENCE
    while not state():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def run_files(place):
    """What stands in the run directory: mode of it and of each file, and which file it is."""
    run = place.journal + ".run"
    try:
        return {name: (os.lstat(name).st_mode, os.lstat(name).st_ino) for name in (run, run + "/1.lease", run + "/1.sock")}
    except FileNotFoundError:
        return {}


def modes(place):
    return {name: mode for name, (mode, _) in run_files(place).items()}


def unlink(name):
    return lambda run: os.unlink(run + name)


def chmod(name, mode):
    return lambda run: os.chmod(run + name, mode)


def replaced(run):
    shutil.copytree(run, run + ".copy", ignore=shutil.ignore_patterns("*.sock"))
    for n in range(1000):  # the session may be quicker
        try:
            os.rename(run, "%s.away%d" % (run, n))
            os.rename(run + ".copy", run)
            return
        except OSError:
            pass
    raise AssertionError("it was never replaced")


def removed(run):
    """Away in one go: what the session makes anew meanwhile is not removed with it, half-way."""
    os.rename(run, run + ".gone")
    shutil.rmtree(run + ".gone")


HURTS = {"the lease removed": unlink("/1.lease"), "the socket removed": unlink("/1.sock"), "the run directory removed": removed,
         "the run directory open to all": chmod("", 0o777), "the run directory closed": chmod("", 0), "the lease closed": chmod("/1.lease", 0),
         "the socket closed": chmod("/1.sock", 0), "the run directory moved": lambda run: os.rename(run, run + ".away"), "the run directory replaced by a copy": replaced}


def made_anew():
    """lease, socket and run directory removed, replaced or with other modes: made anew and told; attach, resume and note find the session, and nobody a second carrier"""
    for name, hurt in HURTS.items():
        with Place() as place:
            view, _ = at_first(place)
            before = modes(place)
            hurt(place.journal + ".run")
            second = place.resume(1) if "removed" in name else None
            view.until(lambda m: m.get("kind") == "note" and "made it anew" in str(m))
            until(lambda: modes(place) == before)
            second = second or place.resume(1)
            second.until(lambda m: "hello" in m)
            third = place.attach(1)
            third.until(lambda m: "hello" in m)
            place.bellbook("note", "1", "all is well")
            assert view.walk()["outcome"] == "ok", name
            assert second.walk()["outcome"] == "ok" and third.walk()["outcome"] == "ok", name
            assert place.lines() == ["a", "b"], (name, place.lines())
            assert not [e for e in place.log(1) if e["kind"] == "session.resumed"], name
            place.verify()


def symlink(run):
    os.rename(run, run + ".away")
    os.symlink(run + ".away", run)


def file_there(run):
    os.rename(run, run + ".away")
    open(run, "w").close()


def back(run):
    os.unlink(run)
    os.rename(run + ".away", run)


def directory_at(name):
    def hurt(run):
        os.unlink(run + name)
        os.mkdir(run + name)
    return hurt


WAYS = {"a link in the place of the run directory": (symlink, back, "is no directory"), "a file in its place": (file_there, back, "is no directory"),
        "a directory in the place of the lease": (directory_at("/1.lease"), lambda run: os.rmdir(run + "/1.lease"), "1.lease"),
        "a directory in the place of the socket": (directory_at("/1.sock"), lambda run: os.rmdir(run + "/1.sock"), "1.sock"),
        "everybody may write above": (lambda run: os.chmod(os.path.dirname(run), 0o777), lambda run: os.chmod(os.path.dirname(run), 0o700), "chmod o-w it")}


def in_the_way():
    """what cannot be made anew or put right: the session says so in words, stores and runs nothing, and goes on once the way is free"""
    for name, (hurt, undo, words) in WAYS.items():
        with Place() as place:
            view, question = at_first(place)
            hurt(place.journal + ".run")
            why = view.until(lambda m: "halted" in m)["halted"]["why"]
            assert words in why and "Nothing new is started" in why, (name, why)
            view.answer(question, "go", id="early")
            assert "refused" in view.until(lambda m: "early" in [v.get("id") for v in m.values() if isinstance(v, dict)]), name
            assert place.lines() == [], name
            undo(place.journal + ".run")
            view.until(lambda m: "cleared" in m)
            view.answer(question, "go")
            assert view.walk()["outcome"] == "ok", name
            assert place.lines() == ["a", "b"], (name, place.lines())
            place.verify()


def stopped():
    """a carrier that is stopped, its lease removed: attach, resume and note say which process it is and what to do, and change nothing"""
    with Place() as place:
        view, _ = at_first(place)
        stop(place, view.pid)
        os.unlink(place.journal + ".run/1.lease")
        for words in (["attach", "1", "--json"], ["resume", "1", "--json"], ["note", "1", "x"]):
            done = place.bellbook(*words, check=False)
            assert done.returncode != 0 and "process %d carries session 1" % view.pid in done.stderr and "kill -CONT %d" % view.pid in done.stderr, (words, done)
        assert not os.path.exists(place.journal + ".run/1.lease")
        view.kill(signal.SIGCONT)
        assert view.walk()["outcome"] == "ok"
        assert not [e for e in place.log(1) if e["kind"] in ("session.resumed", "note") and e["who"] != "bellbook"]
        assert place.lines() == ["a", "b"]
        place.verify()


def blind_to(place, pid):
    """What a process sees that cannot see that one: its own pid namespace, or another machine's."""
    library = place.dir + "/faults.so"
    if not os.path.exists(library):
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, HERE + "/preload/faults.c"], check=True)
    return {"LD_PRELOAD": library, "BLIND": str(pid), "ASAN_OPTIONS": "verify_asan_link_order=0"}


def stop(place, pid):
    """Stops it between two appends: whoever is stopped in the middle of one has the journal's lock."""
    def still():
        os.kill(pid, signal.SIGSTOP)
        until(lambda: state_of(pid) == "T")
        with open(place.journal + "-lock", "rb") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                os.kill(pid, signal.SIGCONT)
                return False
    until(still)


def state_of(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def waits_for(place, name):
    return lambda: name in place.lines()


def over(view, pid):
    """The old carrier says to its view that it is over, and ends. A view that had not heard all may hear first, from the journal, that the session is closed."""
    heard = view.walk(answers={"step": None}, stop=lambda m: "halted" in m)
    why = heard.get("halted", {}).get("why", "")
    assert ("another process" in why and "does nothing more" in why) or heard is view.closed, heard
    gone(pid)


def taken_over():
    """two carriers of one session: the one that was stopped while another took over appends nothing more, says so and ends; each effect once, wherever it was stopped"""
    for running in (False, True):
        for removed in (True, False):
            with Place() as place:
                hold = '; while [ ! -e %s/go ]; do sleep 0.01; done' % place.dir if running else ""
                place.write("t.lua", HEAD + change("a", place, hold) + change("b", place))
                view = place.run()
                question, old = view.asked("step", "a"), view.pid
                if running:
                    view.answer(question, "go")
                    until(waits_for(place, "a"))
                stop(place, view.pid)
                if not running:
                    view.answer(question, "go")  # it is in its socket, not read
                if removed:
                    os.unlink(place.journal + ".run/1.lease")
                else:
                    os.rename(place.journal + ".run", place.journal + ".run.away")
                second = place.resume(1, env=blind_to(place, old))
                second.kind("session.resumed")
                if running:
                    place.write("go", "")
                assert second.walk()["outcome"] == "ok"
                assert place.lines() == ["a", "b"], (running, removed, place.lines())
                events = place.log(1)
                os.kill(old, signal.SIGCONT)
                over(view, old)
                assert place.log(1) == events, (running, removed)
                assert place.lines() == ["a", "b"], (running, removed, place.lines())
                place.verify()


def taken_while_it_runs():
    """a second carrier that goes on while the first comes back: the first does not touch its lease and socket, and its view goes over to the second"""
    with Place() as place:
        view, _ = at_first(place)
        old = view.pid
        stop(place, view.pid)
        os.unlink(place.journal + ".run/1.lease")
        second = place.resume(1, env=blind_to(place, old))
        second.kind("session.resumed")
        files = run_files(place)
        os.kill(old, signal.SIGCONT)
        over(view, old)
        assert run_files(place) == files, (run_files(place), files)
        view.until(lambda m: "hello" in m)
        assert second.walk()["outcome"] == "ok"
        assert view.walk()["outcome"] == "ok"
        assert place.lines() == ["a", "b"]
        place.verify()


def copy_over(place):
    """A copy in the place of the journal, as of an editor or a restore; the first one is kept under .away."""
    shutil.copyfile(place.journal, place.journal + ".copy")
    os.chmod(place.journal + ".copy", 0o600)
    os.link(place.journal, place.journal + ".away")
    os.rename(place.journal + ".copy", place.journal)


def in_a_step(place):
    """A session whose first command waits for the file go."""
    hold = "; while [ ! -e %s/go ]; do sleep 0.01; done" % place.dir
    place.write("t.lua", HEAD + change("a", place, hold) + change("b", place))
    view = place.run()
    view.answer(view.asked("step", "a"), "go")
    until(waits_for(place, "a"))
    return view


def journal_replaced():
    """a copy in the place of the journal: the session stores and starts nothing, says so and what to do; the first one put back it goes on, else resume goes on from the copy"""
    for kept in (True, False):
        for running in (True, False):
            with Place() as place:
                view, question = (in_a_step(place), None) if running else at_first(place)
                copy_over(place)
                why = view.until(lambda m: "halted" in m)["halted"]["why"]
                for part in ("another file was put in the place of " + place.journal, "Put the first one back", "end process %d (kill)" % view.pid, "Nothing new is started"):
                    assert part in why, (part, why)
                if running:
                    place.write("go", "")
                else:
                    view.answer(question, "go", id="early")
                    assert "refused" in view.until(lambda m: "early" in [v.get("id") for v in m.values() if isinstance(v, dict)])
                late = place.attach(1)
                assert "another file" in late.until(lambda m: "halted" in m)["halted"]["why"]
                late.end()
                if kept:
                    os.rename(place.journal + ".away", place.journal)
                    view.until(lambda m: "cleared" in m)
                    assert view.walk()["outcome"] == "ok"
                else:
                    os.unlink(place.journal + ".away")
                    view.kill(signal.SIGTERM)
                    gone(view.pid)
                    place.verify()
                    assert place.resume(1).walk()["outcome"] == "ok"
                assert place.lines() == ["a", "b"], (kept, running, place.lines())
                place.verify()


def journal_moved():
    """the journal, or its whole folder, moved away and back: the session stands still with words meanwhile, and goes on"""
    for whole in (False, True):
        with Place() as place:
            os.mkdir(place.dir + "/j")
            place.journal = place.dir + "/j/journal.db"
            place.env["BELLBOOK_JOURNAL"] = place.journal
            view, question = at_first(place)
            what = place.dir + "/j" if whole else place.journal
            os.rename(what, what + ".away")
            why = view.until(lambda m: "halted" in m)["halted"]["why"]
            assert place.journal + " was moved or deleted while in use: put it back" in why, why
            view.answer(question, "go", id="early")
            assert "refused" in view.until(lambda m: "early" in [v.get("id") for v in m.values() if isinstance(v, dict)])
            assert place.lines() == []
            os.rename(what + ".away", what)
            view.until(lambda m: "cleared" in m)
            view.answer(question, "go")
            assert view.walk()["outcome"] == "ok"
            assert place.lines() == ["a", "b"]
            place.verify()


def log_removed():
    """-wal, -shm and what else stands beside the journal removed under a session: nothing is lost, it is told, and all goes on; also killed right after"""
    for names in (["-wal"], ["-shm"], ["-wal", "-shm"], ["-wal", "-shm", "-lock", "-ballast"]):
        for running in (True, False):
            with Place() as place:
                view, question = (in_a_step(place), None) if running else at_first(place)
                for name in names:
                    os.unlink(place.journal + name)
                view.until(lambda m: m.get("kind") == "note" and "What it held is in the journal now" in str(m))
                place.verify()
                if running:
                    view.kill()
                    view.wait()
                    place.write("go", "")
                    view = place.resume(1)
                assert view.walk()["outcome"] == "ok", (names, running)
                assert place.lines() == ["a", "b"], (names, running, place.lines())
                place.verify()


def log_from_elsewhere():
    """another log in the place of the one that a session has open: it stands still and says what to do; moved away, nothing is lost and all goes on"""
    with Place() as place:
        view, question = at_first(place)
        with open(place.journal + "-new", "wb") as f:
            f.write(b"from elsewhere")
        os.rename(place.journal + "-new", place.journal + "-wal")
        why = view.until(lambda m: "halted" in m)["halted"]["why"]
        assert "Move it away" in why and "Do not end process %d" % view.pid in why, why
        view.answer(question, "go", id="early")
        assert "refused" in view.until(lambda m: "early" in [v.get("id") for v in m.values() if isinstance(v, dict)])
        os.rename(place.journal + "-wal", place.journal + "-other")
        view.until(lambda m: "cleared" in m)
        view.answer(question, "go")
        assert view.walk()["outcome"] == "ok"
        assert place.lines() == ["a", "b"]
        place.verify()


def lock_stopped():
    """a process that was stopped while it has the journal's lock: the session says which one and what to do, and goes on with it"""
    with Place() as place:
        view, question = at_first(place)
        holder = subprocess.Popen(["flock", "--no-fork", place.journal + "-lock", sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"])
        until(lambda: state_of(holder.pid) == "T")
        view.answer(question, "go")
        why = view.until(lambda m: "halted" in m)["halted"]["why"]
        assert "process %d was stopped in the middle of writing" % holder.pid in why and "kill -CONT %d" % holder.pid in why, why
        assert place.lines() == []
        os.kill(holder.pid, signal.SIGCONT)
        holder.wait()
        view.until(lambda m: "cleared" in m)
        assert view.walk()["outcome"] == "ok"
        assert place.lines() == ["a", "b"]
        place.verify()


sys.exit(tap([made_anew, in_the_way, stopped, taken_over, taken_while_it_runs, journal_replaced, journal_moved, log_removed, log_from_elsewhere, lock_stopped]))
