#!/usr/bin/env python3
# detour.py - shells and commands by hand in a session, through JSON views: usage detour.py SCENARIO…
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside `fleet exec`, with BELLBOOK and BELLBOOK_JOURNAL. Prints "ok SCENARIO"; anything else is a fault."""
import json
import os
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from view import View  # noqa: E402

BELLBOOK = os.environ["BELLBOOK"]
FLEET = os.path.join(os.environ["REPO"], "tests/fleet/fleet")
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))

RUNBOOK = """
runbook { id = "walk", bellbook = 1, title = "Practice walk", about = "For detours.", params = { token = { type = "secret", ask = "Token?" } } }
change "wait" { title = "Wait for a file", why = "A step that runs.", gives = { "done" },
  run = function(s) ssh.run(s.fleet.hosts.app1 and "app1" or "app1", "echo one >>$HOME/ran-by-step")
    ssh.run("app1", "while ! [ -e $HOME/go-on ]; do sleep 0.05; done; echo two >>$HOME/ran-by-step") s.done = true end,
  done = function(s) return s.done == true end }
manual "hand" { title = "Look out of the window", why = "Fresh air." }
"""


def write(name, text):
    path = os.path.join(TMP, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def start(*steps, options=(), env=None):
    """A session whose runbook has the steps named (all without), and the view that drives it."""
    parts = RUNBOOK.split("\nchange ")
    parts = [parts[0], "change " + parts[1].split("\nmanual ")[0], "manual " + RUNBOOK.split("\nmanual ")[1]]
    text = "\n".join(p for p in parts if not steps or p.startswith("\nrunbook") or any('"%s"' % s in p.split("{")[0] for s in steps))
    if "secret" not in steps:
        text = text.replace(', params = { token = { type = "secret", ask = "Token?" } }', "")
    fleet = write("fleet.lua", 'fleet { name = "practice", ssh_config = "%s/ssh_config", hosts = { app1 = { transport = "libssh2" }, app2 = { transport = "ssh" } } }'
                  % os.environ["FLEET_STATE"])
    os.environ.update(env or {})
    return View(BELLBOOK, "run", write("walk.lua", text), "--fleet", fleet, "--json", *options)


def check(true, *what):
    if not true:
        sys.exit("fault: %s" % (what,))


def shell(view, host, **more):
    count = sum("accepted" in line for line in view.lines)
    view.send(do="detour", host=host, shell=True, **more)
    view.wait("accepted", lambda v: sum("accepted" in line or "refused" in line for line in v.lines) > count)
    return view.reply("accepted")["seq"]


def refused(view, **intent):
    count = sum("refused" in line for line in view.lines)
    view.send(**intent)
    view.wait("refused", lambda v: sum("refused" in line for line in v.lines) > count)
    return view.reply("refused")["why"]


def finish(view, of="manual"):
    asked = view.event(kind="asked", data_of=of)
    view.send(do="answer", seq=asked["seq"], value="done")
    check(view.close() == 0, "the session's end")


def session_of(view):
    return view.event(kind="session.opened")["seq"]


def attach(view, role="observer"):
    other = View(BELLBOOK, "attach", str(session_of(view)), "--role", role, "--json")
    other.wait("hello", lambda v: any("hello" in line for line in v.lines))
    return other


def shells():
    """On a host through each transport and here: size, resize, exit status; another view sees the same."""
    view = start("hand")
    view.event(kind="asked")
    other = attach(view)
    for host, status in (("app1", 7), ("app2", 8), ("here", 9)):
        seq = shell(view, host, rows=24, cols=80)
        view.type(seq, "echo $(stty size) $TERM a$((1+1))b\n")
        view.shows(seq, "24 80 xterm-256color a2b")
        view.send(do="detour.size", call=seq, rows=50, cols=132)
        view.event(kind="call.output", call="detour.%d/%s" % (status - 6, host), data_stream="size", data_rows=50)
        view.type(seq, "echo $(stty size) c$((1+1))d\n")
        view.shows(seq, "50 132 c2d")
        other.shows(seq, "50 132 c2d")
        view.type(seq, "exit %d\n" % status)
        ended = view.ended(seq)
        check(ended["outcome"] == "ok" and ended.get("exit") == status, host, ended)
        other.ended(seq)
        check(view.terminal(seq) == other.terminal(seq), "both see the same", host)
    typed = [line for line in view.lines if (line.get("data") or {}).get("stream") == "typed"]
    check(typed and all("text" not in t and "b64" not in t and t["who"] for t in typed), "typed without its keys", typed[:2])
    check(view.first(kind="asked") and not view.first(kind="answered"), "the question stays")
    finish(view)
    check(other.close() == 0, "the other view's end")


def commands():
    """One command on several hosts; the log says by whom and by hand; a failure is told."""
    view = start("hand")
    view.event(kind="asked")
    view.send(do="detour", hosts=["app1", "app2", "here"], cmd="echo on $(hostname); exit 3")
    seq = view.reply("accepted")["seq"]
    for host in ("app1", "app2", "here"):
        begun = view.event(kind="call.begun", call="detour.1/%s" % host)
        check(begun["data"]["of"] == "detour" and begun["data"]["effect"] == "change" and begun["who"] != "bellbook", begun)
        check(view.ended(begun["seq"]).get("exit") == 3, host)
        check("on " in view.terminal(begun["seq"]), host)
    check(view.first(kind="call.begun")["seq"] == seq, "the first call is named")
    view.send(do="detour", host="app1", cmd="sleep 600")
    seq = view.event(kind="call.begun", call="detour.2/app1")["seq"]
    view.send(do="detour.end", call=seq, why="too long")
    ended = view.ended(seq)
    check(ended["outcome"] == "canceled" and "too long" in ended["error"], ended)
    # One of several is stopped alone.
    view.send(do="detour", hosts=["app1", "here"], cmd="sleep 600")
    app1 = view.event(kind="call.begun", call="detour.3/app1")["seq"]
    here = view.event(kind="call.begun", call="detour.3/here")["seq"]
    view.send(do="cancel", call=here, why="only this one")
    check(view.ended(here)["outcome"] == "canceled", "the one")
    view.send(do="say", text="and the other?")
    view.event(kind="said")
    check(not view.first(kind="call.ended", call="detour.3/app1"), "the other goes on")
    view.send(do="cancel", call=app1, why="that too")
    check("only this one" not in view.ended(app1).get("error", ""), "its own reason")
    finish(view)


def refusals():
    """Who may not, what is no detour, and what comes too late."""
    view = start("hand")
    view.event(kind="asked")
    other = attach(view)
    check("only the driver" in refused(other, do="detour", host="app1", shell=True), "observer")
    check("no host app9" in refused(view, do="detour", host="app9", shell=True), "unknown host")
    check("say what to do" in refused(view, do="detour", host="app1", shell=True, cmd="ls"), "both")
    check("say what to do" in refused(view, do="detour", host="app1"), "neither")
    check("one host" in refused(view, do="detour", hosts=["app1", "app2"], shell=True), "a shell on two")
    check("no terminal" in refused(view, do="detour", host="app1", shell=True, rows=0), "no rows")
    check("no terminal" in refused(view, do="detour", host="app1", shell=True, term="x\x1b"), "odd type")
    check("no such detour" in refused(view, do="detour.input", call=1, bytes=""), "no call")
    seq = shell(view, "here")
    check("one detour" in refused(view, do="detour", host="app1", cmd="ls"), "two at once")
    check("only the driver" in refused(other, do="detour.input", call=seq, bytes="bHMK"), "typing of an observer")
    check("base64" in refused(view, do="detour.input", call=seq, bytes="!"), "no base64")
    check("1 to 1000" in refused(view, do="detour.size", call=seq, rows=0, cols=5), "size 0")
    view.send(do="detour.end", call=seq)
    check(view.ended(seq)["outcome"] == "canceled", "ended")
    check("no such detour" in refused(view, do="detour.input", call=seq, bytes="bHMK"), "late")
    finish(view)
    other.close()
    dry = start("hand", options=("--dry-run",))
    dry.send(do="detour", host="app1", cmd="ls")
    dry.wait("refusal or end", lambda v: any("refused" in line for line in v.lines) or v.first(kind="session.closed"))
    check(not dry.first(kind="call.begun", call="detour.1/app1"), "a dry run does nothing")
    dry.close()


def swallow(view, call, what):
    """Takes the output that came out of the view: its length, and whether it told the end."""
    length, over = 0, False
    view.wait(what, lambda v: any(line.get("kind") == "call.output" and line.get("call") == call for line in v.lines))
    for line in view.lines:
        if line.get("kind") == "call.output":
            length += len(line.get("text", line.get("b64", "")))
            over = over or "over2" in line.get("text", "")
    view.lines = [line for line in view.lines if line.get("kind") != "call.output"]
    return length, over


def flood():
    """An endless output is stopped by Ctrl-C, and what is typed ahead arrives."""
    view = start("hand")
    view.event(kind="asked")
    for host in ("app1", "app2", "here"):
        seq = shell(view, host)
        call, came = view.event(seq=seq)["call"], 0
        view.type(seq, "yes 0123456789abcdef\n")
        while came < 5000000:
            came += swallow(view, call, "5 MB")[0]
        view.type(seq, "\x03")
        view.type(seq, "echo over$((1+1))\n")
        while not swallow(view, call, "the end of the flood")[1]:
            pass
        view.type(seq, "exit\n")
        view.ended(seq)
    finish(view)


def losses():
    """The connection, the worker, the session's process: the shell's end is unknown, nothing is opened again, the question stays."""
    view = start("hand")
    view.event(kind="asked")
    for host in ("app1", "app2"):
        seq = shell(view, host)
        view.type(seq, "echo a$((1+1))b\n")
        view.shows(seq, "a2b")
        subprocess.run([FLEET, "break", "sshd-session", host, "all"], check=True, stdout=sys.stderr)
        ended = view.ended(seq)
        check(ended["outcome"] == "unknown" and "connection" in ended["error"], ended)
    seq = shell(view, "app1")
    view.type(seq, "echo a$((1+1))b\n")
    view.shows(seq, "a2b")
    worker = next(child for child in descendants(view.event(kind="session.opened")["data"]["process"]["pid"]) if is_worker(child))
    os.kill(worker, signal.SIGKILL)
    ended = view.ended(seq)
    check(ended["outcome"] == "unknown" and "not opened again" in ended["error"], ended)
    seq = shell(view, "app1")
    view.type(seq, "echo a$((1+1))b\n")
    view.shows(seq, "a2b")
    os.kill(view.event(kind="session.opened")["data"]["process"]["pid"], signal.SIGKILL)
    view.wait("gone", lambda v: any("gone" in line for line in v.lines))
    view.close()
    again = View(BELLBOOK, "resume", str(session_of(view)), "--json")
    check(again.event(kind="call.ended", call="detour.4/app1")["data"]["outcome"] == "unknown", "resumed")
    check(not again.first(kind="call.begun", call="detour.5/app1"), "opened again")
    finish(again)


def descendants(pid):
    found = []
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        for child in map(int, f.read().split()):
            found += [child] + descendants(child)
    return found


def is_worker(pid):
    """The fork server's child is the worker: of our program, with threads."""
    with open("/proc/%d/status" % pid, encoding="utf-8") as f:
        status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
    return int(status["Threads"]) > 1 and os.readlink("/proc/%d/exe" % pid) == os.path.realpath(BELLBOOK)


