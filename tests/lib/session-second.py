#!/usr/bin/env python3
# session-second.py - who is no second person: uids that anybody can take on, accounts without a person, one person with two accounts.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import pair  # noqa: E402
from pair import ANN, BEN, CAT, DROP, TEAM, ever, refusal, team  # noqa: E402
from walk import View, tap  # noqa: E402

pair.enter()
STRANGER = 61009  # no account has it

# As sudo does it: a process of the first account stays, its child becomes the second one.
SUDO = "import os, sys; os.setgid(%d); os.setgroups([]); os.setresuid(int(sys.argv[1]), int(sys.argv[1]), 0); pid = os.fork()\n" \
       "if pid: sys.exit(os.waitpid(pid, 0)[1] != 0)\n" \
       "os.setresuid(0, 0, 0); os.setresuid(*[int(sys.argv[2])] * 3); os.execv(sys.argv[3], sys.argv[3:])" % TEAM
# A program with the rights of its owner: who started it stays its real account.
SETUID = "import os, sys; os.setgid(%d); os.setgroups([]); os.setresuid(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[2])); os.execv(sys.argv[3], sys.argv[3:])" % TEAM
# A login of the first account, and then the second one without any process of the first.
LOGIN = "import os, sys; open('/proc/self/loginuid', 'w').write(sys.argv[1]); os.setgid(%d); os.setgroups([]); os.setresuid(*[int(sys.argv[2])] * 3)\n" \
        "os.execv(sys.argv[3], sys.argv[3:])" % TEAM


def by(place, way, first, second, session, *words):
    """A view of the second account, come about in that way from the first."""
    return View(place, ["-c", way, str(first), str(second), place.program, "attach", str(session), *words], program=sys.executable, env=place.environment(BEN))


def in_namespace(place, *words):
    """What ann gets without any rights: a process in a user namespace of her own, as one of her subordinate uids."""
    return View(place, ["-r", "--map-auto", "setpriv", "--reuid", "1", "--keep-groups", place.program, *words], program=shutil.which("unshare"),
                env=place.environment(ANN), popen=place.as_user(ANN))


def at_approval(place, other):
    """Ann asks for agreement while the other view is there. (ann, other, question)"""
    ann = place.run_as(ANN)
    step = ann.asked("step", "drop")
    view = other(ann.hello["session"])
    view.until(lambda m: "you" in m)
    ann.answer(step, "go")
    ann.asked("approval")
    return ann, view, view.asked("approval")


def agrees_in_vain(place, other, words, role="observer"):
    """The other view's agreement is refused with those words, and nothing ran; then a real second person's counts."""
    ann, view, question = at_approval(place, other)
    assert view.hello["role"] == role, view.hello
    if role == "observer":
        assert words in ever(view, lambda m: "you" in m)["you"]["why"]
        view.send(do="take", why="mine")
        assert "does not drive" in refusal(view)
    view.answer(question, "example.org", why="looks fine")
    why = refusal(view)
    assert words in why, why
    assert place.lines() == [] and not [m for m in ann.seen if m.get("kind") == "approval.given"]
    cat = place.attach_as(CAT, ann.hello["session"])
    cat.answer(cat.asked("approval"), "example.org", why="I looked at it")
    assert ann.walk()["outcome"] == "ok"
    assert place.lines() == ["drop"]
    given = [m["who"] for m in ann.seen if m.get("kind") == "approval.given"]
    assert given == [cat.hello["who"]], given
    for v in (view, cat):
        v.end()
    return ann, view


def may_map():
    """Whether a user of this computer gets subordinate uids."""
    words = ["unshare", "-r", "--map-auto", "setpriv", "--reuid", "1", "true"]
    return pair.subordinate() and all(map(shutil.which, ("unshare", "newuidmap", "setpriv"))) and \
        subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, **pair.Pair.as_user(ANN)).returncode == 0


def subordinate_uid():
    """a subordinate uid of the driver's, from a user namespace that needs no rights, only observes"""
    if not may_map():
        return "no subordinate uids here"
    with team(DROP) as place:
        agrees_in_vain(place, lambda session: in_namespace(place, "attach", str(session), "--role", "driver"), "uid 100000")


def subordinate_account():
    """an account whose uid lies in a range of /etc/subuid only observes"""
    if not pair.subordinate():
        return "no /etc/subuid here"
    with team(DROP) as place:
        taken = {"user": pair.TAKEN, "group": TEAM, "extra_groups": [], "umask": 0o077}
        agrees_in_vain(place, lambda session: View(place, ["attach", str(session)], program=place.program, env=place.environment(BEN), popen=taken),
                       "that ann may take on (/etc/subuid)")


