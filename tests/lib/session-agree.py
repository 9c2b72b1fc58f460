#!/usr/bin/env python3
# session-agree.py - agreement to what cannot be undone, by a second Unix user: what is shown, what ends it, what it covers; guests and newcomers.
# SPDX-License-Identifier: GPL-3.0-or-later
import sys
import time

sys.dont_write_bytecode = True
import pair  # noqa: E402
from pair import ANN, BEN, CAT, DROP, change, ever, refusal, team  # noqa: E402
from walk import gone, tap  # noqa: E402

pair.enter()


def at_approval(place, *roles):
    """(ann, ben, question): ann has asked ben to agree."""
    ann = place.run_as(ANN)
    ask = ann.asked("step")
    ben = place.attach_as(BEN, ann.hello["session"], *roles)
    ben.asked("step")
    ann.answer(ask, "go")
    ann.asked("approval")
    return ann, ben, ben.asked("approval")


def what_is_shown():
    """the second person sees the exact commands, what was checked and what was not, and the last time"""
    steps = ('observe "rows" { title = "Rows agree", run = function(s) s:note("63 of 63 tables") end }\n', change("copy", "copy"), DROP)
    with team(*steps) as place:
        for again in (False, True):
            ann = place.run_as(ANN)
            ask = ann.asked("step", "copy")
            ben = place.attach_as(BEN, ann.hello["session"])
            ann.answer(ask, "skip", why="cache only")
            ann.answer(ann.asked("step", "drop"), "go")
            q = ben.asked("approval")["data"]
            assert [(c["host"], c["shown"]) for c in q["commands"]] == [("this computer", "echo drop >> %s/work/effects" % place.dir)], q
            assert q["whole"] is True and len(q["hash"]) == 64 and q["attempt"] == 1 and q["by"] == ann.hello["who"], q
            assert [(c["step"], c["text"]) for c in q["checked"]] == [("rows", "63 of 63 tables")], q["checked"]
            assert [(c["step"], c["state"], c["who"], c["why"]) for c in q["unchecked"]] == [("copy", "skipped", ann.hello["who"], "cache only")], q["unchecked"]
            if again:
                assert q["last"]["state"] == "ok" and q["last"]["session"] == 1 and q["last"]["took_us"] > 0, q["last"]
            else:
                assert "last" not in q
            ben.walk()
            ann.wait()
            gone(ann.pid)
        assert place.lines() == ["drop", "drop"]


def disagreeing():
    """who disagrees says why, and the driver is asked anew; the driver takes a request back"""
    with team(DROP) as place:
        ann, ben, q = at_approval(place)
        ben.send(do="disagree", seq=q["seq"])
        assert "why" in refusal(ben)
        ann.send(do="disagree", seq=q["seq"], why="x")
        assert "only the navigators" in refusal(ann)
        ben.send(do="disagree", seq=q["seq"], why="the backup is from May")
        taken = ann.kind("withdrawn", seq=q["seq"])
        assert taken["who"] == ben.hello["who"] and "backup is from May" in taken["data"]["reason"]
        ben.answer(q, "example.org", why="late")
        assert "not open" in refusal(ben)
        ann.answer(ann.asked("step", "drop"), "go")
        q = ben.asked("approval")
        ben.send(do="withdraw")
        assert "nothing of yours" in refusal(ben)
        ann.send(do="withdraw", why="wrong window")
        assert "wrong window" in ben.kind("withdrawn", seq=q["seq"])["data"]["reason"]
        ann.send(do="abort", why="x")
        ann.walk()
        assert place.lines() == []


