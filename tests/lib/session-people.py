#!/usr/bin/env python3
# session-people.py - two Unix users in one session: roles, the wheel, approval, permissions of what they share.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import sys

sys.dont_write_bytecode = True
import pair  # noqa: E402
from pair import ANN, BEN, CAT, DROP, EVE, TEAM, change, ever, refusal, team  # noqa: E402
from walk import gone, tap  # noqa: E402

pair.enter()

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
    """only who drives answers; the wheel is handed over and accepted, or declined; when the driver's link dies nothing new starts and a navigator takes over"""
    with team(change("a", "a"), change("b", "b"), 'observe "look" { title = "L", run = function(s) end }\n', change("c", "c")) as place:
        ann = place.run_as(ANN)
        q = ann.asked("step", "a")
        ben = place.attach_as(BEN, ann.hello["session"])
        ben.asked("step", "a")
        assert "drives; take asks" in ever(ben, lambda m: "you" in m)["you"]["why"]
        ben.send(do="give", to=ben.hello["who"])
        assert "do not drive" in refusal(ben)
        ann.send(do="give", to="nobody-of-that-name")
        assert "nobody of that name" in refusal(ann)
        ann.send(do="give", to=ben.hello["who"])
        offer = ben.asked("wheel")
        assert offer["data"]["to"] == ben.hello["who"] and offer["data"]["until_us"] > 0
        ann.answer(offer, "accept")
        assert "another person" in refusal(ann)
        ben.answer(offer, "decline")
        ann.kind("answered", value="decline")
        ann.send(do="give", to=ben.hello["who"])
        ben.answer(ben.asked("wheel"), "accept")
        for v in (ann, ben):
            v.kind("wheel.passed", to=ben.hello["who"], how="accepted")
        assert ann.until(lambda m: "you" in m)["you"]["role"] == "navigator"
        ann.answer(q, "go")
        assert "drives" in refusal(ann)
        for what in ("cancel", "abort", "continue"):
            ann.send(do=what, why="x")
            assert "driver" in refusal(ann), what
        ben.answer(q, "go")
        q = ben.asked("step", "b")
        ben.answer(q, "skip", why="so that the look is next")
        ben.until(lambda m: m.get("kind") == "asked" and m["step"] == "c")
        ben.end()
        ann.kind("left")
        assert ann.until(lambda m: "wheel" in m and "lost_us" in m["wheel"])["wheel"]["driver"] == ben.hello["who"]
        ann.send(do="take", why="ben's link died")
        ann.kind("wheel.passed", to=ann.hello["who"], how="the driver was gone")
        assert ann.walk()["outcome"] == "ok"
        assert place.lines() == ["a", "c"]


def nothing_new_without_driver():
    """while no view of the driver is attached a running command goes on, and no step begins by itself"""
    slow = 'change "slow" { title = "S", why = "w", run = function(s) here.run("while ! test -e @W@/flag; do sleep 0.02; done; echo slow >> @W@/effects") end, done = function(s) return true end }\n'
    with team(slow, 'observe "look" { title = "L", run = function(s) s:note("looked") end }\n', change("b", "b")) as place:
        ann = place.run_as(ANN)
        q = ann.asked("step", "slow")
        ben = place.attach_as(BEN, ann.hello["session"], "--role", "navigator")
        ann.answer(q, "go")
        ben.kind("call.begun")
        ann.end()
        ben.kind("left")
        open(place.dir + "/work/flag", "w").close()
        ben.kind("step.ended", state="ok")
        ben.until(lambda m: m.get("kind") == "step.entered" and m["step"] == "look")
        ben.send(do="say", text="ann is gone")
        ben.kind("said")
        ben.answer({"seq": 1}, "x")
        refusal(ben)
        assert place.lines() == ["slow"] and not [m for m in ben.seen if m.get("kind") == "step.begun" and m["step"] == "look"]
        ben.send(do="take")
        ben.kind("wheel.passed", to=ben.hello["who"])
        assert ben.walk()["outcome"] == "ok"
        assert place.lines() == ["slow", "b"]


def wheel_is_taken():
    """a driver who is asked for the wheel may refuse; without an answer it passes, and the journal says so"""
    for policy in ('take = "20s"', 'take = "200ms"'):
        with team(change("a", "a"), policy=policy) as place:
            ann = place.run_as(ANN)
            ann.asked("step", "a")
            ben = place.attach_as(BEN, ann.hello["session"])
            ben.asked("step", "a")
            cat = place.attach_as(CAT, ann.hello["session"], "--role", "observer")
            cat.asked("step", "a")
            cat.send(do="take")
            assert "observer does not drive" in refusal(cat)
            ben.send(do="take", why="I know this one")
            ask = ann.asked("wheel")
            assert "I know this one" in ask["data"]["text"] and [c["value"] for c in ask["data"]["choices"]] == ["give", "refuse"]
            if "20s" in policy:
                ann.answer(ask, "refuse", why="nearly there")
                ben.kind("answered", value="refuse")
                ann.walk()
                continue
            ben.kind("wheel.passed", to=ben.hello["who"], how="no answer")
            ann.kind("wheel.passed")
            ben.walk()
            assert "no answer" in place.said(ANN, "log", str(ben.hello["session"])).stdout


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
sys.exit(tap([second_person_approves, wheel_changes_hands, nothing_new_without_driver, wheel_is_taken, shared_directory, other_person_resumes, unsafe_directories, private_directory]))
