#!/usr/bin/env python3
# session-bounds.py - what a session may take and wait for has an end: processes that die or stop, descriptors, secrets' commands, looking ahead.
# SPDX-License-Identifier: GPL-3.0-or-later
import os
import resource
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from walk import PATIENCE, Place, gone, tap  # noqa: E402

HEAD = 'runbook { id = "t", bellbook = 1, title = "T" }\n'


def change(name, body, done="return true", more=""):
    return 'change "%s" { title = "%s", why = "w", %s run = function(s) %s end, done = function(s) %s end }\n' % (name, name.upper(), more, body, done)


def wait_for(test, what):
    end = time.monotonic() + PATIENCE
    while not test():
        if time.monotonic() > end:
            raise AssertionError("never: " + what)
        time.sleep(0.02)


def parent_of(pid):
    """0 for one that has ended: a zombie is nobody's process any more."""
    try:
        with open("/proc/%s/stat" % pid) as f:
            state, parent = f.read().rsplit(")", 1)[1].split()[:2]
            return 0 if state == "Z" else int(parent)
    except (OSError, ValueError):
        return 0


def children_of(pid):
    return [int(p) for p in os.listdir("/proc") if p.isdigit() and parent_of(p) == pid]


def fork_server_of(session):
    """The one child of a session; between one that was killed and the next there is none."""
    found = []

    def one():
        found[:] = children_of(session)
        return len(found) == 1
    wait_for(one, "one fork server")
    return found[0]


def worker_of(server):
    found = []

    def one():
        found[:] = children_of(server)
        return found
    wait_for(one, "a worker")
    return found[0]


def slow_secret_command():
    """a secret's command that closes its output and stays does not stop the session"""
    fleet = 'fleet { name = "f", extra = { pw = secret.command "echo s3cret-of-t; exec >&-; touch $W/closed; while ! [ -e $W/go ] && [ -d $W ]; do sleep 0.05; done" } }\n'
    with Place(HEAD + change("a", 'here.run("printf %s \\"$S\\" | cksum > $W/effects", { env = { S = s.fleet.extra.pw } })'), fleet) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        wait_for(lambda: os.path.exists(place.dir + "/closed"), "the command closes its output")
        for _ in range(2):
            v.send(do="note", text="are you there?")
            assert "accepted" in v.reply()
        place.write("go", "")
        assert v.walk()["outcome"] == "ok"
        want = subprocess.run("printf s3cret-of-t | cksum", shell=True, capture_output=True, text=True).stdout.strip()
        assert place.lines() == [want], place.lines()


def secret_command_leaves_a_child():
    """a secret's command is over when it ended, though something it left holds its output"""
    fleet = 'fleet { name = "f", extra = { pw = secret.command "echo s3cret-of-t; (while ! [ -e $W/go ] && [ -d $W ]; do sleep 0.1; done) &" } }\n'
    with Place(HEAD + change("a", 'here.run("echo $S | cut -c1-3 > $W/effects", { env = { S = s.fleet.extra.pw } })'), fleet) as place:
        v = place.run()
        assert v.walk()["outcome"] == "ok"
        place.write("go", "")
        assert place.lines() == ["s3c"], place.lines()


def secret_pipe():
    """a named pipe in the place of a secret's file is refused, and the value asked for"""
    fleet = 'fleet { name = "f", extra = { pw = secret.file "pw" } }\n'
    with Place(HEAD + change("a", 'here.run("echo $S | cut -c1-3 > $W/effects", { env = { S = s.fleet.extra.pw } })'), fleet) as place:
        os.mkfifo(place.dir + "/pw", 0o600)
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        asked = v.asked("secret")
        assert "named pipe" in asked["data"]["details"], asked
        v.answer(asked, "abcdef")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["abc"], place.lines()