def own_namespace():
    """in a session that runs in a namespace of the driver's making nobody is a second person"""
    if not may_map():
        return "no subordinate uids here"
    with team(DROP) as place:
        ann = View(place, ["-r", "--map-auto", place.program, "run", place.dir + "/t.lua"], program=shutil.which("unshare"), env=place.environment(ANN), popen=place.as_user(ANN))
        step = ann.asked("step", "drop")
        assert ann.hello["role"] == "driver", ann.hello
        words = ["--user=/proc/%d/ns/user" % ann.pid, "--setuid", "1", "--setgid", "0", place.program, "attach", str(ann.hello["session"])]
        daemon = View(place, words, program=shutil.which("nsenter"), env=place.environment(ANN), popen=place.as_user(ANN))
        assert "nobody can be told apart" in daemon.until(lambda m: "you" in m)["you"]["why"]
        assert (daemon.hello["role"], daemon.hello["uid"]) == ("observer", 1), daemon.hello
        ann.answer(step, "go")
        daemon.answer(daemon.asked("approval"), "example.org", why="fine")
        assert "nobody can be told apart" in refusal(daemon)
        assert place.lines() == []
        ann.send(do="abort", why="enough")
        ann.walk()


def no_account():
    """a uid that no account has only observes, with and without people in the fleet file"""
    stranger = {"user": STRANGER, "group": TEAM, "extra_groups": [], "umask": 0o077}
    with team(DROP) as place:
        agrees_in_vain(place, lambda session: View(place, ["attach", str(session), "--role", "navigator"], program=place.program, env=place.environment(BEN), popen=stranger),
                       "uid 61009 has no account")
    with team(DROP, extra=', people = { "%s", "%s", "uid 61009" }' % (pair.name(ANN), pair.name(CAT))) as place:
        agrees_in_vain(place, lambda session: View(place, ["attach", str(session)], program=place.program, env=place.environment(BEN), popen=stranger),
                       "uid 61009 has no account")


def nobody():
    """the uid that stands for whatever cannot be seen only observes"""
    untold = {"user": 65534, "group": TEAM, "extra_groups": [], "umask": 0o077}
    with team(DROP) as place:
        agrees_in_vain(place, lambda session: View(place, ["attach", str(session)], program=place.program, env=place.environment(BEN), popen=untold), "stands for every account")


def setuid_program():
    """a program with another account's rights, started by the driver, only observes"""
    with team(DROP) as place:
        agrees_in_vain(place, lambda session: by(place, SETUID, ANN, BEN, session), "uid 61001 started it")


def by_sudo():
    """another account that the driver became by sudo is not a second person; nor is root"""
    with team(DROP) as place:
        agrees_in_vain(place, lambda session: by(place, SUDO, ANN, BEN, session), "started by a program of ann (sudo, su)", role="navigator")
    with team(DROP) as place:
        agrees_in_vain(place, lambda session: View(place, ["attach", str(session)], program=place.program, env=place.environment(BEN)), "root is everybody", role="navigator")


def one_login():
    """two accounts of one login are one person, who gives nobody the second word by passing the wheel; the journal names the login"""
    probe = subprocess.run([sys.executable, "-c", LOGIN, str(ANN), str(BEN), "/bin/true"], capture_output=True)
    if probe.returncode != 0:
        return "the kernel keeps no logins here"
    with team(DROP) as place:
        ann, ben = agrees_in_vain(place, lambda session: by(place, LOGIN, ANN, BEN, session), "come from a login of ann", role="navigator")
        joined = [m["data"] for m in ann.seen if m.get("kind") == "joined" and m["who"] == ben.hello["who"]]
        assert [d.get("login") for d in joined] == [ann.hello["who"]], joined
    with team(DROP) as place:
        ann = place.run_as(ANN)
        ann.asked("step", "drop")
        ben = by(place, LOGIN, ANN, BEN, ann.hello["session"])
        step = ben.asked("step", "drop")
        ann.send(do="give", to=ben.hello["who"])
        ben.answer(ben.asked("wheel"), "accept")
        ben.kind("wheel.passed")
        ben.answer(step, "go")
        ann.answer(ann.asked("approval"), "example.org", why="fine")
        assert "come from a login of ann" in refusal(ann)
        ben.send(do="abort", why="x")
        ben.walk()
        assert place.lines() == []


def one_name():
    """two accounts for which the fleet file's people have one name are one person; the waiver of who is alone still counts"""
    extra = ', people = { ann = "Ann", ben = "Ann", cat = "Cat" }'
    with team(DROP, extra=extra) as place:
        agrees_in_vain(place, lambda session: place.attach_as(BEN, session), "are both Ann", role="navigator")
    with team(DROP, extra=extra, alone="waiver") as place:
        ann, ben, question = at_approval(place, lambda session: place.attach_as(BEN, session))
        ben.answer(question, "example.org", why="fine")
        assert "are both Ann" in refusal(ben)
        ann.answer(question, "example.org", why="nobody else is awake")
        assert ann.walk()["outcome"] == "ok"
        given = [m["data"] for m in ann.seen if m.get("kind") == "approval.given"]
        assert [(g["by"], g["waiver"]) for g in given] == [(ann.hello["who"], True)], given


if pair.why_not:
    print("1..1\nok 1 - who is no second person # SKIP " + pair.why_not)
    sys.exit(0)
sys.exit(tap([subordinate_uid, subordinate_account, own_namespace, no_account, nobody, setuid_program, by_sudo, one_login, one_name]))
