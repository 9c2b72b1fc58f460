#!/usr/bin/env python3
# session-procs.py - any process of a session is killed or stopped: it goes on, or says what is known, and abort ends it.
# SPDX-License-Identifier: GPL-3.0-or-later
import getpass
import os
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from walk import PATIENCE, Place, gone, tap  # noqa: E402

HEAD = 'runbook { id = "t", bellbook = 1, title = "T" }\n'
PASSPHRASE = "correct-horse-battery"


def change(name, body):
    return 'change "%s" { title = "%s", why = "w", run = function(s) %s end, done = function(s) return true end }\n' % (name, name.upper(), body)


def waits(call):
    """A step whose command has begun and ends when the file go is there; then another."""
    script = "echo begun >> $W/effects; while ! [ -e $W/go ] && [ -d $W ]; do sleep 0.05; done; echo ended >> $W/effects"
    return change("a", call % script) + change("b", 'here.run("echo b >> $W/effects")')


def wait_for(test, what):
    end = time.monotonic() + PATIENCE
    while True:
        found = test()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("never: " + (what() if callable(what) else what))
        time.sleep(0.02)


def stat_of(pid):
    """(state, parent); of one that is gone, those of a zombie of nobody."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            state, parent = f.read().rsplit(")", 1)[1].split()[:2]
            return state, int(parent)
    except (OSError, ValueError):
        return "Z", 0


def words_of(pid):
    try:
        with open("/proc/%d/cmdline" % pid) as f:
            return f.read().replace("\0", " ").strip()
    except OSError:
        return ""


def descendants(pid):
    parents = {int(p): stat_of(int(p)) for p in os.listdir("/proc") if p.isdigit()}
    found, more = [], [pid]
    while more:
        one = more.pop()
        for p, stat in parents.items():
            if stat[1] == one and stat[0] != "Z":
                found.append(p)
                more.append(p)
    return found


def one(v, *words):
    """The one process under the session whose command line has the words."""
    return wait_for(lambda: [p for p in descendants(v.pid) if all(w in words_of(p) for w in words)], "a process with %s" % (words,))[0]


class Far(Place):
    """A place with an sshd of its own: far (system's ssh), far2 (libssh2), locked (system's ssh, a key with a passphrase)."""

    def __init__(self, runbook):
        super().__init__(runbook, 'fleet { name = "f", hosts = { far = { transport = "ssh" }, far2 = { transport = "libssh2" }, locked = { transport = "ssh" } } }\n')
        # Below the ports that connections get by themselves, so that nobody takes it meanwhile.
        self.port = 20000 + os.getpid() % 10000
        while self._answers():
            self.port += 1
        for name, passphrase in (("host", ""), ("id", ""), ("id_enc", PASSPHRASE)):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", self.dir + "/" + name], check=True)
        self.write("authorized", "".join(open(self.dir + "/%s.pub" % n).read() for n in ("id", "id_enc")))
        self.write("known", "[127.0.0.1]:%d %s" % (self.port, open(self.dir + "/host.pub").read()))
        self.write("sshd_config", "ListenAddress 127.0.0.1\nPort %d\nHostKey %s/host\nPidFile none\nUsePAM no\nStrictModes no\nAuthorizedKeysFile %s/authorized\n"
                   "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nSetEnv HOME=%s W=%s\n" % (self.port, self.dir, self.dir, self.dir, self.dir))
        self.write("ssh_config", "Host *\n HostName 127.0.0.1\n Port %d\n User %s\n UserKnownHostsFile %s/known\n IdentitiesOnly yes\n IdentityAgent none\n"
                   "Host far far2\n IdentityFile %s/id\nHost locked\n IdentityFile %s/id_enc\n" % (self.port, getpass.getuser(), self.dir, self.dir, self.dir))
        self.env["BELLBOOK_SSH_CONFIG"] = self.dir + "/ssh_config"
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        self.sshd = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", self.dir + "/sshd_config"], env=self.env, stderr=open(self.dir + "/sshd.log", "w"))
        wait_for(self._answers, "an sshd")

    def _answers(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, kind, value, trace):
        self.sshd.kill()
        self.sshd.wait()
        return super().__exit__(kind, value, trace)


def begin(place, *words):
    v = place.run(*words)
    v.answer(v.asked("step", "a"), "go")
    return v


def running(place):
    v = begin(place)
    wait_for(lambda: place.lines() == ["begun"], "the command begins")
    return v


def ends_well(place, v, effects=("begun", "ended", "b")):
    place.write("go", "")
    assert v.walk()["outcome"] == "ok"
    assert place.lines() == list(effects), place.lines()
    place.verify()


def abort(place, v):
    v.send(do="abort", why="enough")
    assert v.walk()["outcome"] == "aborted"
    gone(v.pid)
    place.verify()
    wait_for(lambda: not left(place, v), lambda: "nothing is left of it: %s" % [(p, stat_of(p), words_of(p)[:200]) for p in left(place, v)])


def left(place, *views):
    """Processes of the place that are neither its sshd nor its views."""
    mine = [x.proc.pid for x in views]
    if getattr(place, "sshd", None):
        mine += [place.sshd.pid] + descendants(place.sshd.pid)
    found = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % p, "rb") as f:
                if ("W=" + place.dir).encode() + b"\0" in f.read() and int(p) not in mine and stat_of(int(p))[0] != "Z":
                    found.append(int(p))
        except (OSError, TypeError):
            pass
    return found


def stopped(v, pid):
    """Stopped, and a note says which process, and what helps; let go on, another says so."""
    os.kill(pid, signal.SIGSTOP)
    v.until(lambda m: m.get("kind") == "note" and "kill -CONT %d" % pid in m.get("text", ""))
    os.kill(pid, signal.SIGCONT)
    v.until(lambda m: m.get("kind") == "note" and "goes on" in m.get("text", "") and str(pid) in m["text"])


SSH = {"master": ("far", ("ssh", "-MNT")), "client": ("far", ("ssh", "-T -S"))}


def kill_ssh():
    """master or client of the system's ssh killed while a command runs, three times: found again, nothing twice"""
    for host, words in SSH.values():
        with Far(HEAD + waits('ssh.run("%s", "%%s")' % host)) as place:
            v = running(place)
            for _ in range(3):
                pid = one(v, *words)
                os.kill(pid, signal.SIGKILL)
                wait_for(lambda p=pid: [x for x in descendants(v.pid) if x != p and all(w in words_of(x) for w in words)], "another")
            ends_well(place, v)