def lease_pipe():
    """a named pipe in the place of a lease or a socket is refused in words by resume and attach, and nothing waits"""
    with Place(HEAD + change("a", 'here.run("echo a >> $W/effects")')) as place:
        v = place.run()
        v.asked("step", "a")
        session = v.hello["session"]
        v.kill()
        v.wait()
        gone(v.pid)
        run = place.journal + ".run"
        for name in ("%d.lease" % session, "%d.sock" % session):
            if os.path.lexists(run + "/" + name):
                os.remove(run + "/" + name)
            os.mkfifo(run + "/" + name, 0o600)
        for words in (["resume", str(session), "--json"], ["attach", str(session), "--json"], ["note", str(session), "x"]):
            done = place.bellbook(*words, check=False)
            assert done.returncode and ("named pipe" in done.stderr or words[0] == "attach"), (words, done)
        os.remove(run + "/%d.lease" % session)
        assert place.resume(session).walk()["outcome"] == "ok"
        assert place.lines() == ["a"], place.lines()


def holds_nothing():
    """a session keeps neither the folder nor the descriptors of whoever started it, nor does any process of it"""
    with Place(HEAD + change("a", 'here.run("pwd > $W/effects")')) as place:
        os.mkfifo(place.dir + "/held")
        fd = os.open(place.dir + "/held", os.O_RDWR)
        start = place.dir + "/start"
        os.mkdir(start)
        os.rename(place.dir + "/t.lua", start + "/t.lua")
        v = place.start(["run", "t.lua"], cwd=start, pass_fds=[fd])
        asked = v.asked("step", "a")
        server = fork_server_of(v.pid)
        pids = [v.pid, server, *children_of(server)]
        assert len(pids) == 3, pids
        for pid in pids:
            assert os.readlink("/proc/%d/cwd" % pid) != start, pid
            for link in os.listdir("/proc/%d/fd" % pid):
                assert not os.readlink("/proc/%d/fd/%s" % (pid, link)).endswith("/held"), (pid, link)
        os.close(fd)
        v.answer(asked, "go")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == [place.dir], place.lines()
        session = v.hello["session"]
        opened = place.log(session)[0]["data"]["runbook"]["path"]
        assert os.path.isabs(opened), opened


def running_step(place):
    """A view whose step waits in a command that has begun, and that ends when the file go is there."""
    v = place.run()
    v.answer(v.asked("step", "a"), "go")
    wait_for(lambda: place.lines() == ["begun"], "the command begins")
    return v


WAITS = change("a", 'here.run("echo begun >> $W/effects; while ! [ -e $W/go ] && [ -d $W ]; do sleep 0.05; done; echo ended >> $W/effects")') + change("b", 'here.run("echo b >> $W/effects")')


def killed(which):
    with Place(HEAD + WAITS) as place:
        v = running_step(place)
        for _ in range(3):
            server = fork_server_of(v.pid)
            worker = worker_of(server)
            # The server first: it would have another worker at once.
            for pid in {"server": [server], "both": [server, worker]}[which]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    assert pid == worker  # it goes with its server
            v.kind("worker.lost")
            wait_for(lambda: fork_server_of(v.pid) != server, "another fork server")
        place.write("go", "")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["begun", "ended", "b"], place.lines()
        place.verify()


def kill_fork_server():
    """the fork server killed while a command runs, three times: nothing twice, and the walk goes on"""
    killed("server")


def kill_both():
    """fork server and worker killed together, three times: nothing twice, and the walk goes on"""
    killed("both")


def kill_fork_server_before_go():
    """the fork server killed while a question is open: the answer counts and the command runs"""
    with Place(HEAD + change("a", 'here.run("echo a >> $W/effects")')) as place:
        v = place.run()
        asked = v.asked("step", "a")
        os.kill(fork_server_of(v.pid), signal.SIGKILL)
        v.kind("worker.lost")
        v.answer(asked, "go")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["a"], place.lines()


def kill_fork_server_and_abort():
    """the fork server killed while a command runs: abort ends the session"""
    with Place(HEAD + WAITS) as place:
        v = running_step(place)
        os.kill(fork_server_of(v.pid), signal.SIGKILL)
        v.send(do="abort", why="enough")
        assert v.walk()["outcome"] == "aborted"
        gone(v.pid)
        place.write("go", "")
        assert place.lines() == ["begun"], place.lines()