def people():
    """The view of the driver is killed: who comes back types on; when nobody does, the shell is ended and the others see it."""
    view = start("hand", env={"BELLBOOK_DETOUR_GRACE": "60s"})
    view.event(kind="asked")
    other = attach(view)
    seq = shell(view, "app1")
    view.process.kill()
    other.wait("left", lambda v: sum(line.get("kind") == "left" for line in v.lines) >= 1)
    back = attach(view, "driver")
    back.type(seq, "echo a$((1+1))b; exit 5\n")
    check(back.ended(seq).get("exit") == 5, "typed on")
    other.ended(seq)
    finish(back)
    other.close()
    view = start("hand", env={"BELLBOOK_DETOUR_GRACE": "0s"})
    view.event(kind="asked")
    other = attach(view)
    seq = shell(view, "app1")
    view.process.kill()
    other.event(kind="call.begun", call="detour.1/app1")
    ended = other.ended(seq)
    check(ended["outcome"] == "canceled" and "nobody" in ended["error"], ended)
    back = attach(view, "driver")
    finish(back)
    other.close()


def replay():
    """A detour while a step runs: killed in the middle, the step goes on with its own calls; each ran once."""
    subprocess.run([FLEET, "in", "app1", "sh", "-c", "rm -f /root/go-on /root/ran-by-step /home/*/go-on /home/*/ran-by-step"], check=True)
    view = start("wait", "hand")
    asked = view.event(kind="asked", data_of="step")
    view.send(do="answer", seq=asked["seq"], value="go")
    view.event(kind="call.begun", step="wait", call="2")
    view.send(do="detour", host="app1", cmd="echo by hand")
    view.ended(view.event(kind="call.begun", call="detour.1/app1")["seq"])
    seq = shell(view, "app1")
    view.type(seq, "echo a$((1+1))b\n")
    view.shows(seq, "a2b")
    os.kill(view.event(kind="session.opened")["data"]["process"]["pid"], signal.SIGKILL)
    view.wait("gone", lambda v: any("gone" in line for line in v.lines))
    view.close()
    again = View(BELLBOOK, "resume", str(session_of(view)), "--json")
    check(again.event(kind="call.ended", call="detour.2/app1")["data"]["outcome"] == "unknown", "the shell")
    seq = shell(again, "app1")
    again.type(seq, "touch ~/go-on; exit\n")
    again.ended(seq)
    check(again.event(kind="step.ended", step="wait")["data"]["state"] == "ok", "the step goes on")
    finish(again)
    ran = subprocess.run([FLEET, "in", "app1", "sh", "-c", "cat /root/ran-by-step /home/*/ran-by-step 2>/dev/null; true"], check=True, capture_output=True).stdout
    check(ran == b"one\ntwo\n", ran)
    begun = [line["call"] for line in again.lines if line.get("kind") == "call.begun" and line.get("step") == "wait"]
    check([c for c in begun if c.isdigit()] == ["1", "2"], begun)