def stop_ssh():
    """master or client of the system's ssh stopped: said with what helps, and it goes on; abort ends it"""
    for host, words in SSH.values():
        with Far(HEAD + waits('ssh.run("%s", "%%s")' % host)) as place:
            v = running(place)
            stopped(v, one(v, *words))
            ends_well(place, v)
        with Far(HEAD + waits('ssh.run("%s", "%%s")' % host)) as place:
            v = running(place)
            os.kill(one(v, *words), signal.SIGSTOP)
            abort(place, v)


def job_processes(place):
    """Processes of the job: those with the place in their environment that are no bellbook."""
    found = []
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % p, "rb") as f:
                if ("W=" + place.dir).encode() + b"\0" in f.read() and "bellbook" not in os.readlink("/proc/%s/exe" % p):
                    found.append(int(p))
        except OSError:
            pass
    return found


def reader(place, v):
    """The worker's own child under which the reading command runs."""
    def found():
        ours = [p for p in descendants(v.pid) if "bellbook" in words_of(p).split(" ")[0]]
        return [p for p in shells_of(place) if stat_of(p)[1] in ours]
    return wait_for(found, "a shell")[0]


def read_here():
    """the shell of a reading command on this computer killed: it is read again, or failed in words; stopped: said; abort ends it"""
    body = 'local r = here.read("echo begun >> $W/effects; while ! [ -e $W/go ] && [ -d $W ]; do sleep 0.05; done; echo out", { check = false }) here.run("echo " .. tostring(r.signal) .. trim(r.out) .. " >> $W/effects")'
    with Place(HEAD + change("a", "here.run('true') " + body)) as place:
        v = running(place)
        os.kill(reader(place, v), signal.SIGKILL)
        place.write("go", "")
        assert v.walk()["outcome"] == "ok"
        assert place.lines()[-1] == "nilout", place.lines()
    with Place(HEAD + change("a", "here.run('true') " + body)) as place:
        v = running(place)
        stopped(v, reader(place, v))
        place.write("go", "")
        assert v.walk()["outcome"] == "ok"
    with Place(HEAD + change("a", "here.run('true') " + body)) as place:
        v = running(place)
        os.kill(reader(place, v), signal.SIGSTOP)
        abort(place, v)