def blank_reasons():
    """a reason of which nothing can be seen is none: agreement, disagreement, waiver, skipping, putting off, aborting, a note, what is said"""
    blanks = ("", " \t", "\n\r\n", "\u200b\ufeff", "\u00a0\u3000", "\x01\x7f\u0085", "\u2060\u00ad\u2800", "\u0301")
    with team(DROP, alone="waiver") as place:
        ann = place.run_as(ANN)
        step = ann.asked("step")
        for blank in blanks:
            for value in ("skip", "defer", "abort"):
                ann.answer(step, value, why=blank, owner="ben", due="2030-01-01")
                assert "needs a reason" in refusal(ann)
            ann.answer(step, "defer", why="tired", owner=blank, due="2030-01-01")
            assert "who owns it" in refusal(ann)
            ann.send(do="abort", why=blank)
            assert "say why" in refusal(ann)
            for what in ("note", "say"):
                ann.send(do=what, text=blank)
                assert "no text" in refusal(ann)
        ann.answer(step, "go")
        alone = ann.asked("approval")
        for blank in blanks:
            ann.answer(alone, "example.org", why=blank)
            assert "needs a reason" in refusal(ann)
        ben = place.attach_as(BEN, ann.hello["session"])
        question = ben.asked("approval")
        for blank in blanks:
            ben.answer(question, "example.org", why=blank)
            assert "needs a reason" in refusal(ben)
            ben.send(do="disagree", seq=question["seq"], why=blank)
            assert "say why" in refusal(ben)
        ann.send(do="pause", why="\u200b")
        assert "why" not in ann.kind("session.paused").get("data", {})
        ann.send(do="abort", why="\u200benough")
        ann.walk()
        assert place.lines() == [] and not [m for m in ben.seen if m.get("kind") in ("approval.given", "said", "deferred", "answered")][1:]


def too_old():
    """a request dies in time, and the driver is asked anew"""
    with team(DROP, policy='expires = "300ms"') as place:
        ann, ben, q = at_approval(place)
        assert "in time" in ann.kind("withdrawn", seq=q["seq"])["data"]["reason"]
        ben.answer(q, "example.org", why="late")
        refusal(ben)
        ann.asked("step", "drop")
        ann.send(do="abort", why="x")
        ann.walk()
        assert place.lines() == []


def agreement_that_waits():
    """agreement given in a pause waits; it can be taken back, ends when who gave it leaves, when the wheel passes and when it is too old"""
    with team(DROP) as place:
        ann, ben, q = at_approval(place)
        for end in ("withdraw", "leave", "wheel", "resume"):
            ann.send(do="pause")
            ann.kind("session.paused")
            ben.answer(q, "example.org", why="fine")
            given = ann.kind("approval.given", hash=q["data"]["hash"])
            if end == "withdraw":
                ben.send(do="withdraw", why="I misread it")
            elif end == "leave":
                ben.end()
            elif end == "wheel":
                ann.send(do="give", to=ben.hello["who"])
                ben.answer(ben.asked("wheel"), "accept")
            else:
                ann.kill()
                ann.wait()
                gone(ann.pid)
                ben = place.view(BEN, "resume", str(ann.hello["session"]))
                ann = ben
            void = ann.kind("approval.voided", seq=given["data"]["seq"])
            assert void["data"]["by"] and {"withdraw": "misread", "leave": "left", "wheel": "wheel", "resume": "taken over"}[end] in void["data"]["reason"], void
            if end == "resume":
                break
            (ben if end == "wheel" else ann).send(do="continue")
            if end == "leave":
                paused = ann.kind("session.paused", why="%s left, and “Drop” needs a second person" % pair.name(BEN))
                ben = place.attach_as(BEN, ann.hello["session"])
                ben.until(lambda m: m.get("seq") == paused["seq"])
                ann.send(do="continue")
            if end == "wheel":
                ann, ben = ben, ann
            ann.answer(ann.asked("step", "drop"), "go")
            q = ben.asked("approval")
        assert place.lines() == []
        ben.send(do="abort", why="x")
        ben.walk()
        place_ok(place)


def place_ok(place):
    assert "intact" in place.said(ANN, "verify").stdout


def old_while_it_waits():
    """agreement that waits too long in a pause is void"""
    with team(DROP, policy='expires = "1s"') as place:
        ann, ben, q = at_approval(place)
        ann.send(do="pause")
        ann.kind("session.paused")
        ben.answer(q, "example.org", why="fine")
        while "refused" in ben.reply():  # a slow machine: the request was too old already
            ann.send(do="continue")
            ann.answer(ann.asked("step", "drop"), "go")
            q = ben.asked("approval")
            ann.send(do="pause")
            ann.kind("session.paused")
            ben.answer(q, "example.org", why="fine")
        ann.kind("approval.given")
        assert "too old" in ann.kind("approval.voided")["data"]["reason"]
        ann.send(do="continue")
        ann.asked("step", "drop")
        ann.send(do="abort", why="x")
        ann.walk()
        assert place.lines() == []


TWICE = '''irreversible "drop" { title = "Drop", why = "w", target = "fleet.mastodon.domain",
  run = function(s) local r = here.run("echo first >> @W@/effects; test -e @W@/more && echo more", { check = false })
    if trim(r.out) == "more" then here.run("echo second >> @W@/effects") end end,
  done = function(s) return not here.read("test -e @W@/broken", { check = false }).ok end }
'''


