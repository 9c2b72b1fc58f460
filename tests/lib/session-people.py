#!/usr/bin/env python3
# session-people.py - two Unix users in one session: roles, the wheel, approval, permissions of what they share.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import sys

sys.dont_write_bytecode = True
import pair  # noqa: E402
from pair import ANN, BEN, CAT, EVE, TEAM, Pair  # noqa: E402
from walk import gone, tap  # noqa: E402

pair.enter()

FLEET = 'fleet { name = "f", policy = { alone = "%s" }, mastodon = { domain = "example.org" } }\n'
HEAD = 'runbook { id = "t", bellbook = 1, title = "T" }\n'


def change(name, word):
    return 'change "%s" { title = "%s", why = "w", run = function(s) here.run("echo %s >> $W/effects", { env = { W = "@W@" } }) end, done = function(s) return true end }\n' % (name, name, word)


DROP = 'irreversible "drop" { title = "Drop", why = "w", target = "fleet.mastodon.domain", run = function(s) here.run("echo drop >> @W@/effects") end, done = function(s) return true end }\n'


def team(*steps, alone="refuse", **more):
    place = Pair(fleet=FLEET % alone, **more)
    place.write("t.lua", (HEAD + "".join(steps)).replace("@W@", place.dir + "/work"))
    return place


def refusal(view):
    return view.until(lambda m: "refused" in m)["refused"]["why"]


def second_person_approves():
    """an irreversible step waits for another uid; the driver, an observer and a wrong word are refused"""
    with team(DROP, alone="waiver") as place:
        ann = place.run_as(ANN)
        q = ann.asked("step", "drop")
        session = ann.hello["session"]
        ben = place.attach_as(BEN, session)
        ben.asked("step", "drop")
        cat = place.attach_as(CAT, session, "--role", "observer")
        cat.asked("step", "drop")
        assert (ann.hello["role"], ben.hello["role"], cat.hello["role"]) == ("driver", "navigator", "observer")
        assert len({v.hello["uid"] for v in (ann, ben, cat)}) == 3 and len({v.hello["who"] for v in (ann, ben, cat)}) == 3
        ben.answer(q, "go")
        assert "drives" in refusal(ben)
        ann.answer(q, "go")
        asked = [v.asked("approval", "drop") for v in (ann, ben, cat)]
        assert len({m["seq"] for m in asked}) == 1
        q = asked[0]
        ann.answer(q, "example.org", why="I am sure")
        assert "another person must agree" in refusal(ann)
        cat.answer(q, "example.org", why="looks fine")
        assert "observer" in refusal(cat)
        ben.answer(q, "example.com", why="x")
        assert "type exactly example.org" in refusal(ben)
        assert place.lines() == []
        ben.answer(q, "example.org", why="checked with ann")
        closed = ann.walk()
        assert closed["outcome"] == "ok", closed
        assert place.lines() == ["drop"]
        for v in (ben, cat):
            v.wait()
        given = [m for m in ann.seen if m.get("kind") == "approval.given"]
        assert len(given) == 1 and given[0]["data"]["waiver"] is False and given[0]["data"]["by"] == ben.hello["who"] == given[0]["who"], given
        assert [m["data"] for m in ben.seen if m.get("kind") == "approval.given"] == [given[0]["data"]]
        text = place.said(CAT, "verify")
        assert "intact" in text.stdout, text.stderr


def wheel_changes_hands():
    """only who drives answers; the wheel is given by name, and the journal says who had it"""
    with team(change("a", "a"), change("b", "b")) as place:
        ann = place.run_as(ANN)
        q = ann.asked("step", "a")
        ben = place.attach_as(BEN, ann.hello["session"], "--role", "navigator")
        ben.asked("step", "a")
        ben.send(do="give", to=ben.hello["who"])
        assert "do not drive" in refusal(ben)
        ann.send(do="give", to="nobody-of-that-name")
        assert "nobody of that name" in refusal(ann)
        ann.send(do="give", to=ben.hello["who"])
        ben.kind("wheel.passed", to=ben.hello["who"])
        ann.kind("wheel.passed", to=ben.hello["who"])
        ann.answer(q, "go")
        assert "drives" in refusal(ann)
        for what in ("cancel", "abort", "continue"):
            ann.send(do=what, why="x")
            assert "driver" in refusal(ann), what
        ben.answer(q, "go")
        q = ben.asked("step", "b")
        ben.end()
        ann.kind("left")
        ann.send(do="take")
        ann.kind("wheel.passed", to=ann.hello["who"])
        ann.answer(q, "go")
        assert ann.walk()["outcome"] == "ok"
        assert place.lines() == ["a", "b"]