def shells_of(place):
    return [p for p in sorted(job_processes(place)) if words_of(p).split(" ")[0] in ("sh", "/bin/sh")]


def kill_here():
    """each shell of a running command on this computer killed by itself: it ends as what is known, and never runs twice"""
    at = 0
    while True:
        with Place(HEAD + waits('here.run("%s")')) as place:
            v = running(place)
            shells = shells_of(place)
            if at >= len(shells):
                abort(place, v)
                return
            what = words_of(shells[at])
            os.kill(shells[at], signal.SIGKILL)
            place.write("go", "")
            closed = v.walk({"failure": "skip", "doubt": "ran"})
            assert closed["outcome"] == "ok", (what, closed)
            effects = place.lines()
            assert effects.count("begun") == 1 and effects.count("ended") <= 1 and effects.count("b") == 1, (what, effects)
            place.verify()
        at += 1


def stop_here():
    """each shell of a running command on this computer stopped by itself: abort ends it, and let go on it ends well"""
    at = 0
    while True:
        with Place(HEAD + waits('here.run("%s")')) as place:
            v = running(place)
            shells = shells_of(place)
            if at >= len(shells):
                abort(place, v)
                return
            os.kill(shells[at], signal.SIGSTOP)
            os.kill(shells[at], signal.SIGCONT)
            ends_well(place, v)
        with Place(HEAD + waits('here.run("%s")')) as place:
            v = running(place)
            os.kill(wait_for(lambda: shells_of(place)[at:], "that shell")[0], signal.SIGSTOP)
            abort(place, v)
            assert place.lines() == ["begun"], place.lines()
        at += 1


ASKS = change("a", 'ssh.run("locked", "echo a >> $W/effects")')


def askpass():
    """askpass killed while its question is open: asked anew or failed in words; stopped: said; abort ends it"""
    with Far(HEAD + ASKS) as place:
        v = begin(place)
        first = v.asked("secret")
        os.kill(one(v, "passphrase"), signal.SIGKILL)
        while True:
            m = v.until(lambda m: m.get("kind") in ("asked", "withdrawn", "call.ended"))
            if m["kind"] == "asked" and m["data"]["of"] == "secret":
                v.answer(m, PASSPHRASE)
            elif m["kind"] == "asked":
                assert "locked" in m["data"]["text"] + m["data"].get("details", ""), m
                v.answer(m, "retry")
            elif m["kind"] == "call.ended" and m["data"]["outcome"] == "ok":
                break
        assert first["seq"] not in v.open
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["a"], place.lines()
    with Far(HEAD + ASKS) as place:
        v = begin(place)
        asked = v.asked("secret")
        stopped(v, one(v, "passphrase"))
        v.answer(asked, PASSPHRASE)
        assert v.walk()["outcome"] == "ok"
        assert place.lines() == ["a"], place.lines()
    with Far(HEAD + ASKS) as place:
        v = begin(place)
        v.asked("secret")
        os.kill(one(v, "passphrase"), signal.SIGSTOP)
        abort(place, v)


def shell(v, host):
    v.send(do="detour", host=host, shell=True)
    seq = v.until(lambda m: "accepted" in m)["accepted"]["seq"]
    v.until(lambda m: m.get("kind") == "call.output" and m["data"].get("stream") == "pty")
    return seq