def one_attempt_and_no_other_command():
    """another attempt needs agreement anew; a command that nobody foresaw waits for agreement of its own, and is not run without it"""
    with team(TWICE) as place:
        open(place.dir + "/work/broken", "w").close()
        ann, ben, q = at_approval(place)
        ben.answer(q, "example.org", why="fine")
        ann.answer(ann.asked("failure"), "retry")
        q = ben.asked("approval")
        assert q["data"]["attempt"] == 2 and place.lines() == ["first"]
        open(place.dir + "/work/more", "w").close()
        ben.answer(q, "example.org", why="fine")
        q = ben.asked("approval")
        assert q["data"]["added"] is True and "second" in q["data"]["commands"][0]["shown"] and place.lines() == ["first", "first"], q
        ben.send(do="disagree", seq=q["seq"], why="where does that come from?")
        failed = ann.asked("failure")
        assert "where does that come from" in failed["data"]["details"] and place.lines() == ["first", "first"]
        ann.answer(failed, "retry")
        ben.answer(ben.asked("approval"), "example.org", why="fine")
        q = ben.until(lambda m: m.get("kind") == "asked" and m["data"].get("added"))
        import os
        os.unlink(place.dir + "/work/broken")
        ben.answer(q, "example.org", why="I see")
        assert ann.walk()["outcome"] == "ok"
        assert place.lines() == ["first", "first", "first", "second"]
        place_ok(place)


def doubted_again():
    """a command in doubt of a step without a way back is run once more only when the second person agrees to that"""
    doubtful = '''irreversible "drop" { title = "Drop", why = "w", target = "fleet.mastodon.domain",
  run = function(s) here.run("echo drop >> @W@/effects; echo $$ > @W@/pid; until test -e @W@/go; do sleep 0.02; done") end, done = function(s) return true end }
'''
    import os
    import signal
    import time
    with team(doubtful) as place:
        ann, ben, q = at_approval(place)
        ben.answer(q, "example.org", why="fine")
        pid = place.dir + "/work/pid"
        while not os.path.exists(pid) or not open(pid).read().endswith("\n"):
            time.sleep(0.02)
        job = int(open(pid).read())
        with open("/proc/%d/stat" % job) as f:
            runner = int(f.read().rsplit(")", 1)[1].split()[1])
        for signo in signal.SIGSTOP, signal.SIGKILL:
            for victim in runner, job:
                os.kill(victim, signo)
        doubt = ann.asked("doubt", "drop")
        open(place.dir + "/work/go", "w").close()
        ben.answer(doubt, "rerun", why="x")
        assert "drives" in refusal(ben)
        ann.answer(doubt, "rerun", why="the table is there")
        q = ben.until(lambda m: m.get("kind") == "asked" and m["data"].get("added"))
        assert "once more" in q["data"]["text"] and "echo drop" in q["data"]["commands"][0]["shown"] and place.lines() == ["drop"], q
        ben.answer(q, "example.org", why="it is")
        assert ann.walk()["outcome"] == "ok"
        assert place.lines() == ["drop", "drop"]
        assert [m["attempt"] for m in ann.seen if m.get("kind") == "step.ended"] == [1]
        place_ok(place)


def driver_must_be_there():
    """agreement to a step whose driver is gone is refused: nothing new starts"""
    with team(DROP) as place:
        ann, ben, q = at_approval(place)
        ann.end()
        ben.kind("left")
        ben.answer(q, "example.org", why="fine")
        assert "is gone" in refusal(ben)
        ben.send(do="take")
        ben.kind("withdrawn", seq=q["seq"])
        ben.kind("wheel.passed")
        ben.send(do="abort", why="x")
        ben.walk()
        assert place.lines() == []