def looked(body, more=""):
    """The question of a step with that body, the events before it, and the session's greatest size in MiB."""
    with Place(HEAD + more + change("a", body, "return false")) as place:
        v = place.run()
        asked = v.asked("step", "a")
        with open("/proc/%d/status" % v.pid) as f:
            peak = [int(line.split()[1]) for line in f if line.startswith("VmHWM")][0] / 1024
        v.send(do="abort", why="seen")
        assert v.walk()["outcome"] == "aborted"
        return asked["data"], [m for m in v.seen if "kind" in m and m["seq"] < asked["seq"]], peak


def look_ends_at_sleep():
    """looking ahead ends at the first sleep: a wait loop over now() and sleep is not walked"""
    data, before, _ = looked('here.run("first") local t = now() while now() < t + 3600 do sleep "1s" end here.run("second")')
    assert [c["shown"] for c in data["commands"]] == ["first"], data
    assert len(before) < 30, len(before)


def look_at_retry():
    """looking ahead at a retry without end has an end"""
    data, before, _ = looked('retry({ times = 1000000, every = "0s" }, function() return here.run("again").out == "x" end)')
    assert [c["shown"] for c in data["commands"]] == ["again"], data
    assert len(before) < 30, len(before)


def look_at_loops():
    """looking ahead at loops of calls without end has an end, whatever they call and catch"""
    for body in ('while true do now() end', 'while true do s:note("x") end', 'while true do pcall(here.run, "x", { nonsense = 1 }) end', 'while true do random() end',
                 'while true do pcall(each, { "a", "b" }, function(x) now() end) end',
                 'local t = {} for i = 1, 15 do t = { a = t, b = t } end while true do pcall(here.run, "x", { env = t }) end'):
        data, before, peak = looked(body)
        assert len(before) < 1000, (body, len(before))
        assert peak < 300, (body, peak)


def look_at_output():
    """looking ahead at reads without end has an end in bytes, and says so"""
    with Place(HEAD + change("a", 'while true do here.read("head -c 900000 /dev/zero | tr \'\\\\0\' x") end', "return false")) as place:
        v = place.run()
        asked = v.asked("step", "a")
        assert "reads too much" in str(asked["data"]), asked
        stored = sum(os.path.getsize(place.journal + suffix) for suffix in ("", "-wal"))
        assert stored < 16 << 20, stored
        v.send(do="abort", why="seen")
        assert v.walk()["outcome"] == "aborted"


def each_in_each():
    """each inside each without end is refused in words, within the memory of a runbook"""
    data, _, peak = looked('local function f(h) each({ "a", "b" }, f) end f("a")')
    assert "inside each other" in data["details"], data
    assert peak < 150, peak


def bad_numbers():
    """times and counts that are none are refused in words: not a number, endless, negative, too large"""
    # What bellbook check sees as it stands there is refused before; these are computed.
    for call, words in (('sleep(0/0)', "duration"), ('sleep(1/0)', "duration"), ('sleep(-1)', "duration"), ('sleep(1e308)', "duration"), ('sleep("99999999d")', "duration"),
                        ('retry({ times = tonumber("1e18"), every = "0s" }, function() end)', "times"), ('retry({ times = 0/0 }, function() end)', "times"),
                        ('retry({ times = -1 }, function() end)', "times"), ('retry({ times = tonumber("1.5") }, function() end)', "times"),
                        ('here.run("x", { timeout = -1 })', "timeout"), ('here.run("x", { timeout = 1e300 })', "timeout"), ('here.run("x", { grace = "99999999d" })', "grace")):
        with Place(HEAD + change("a", call, "return false")) as place:
            v = place.run()
            v.answer(v.asked("step", "a"), "go")
            failed = v.asked("failure", "a")
            assert words in failed["data"]["text"] + failed["data"]["details"], (call, failed)
            v.send(do="abort", why="seen")
            assert v.walk()["outcome"] == "aborted"