def detour_shell():
    """a shell by hand whose process is killed has ended; a stopped one is said; it is ended by detour.end and by abort"""
    for host, words in (("here", ("sh",)), ("far", ("ssh", "-tt")), ("far2", ())):
        for how in ("kill", "stop", "end", "abort"):
            if host == "far2" and how in ("kill", "stop"):
                continue
            with Far(HEAD + change("a", 'ssh.run("far2", "true")')) as place:
                v = place.run()
                v.asked("step", "a")
                before = descendants(v.pid)
                seq = shell(v, host)
                pids = [p for p in descendants(v.pid) if p not in before and all(w in words_of(p) for w in words)]
                if how == "kill":
                    os.kill(pids[0], signal.SIGKILL)
                    v.kind("call.ended")
                    assert v.walk()["outcome"] == "ok"
                elif how == "stop":
                    stopped(v, pids[0])
                    v.send(do="detour.end", call=seq)
                    v.kind("call.ended")
                    assert v.walk()["outcome"] == "ok"
                else:
                    if pids and host != "far2":
                        os.kill(pids[0], signal.SIGSTOP)
                    if how == "end":
                        v.send(do="detour.end", call=seq)
                        v.kind("call.ended")
                    abort(place, v)


def fork_server_stopped():
    """the fork server stopped: said, and it goes on, also when the worker is killed meanwhile"""
    with Place(HEAD + waits('here.run("%s")')) as place:
        v = running(place)
        server = [p for p in descendants(v.pid) if stat_of(p)[1] == v.pid][0]
        worker = [p for p in descendants(v.pid) if stat_of(p)[1] == server][0]
        stopped(v, server)
        os.kill(server, signal.SIGSTOP)
        os.kill(worker, signal.SIGKILL)
        v.kind("worker.lost")
        ends_well(place, v)


def view_stopped():
    """a view that is stopped holds nobody up, and has everything when it goes on"""
    body = 'for i = 1, 30 do here.run("head -c 60000 /dev/zero | tr \\\\\\\\000 x; echo") end'
    with Place(HEAD + change("a", body)) as place:
        v = place.run()
        asked = v.asked("step", "a")
        other = place.attach(v.hello["session"])
        other.asked("step", "a")
        os.kill(other.proc.pid, signal.SIGSTOP)
        v.answer(asked, "go")
        closed = v.walk()
        assert closed["outcome"] == "ok"
        os.kill(other.proc.pid, signal.SIGCONT)
        assert other.walk()["outcome"] == "ok"
        seqs = [m["seq"] for m in other.seen if "kind" in m]
        assert seqs == sorted(set(seqs)) and {m["seq"] for m in v.seen if "kind" in m} >= set(seqs)


def session_stopped():
    """the session's process stopped: its views say so, with what helps, and go on with it"""
    with Place(HEAD + waits('here.run("%s")')) as place:
        v = running(place)
        os.kill(v.pid, signal.SIGSTOP)
        lost = v.until(lambda m: "lost" in m)
        assert "kill -CONT %d" % v.pid in lost["lost"]["why"], lost
        os.kill(v.pid, signal.SIGCONT)
        v.until(lambda m: "back" in m)
        ends_well(place, v)


def secret_command():
    """a secret's command stopped or killed: the value is asked for in words, or abort ends it"""
    fleet = 'fleet { name = "f", extra = { pw = secret.command "touch $W/closed; while ! [ -e $W/go ] && [ -d $W ]; do sleep 0.05; done; echo s3cret-of-t" } }\n'
    body = change("a", 'here.run("echo $S | cut -c1-3 >> $W/effects", { env = { S = s.fleet.extra.pw } })')
    for how in (signal.SIGKILL, signal.SIGSTOP):
        with Place(HEAD + body, fleet) as place:
            v = begin(place)
            wait_for(lambda: os.path.exists(place.dir + "/closed"), "it begins")
            pid = one(v, "touch", "closed")
            os.kill(pid, how)
            if how == signal.SIGKILL:
                asked = v.asked("secret")
                assert "signal" in asked["data"]["details"] or "killed" in asked["data"]["details"], asked
                v.answer(asked, "abcdef")
                assert v.walk()["outcome"] == "ok"
                assert place.lines() == ["abc"]
            else:
                v.until(lambda m: m.get("kind") == "note" and "kill -CONT %d" % pid in m.get("text", ""))
                abort(place, v)


TESTS = [kill_ssh, stop_ssh, read_here, kill_here, stop_here, askpass, detour_shell, fork_server_stopped, view_stopped, session_stopped, secret_command]

if __name__ == "__main__":
    sys.exit(tap(TESTS))