def alone():
    """alone, where the policy allows it, a waiver counts after a while only, and never while a partner is here, nor by another view of one account"""
    with team(DROP, alone="waiver", policy='delay = "1s"') as place:
        ann, ben, q = at_approval(place)
        ann.answer(q, "example.org", why="now")
        assert "one is here" in refusal(ann)
        ben.end()
        ann.kind("left")
        two = place.attach_as(ANN, ann.hello["session"])
        assert ever(two, lambda m: "you" in m)["you"]["views"] == 2
        while True:
            ann.answer(q, "example.org", why="nobody else is awake")
            m = ann.reply()
            if "accepted" in m:
                break
            assert "you are alone" in m["refused"]["why"], m
        assert ann.walk()["outcome"] == "ok"
        text = place.said(BEN, "log", "1").stdout
        assert "ALONE, by waiver" in text and "nobody else is awake" in text
    with team(DROP) as place:
        ann = place.run_as(ANN)
        ann.answer(ann.asked("step"), "go")
        q = ann.asked("approval")
        two = place.attach_as(ANN, ann.hello["session"], "--role", "navigator")
        two.asked("approval")
        for v in (ann, two):
            v.answer(q, "example.org", why="x")
            assert "cannot be told apart" in refusal(v)
        ann.send(do="abort", why="x")
        ann.walk()


def guests():
    """a guest comes by invitation and for a time, and only watches; the fleet's people alone may do more"""
    with team(change("a", "a"), extra=', people = { "ann", "ben" }' if pair.named() else "") as place:
        ann = place.run_as(ANN)
        ann.asked("step", "a")
        session, cat = ann.hello["session"], pair.name(CAT)
        if pair.named():
            assert "people do not name" in place.said(CAT, "attach", str(session), "--json", given="").stdout
        out = place.said(CAT, "attach", str(session), "--json", "--guest", given="")
        assert "by invitation" in out.stdout and out.returncode == 1, out
        assert ann.until(lambda m: "knock" in m)["knock"]["who"] == cat
        ann.send(do="invite", to=cat, **{"for": "2h"})
        ann.kind("invited", to=cat)
        view = place.attach_as(CAT, session, "--guest")
        q = view.asked("step", "a")
        assert view.hello["role"] == "guest"
        for intent in ({"do": "say", "text": "hi"}, {"do": "note", "text": "hi"}, {"do": "take"}, {"do": "pause"}, {"do": "answer", "seq": q["seq"], "value": "go"}):
            view.send(**intent)
            assert "only watches" in refusal(view), intent
        ann.send(do="dismiss", to=cat, why="thanks")
        assert "time as a guest is up" in view.until(lambda m: "refused" in m)["refused"]["why"]
        assert ann.kind("left", uid=CAT)["data"]["reason"]
        view.wait()
        ann.send(do="invite", to=cat, **{"for": "2h"})
        ann.kind("invited")
        view = place.attach_as(CAT, session, "--guest")
        view.asked("step", "a")
        ann.send(do="invite", to=cat, **{"for": "1s"})
        ann.kind("left", uid=CAT)
        view.wait()
        ann.walk()


def newcomers_and_presence():
    """somebody without a session in the journal is told so and suggested to navigate; who is here, idle or typing is told and never stored"""
    with team(change("a", "a")) as place:
        for first in (True, False):
            ann = place.run_as(ANN)
            assert ever(ann, lambda m: "you" in m)["you"].get("newcomer", False) is first
            ben = place.attach_as(BEN, ann.hello["session"])
            assert ever(ben, lambda m: "you" in m)["you"].get("newcomer", False) is first
            ben.send(do="here", typing=True)
            here = ann.until(lambda m: "presence" in m and any(p.get("typing") for p in m["presence"]))["presence"]
            assert {(p["who"], p["role"]) for p in here} == {(ann.hello["who"], "driver"), (ben.hello["who"], "navigator")} and all(p["active_us"] > 0 for p in here)
            # A key in every view is no reason to tell all of them each time: what comes in a moment is told once.
            count, began = sum("presence" in m for m in ann.seen), time.monotonic()
            for i in range(400):
                ben.send(do="here", typing=i % 2 == 1)
            ben.send(do="say", text="that was all")
            ann.kind("said")
            ann.send(do="say", text="seen")
            ann.until(lambda m: m.get("kind") == "said" and m["text"] == "seen")
            count = sum("presence" in m for m in ann.seen) - count
            assert count <= (time.monotonic() - began) / 0.2 + 2, count
            ben.end()
            ann.kind("left")
            ann.walk()
            gone(ann.pid)
            assert "typing" not in place.said(ANN, "log", str(ann.hello["session"]), "--format", "jsonl").stdout


if pair.why_not:
    print("1..1\nok 1 - agreement between two users # SKIP " + pair.why_not)
    sys.exit(0)
sys.exit(tap([what_is_shown, disagreeing, blank_reasons, too_old, agreement_that_waits, old_while_it_waits, one_attempt_and_no_other_command, doubted_again, driver_must_be_there, alone, guests,
              newcomers_and_presence]))