def meter_without_end():
    """a meter that goes on without end does not hold the session up"""
    more = 'meter = function(s) while true do pcall(now) end end,'
    with Place(HEAD + change("a", 'here.run("while ! [ -e $W/go ] && [ -d $W ]; do sleep 0.05; done")', more=more)) as place:
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        v.until(lambda m: m.get("kind") == "call.progress" and "without end" in m["data"].get("text", ""))
        v.send(do="note", text="are you there?")
        assert "accepted" in v.reply()
        place.write("go", "")
        assert v.walk()["outcome"] == "ok"


def few_descriptors():
    """with 64 descriptors for everything, commands on more hosts than that wait their turn: nothing dies, nothing is lost"""
    hosts = ["h%d" % i for i in range(40)]
    fleet = 'fleet { name = "f", hosts = { %s }, roles = { all = { %s } } }\n' % (", ".join(h + " = {}" for h in hosts), ", ".join('"%s"' % h for h in hosts))
    body = 'local r = each(s:all "all", function(h) local ok, why = pcall(ssh.read, h, "true") return ok and "in" or tostring(why) end, { at_once = 40 }) local n = 0 for _ in pairs(r) do n = n + 1 end s:note("answers: " .. n)'
    with Place(HEAD + 'observe "a" { title = "A", run = function(s) %s end }\n' % body, fleet) as place:
        place.write("ssh_config", "Host *\n HostName 127.0.0.1\n Port 1\n UserKnownHostsFile /dev/null\n")
        place.env["BELLBOOK_SSH_CONFIG"] = place.dir + "/ssh_config"
        v = place.start(["run", place.dir + "/t.lua"], preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
        ended, losses = set(), 0
        end = time.monotonic() + PATIENCE
        while len(ended) < 1 and time.monotonic() < end:
            m = v.next()
            losses += m.get("kind") == "worker.lost"
            if m.get("kind") in ("call.ended", "link.changed"):
                ended.add(m["host"])
        assert ended and not losses, (ended, losses)
        v.send(do="abort", why="seen")
        assert v.walk()["outcome"] == "aborted"
        assert not [m for m in v.seen if m.get("kind") == "worker.lost"]


# In the place of ssh: a master that says it is connected, and a client that runs the command here.
SSH = """#!/bin/sh
case "$*" in
*" -G "* | -G*) printf 'hostname 127.0.0.1\\nuser u\\nport 22\\n' ;;
*-MNT*) echo connected; exec sleep 1000 ;;
*) for last; do :; done; exec sh -c "$last" ;;
esac
"""


def many_hosts(count, files, at_once):
    hosts = ["h%d" % i for i in range(count)]
    fleet = 'fleet { name = "f", hosts = { %s }, roles = { all = { %s } } }\n' % (", ".join(h + ' = { transport = "ssh" }' for h in hosts), ", ".join('"%s"' % h for h in hosts))
    body = ('local r = each(s:all "all", function(h) local ok, a = pcall(ssh.read, h, "echo in") return ok and trim(a.out) or tostring(a) end, { at_once = %d }) '
            'local n, other = 0, "" for _, said in pairs(r) do if said == "in" then n = n + 1 else other = said end end s:note("in: " .. n .. " " .. other)') % at_once
    with Place(HEAD + 'observe "a" { title = "A", run = function(s) %s end }\n' % body, fleet) as place:
        os.mkdir(place.dir + "/bin")
        place.write("bin/ssh", SSH)
        os.chmod(place.dir + "/bin/ssh", 0o700)
        place.env["PATH"] = place.dir + "/bin:" + place.env["PATH"]
        v = place.start(["run", place.dir + "/t.lua"], preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)))
        assert v.walk()["outcome"] == "ok"
        said = [m["text"] for m in v.seen if m.get("kind") == "note"]
        assert "in: %d " % count in said, said[-3:]
        assert not [m for m in v.seen if m.get("kind") == "worker.lost"]
        place.verify()
        return [m for m in v.seen if m.get("kind") == "call.output" and "ulimit -n" in m.get("text", "")]