def modes(place):
    found = {}
    for name in [place.share] + [os.path.join(d, n) for d, _, names in os.walk(place.share) for n in names] + [place.journal + ".run"]:
        st = os.lstat(name)
        found[os.path.relpath(name, place.dir)] = (oct(st.st_mode & 0o7777), st.st_gid)
    return found


def shared_directory():
    """in a setgid directory the journal, its run directory and socket are the team's and nobody else's, whatever the umask"""
    with team(change("a", "a")) as place:
        ann = place.run_as(ANN)
        ann.asked("step", "a")
        session = ann.hello["session"]
        found = modes(place)
        assert found["share/journal.db.run"] == ("0o2770", TEAM), found
        for name, (mode, gid) in found.items():
            assert gid == TEAM and int(mode, 8) & 0o007 == 0, (name, found)
            assert name in ("share", "share/journal.db.run") or int(mode, 8) & 0o777 == 0o660, (name, found)
        out = place.said(EVE, "attach", str(session), "--json", given="")
        assert out.returncode != 0 and "hello" not in out.stdout and "may not look into" in out.stderr, out
        os.chmod(place.share, 0o2775)
        out = place.said(EVE, "attach", str(session), "--json", given="")
        assert out.returncode == 1 and "not in it" in out.stderr, out
        os.chmod(place.share, 0o2770)
        assert place.said(EVE, "sessions").returncode != 0
        assert "a" in place.said(BEN, "log", str(session)).stdout
        ann.walk()


def other_person_resumes():
    """a team mate takes over a session whose process died, and the journal stays whole"""
    with team(change("a", "a"), change("b", "b")) as place:
        ann = place.run_as(ANN)
        ann.answer(ann.asked("step", "a"), "go")
        ann.asked("step", "b")
        ann.kill()
        ann.wait()
        gone(ann.pid)
        session = ann.hello["session"]
        ben = place.view(BEN, "resume", str(session))
        assert ben.walk()["outcome"] == "ok", ben.closed
        assert place.lines() == ["a", "b"]
        assert "intact" in place.said(ANN, "verify").stdout


def unsafe_directories():
    """what others may enter or replace, or of another group, is refused with what to do about it"""
    for what, words in ((lambda run: os.chmod(run, 0o2777), "chmod 2770"), (lambda run: os.chown(run, ANN, EVE), "group"),
                        (lambda run: os.chmod(os.path.dirname(run), 0o2777), "chmod o-w")):
        with team(change("a", "a")) as place:
            run = place.journal + ".run"
            os.mkdir(run)
            os.chown(run, ANN, TEAM)
            os.chmod(run, 0o2770)
            what(run)
            out = place.said(ANN, "run", place.dir + "/t.lua", "--json", given="")
            assert out.returncode == 1 and words in out.stderr, (words, out)
            assert place.lines() == []


def private_directory():
    """without setgid the session is its owner's alone"""
    with team(change("a", "a"), mode=0o770) as place:
        ann = place.run_as(ANN)
        ann.asked("step", "a")
        out = place.said(BEN, "attach", str(ann.hello["session"]), "--json", given="")
        assert out.returncode == 1 and "alone" in out.stderr and "chmod 2770" in out.stderr, out
        ann.walk()


if pair.why_not:
    print("1..1\nok 1 - two users in one session # SKIP " + pair.why_not)
    sys.exit(0)
sys.exit(tap([second_person_approves, wheel_changes_hands, shared_directory, other_person_resumes, unsafe_directories, private_directory]))