def ends():
    """A shell open at the runbook's end keeps the session; aborting ends it."""
    view = start("hand")
    asked = view.event(kind="asked")
    seq = shell(view, "app1")
    view.send(do="answer", seq=asked["seq"], value="done")
    view.event(kind="step.ended", step="hand")
    view.type(seq, "echo a$((1+1))b\n")
    view.shows(seq, "a2b")
    check(not view.first(kind="session.closed"), "closed under a shell")
    view.type(seq, "exit\n")
    check(view.close() == 0, "closed after it")
    view = start("hand")
    view.event(kind="asked")
    seq = shell(view, "app1")
    view.send(do="abort", why="enough")
    ended = view.ended(seq)
    check(ended["outcome"] == "canceled" and "session" in ended["error"], ended)
    view.close()
    check(view.event(kind="session.closed")["data"]["outcome"] == "aborted", "aborted")


def secret():
    """A secret that the terminal shows is not in the record, nor on any screen."""
    view = start("hand", "secret")
    asked = view.event(kind="asked", data_of="parameter")
    view.send(do="answer", seq=asked["seq"], value="correct-horse-battery")
    view.event(kind="asked", data_of="manual")
    seq = shell(view, "app1")
    view.type(seq, "printf 'it is %s-%s\\n' correct-horse battery; echo a$((1+1))b\n")
    view.shows(seq, "a2b")
    check("it is [secret token]" in view.terminal(seq), view.terminal(seq))
    view.type(seq, "exit\n")
    view.ended(seq)
    finish(view)
    with open(os.environ["BELLBOOK_JOURNAL"], "rb") as f:
        check(b"correct-horse-battery" not in f.read(), "in the journal")
    log = subprocess.run([BELLBOOK, "log", str(session_of(view)), "--format", "jsonl"], check=True, capture_output=True).stdout
    check(b"correct-horse-battery" not in log and json.loads(log.splitlines()[0]), "in the log")


for scenario in sys.argv[1:]:
    globals()[scenario]()
    print("ok " + scenario)