def two_thousand_hosts():
    """with 1,024 descriptors, a step over 2,000 hosts at once: each waits for its place, and answers; nothing dies"""
    many_hosts(2000, 1024, 500)


def few_for_many():
    """with 64 descriptors, a step over 120 hosts at once: each waits for its place, and answers; nothing dies"""
    many_hosts(120, 64, 120)


def stopped_worker():
    """a worker that was stopped is said, with what helps; abort does not wait for it"""
    with Place(HEAD + WAITS) as place:
        v = running_step(place)
        worker = worker_of(fork_server_of(v.pid))
        os.kill(worker, signal.SIGSTOP)
        v.until(lambda m: m.get("kind") == "note" and "kill -CONT %d" % worker in m.get("text", ""))
        os.kill(worker, signal.SIGCONT)
        v.until(lambda m: m.get("kind") == "note" and "goes on" in m.get("text", ""))
        os.kill(worker, signal.SIGSTOP)
        v.send(do="abort", why="enough")
        assert v.walk()["outcome"] == "aborted"
        assert place.lines() == ["begun"], place.lines()


STUCK = 'string.find(("a"):rep(5000), ("a*"):rep(30) .. "b")'


def stuck(text, answers, reached):
    """A session in which Lua stays inside one function: its view is told, comes back, and gets to the question that reached names, whose words say why. Then abort ends it."""
    with Place(HEAD + text) as place:
        place.env["BELLBOOK_LUA_SECONDS"] = "0.7"
        v = place.run()
        for of, value in answers:
            v.answer(v.asked(of), value)
        note = v.until(lambda m: m.get("kind") == "note" and "function of Lua" in m.get("text", ""))
        assert note["who"] == "bellbook", note
        v.kind("session.resumed")
        asked = v.asked(*reached)
        v.send(do="abort", why="seen")
        assert v.walk()["outcome"] == "aborted"
        gone(v.pid)
        place.verify()
        return note, asked, place.lines()


def stuck_run():
    """Lua stays inside one function: the words reach view and journal, the step has failed, abort ends it"""
    note, asked, effects = stuck(change("a", 'here.run("echo a >> $W/effects") here.read("true") ' + STUCK + ' here.run("echo b >> $W/effects")'), [("step", "go")], ("failure", "a"))
    assert note["step"] == "a" and "resume" not in note["text"], note
    assert "function of Lua" in asked["data"]["text"] + asked["data"]["details"], asked
    assert effects == ["a"], effects


def stuck_each():
    """Lua stays inside one function in a branch of each, while another branch's command runs: nothing twice"""
    body = 'each({ "x", "y" }, function(k) here.run("echo " .. k .. " >> $W/effects; sleep 0." .. (k == "x" and 1 or 7)) here.read("true") if k == "x" then ' + STUCK + ' end end, { at_once = 2 })'
    _, asked, effects = stuck(change("a", body), [("step", "go")], ("failure", "a"))
    assert sorted(effects) == ["x", "y"], effects


def stuck_done():
    """Lua stays inside one function in the check after a step: it ran, and the failure says that it could not be checked"""
    _, asked, effects = stuck(change("a", 'here.run("echo a >> $W/effects")', 'if here.read("test -e $W/effects", { check = false }).ok then ' + STUCK + ' end return false'),
                              [("step", "go")], ("failure", "a"))
    assert "could not be checked" in asked["data"]["text"] + asked["data"]["details"], asked
    assert effects == ["a"], effects


def stuck_look():
    """Lua stays inside one function before the question, in a step's when, its check, or its function: the question comes, with the words"""
    stuck(change("a", 'here.run("echo a >> $W/effects")', STUCK + " return false"), [], ("step", "a"))
    _, asked, _ = stuck(change("a", STUCK, "return false"), [], ("step", "a"))
    assert "function of Lua" in asked["data"]["details"], asked
    _, asked, _ = stuck(change("a", 'here.run("true")', more="when = function(s) %s return true end," % STUCK), [], ("failure", "a"))
    assert "function of Lua" in asked["data"]["text"] + asked["data"]["details"], asked


def stuck_meter():
    """Lua stays inside one function in a meter: the step goes on without it"""
    text = change("a", 'here.run("echo a >> $W/effects; while ! [ -e $W/go ] && [ -d $W ]; do sleep 0.05; done")', more="meter = function(s) %s return 1 end," % STUCK)
    with Place(HEAD + text) as place:
        place.env["BELLBOOK_LUA_SECONDS"] = "0.7"
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        v.until(lambda m: m.get("kind") == "note" and "function of Lua" in m.get("text", ""))
        v.kind("session.resumed")
        v.until(lambda m: m.get("kind") == "call.progress" and "function of Lua" in m["data"].get("text", ""))
        place.write("go", "")
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["a"], place.lines()


def stuck_parameter():
    """Lua stays inside one function in the pattern of a parameter: the words come, and the question comes again"""
    text = 'runbook { id = "t", bellbook = 1, title = "T", params = { p = { pattern = ("a*"):rep(30) .. "b", ask = "p?" } } }\n' + change("a", 'here.run("true")')
    with Place(text) as place:
        place.env["BELLBOOK_LUA_SECONDS"] = "0.7"
        v = place.run()
        v.answer(v.asked("parameter"), "a" * 3000)
        v.until(lambda m: m.get("kind") == "note" and "function of Lua" in m.get("text", ""))
        v.kind("session.resumed")
        v.send(do="abort", why="seen")
        assert v.walk()["outcome"] == "aborted"


def stuck_mended():
    """Lua stays inside one function and is mended: the step is done"""
    broken = change("a", 'here.run("echo a >> $W/effects") here.read("true") ' + STUCK + ' here.run("echo b >> $W/effects")')
    with Place(HEAD + broken) as place:
        place.env["BELLBOOK_LUA_SECONDS"] = "0.7"
        v = place.run()
        v.answer(v.asked("step", "a"), "go")
        v.kind("session.resumed")
        asked = v.asked("failure", "a")
        v.kill()
        v.wait()
        gone(v.pid)
        place.write("t.lua", HEAD + broken.replace(STUCK, ""))
        v = place.resume(v.hello["session"])
        assert v.walk({"failure": "retry"})["outcome"] == "ok"
        assert place.lines() == ["a", "a", "b"], (place.lines(), asked)


def stuck_loading():
    """Lua stays inside one function while a runbook that is resumed loads: that is refused in these words"""
    with Place(HEAD + change("a", 'here.run("true")')) as place:
        v = place.run()
        v.asked("step", "a")
        v.kill()
        v.wait()
        gone(v.pid)
        place.write("t.lua", HEAD + STUCK + "\n" + change("a", 'here.run("true")'))
        done = place.bellbook("resume", str(v.hello["session"]), "--json", check=False)
        assert done.returncode == 2 and "inside one function of Lua" in done.stderr, done
        place.write("t.lua", HEAD + change("a", 'here.run("true")'))
        assert place.resume(v.hello["session"]).walk()["outcome"] == "ok"


STUCKS = [stuck_run, stuck_each, stuck_done, stuck_look, stuck_meter, stuck_parameter, stuck_mended, stuck_loading]
LOOKS = [look_ends_at_sleep, look_at_retry, look_at_loops, look_at_output, each_in_each, bad_numbers, meter_without_end, few_descriptors, few_for_many, two_thousand_hosts, stopped_worker]
TESTS = LOOKS + STUCKS + [slow_secret_command, secret_command_leaves_a_child, secret_pipe, lease_pipe, holds_nothing, kill_fork_server, kill_both, kill_fork_server_before_go, kill_fork_server_and_abort]

if __name__ == "__main__":
    sys.exit(tap(TESTS))
