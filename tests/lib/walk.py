# walk.py - drives bellbook's JSON view for tests: journals, fleets, views that answer, kills and counts.
# SPDX-License-Identifier: GPL-3.0-or-later
import functools
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

BELLBOOK = os.environ.get("BELLBOOK", "bellbook")
PATIENCE = int(os.environ.get("PATIENCE", "120"))  # seconds; only ever reached when a test fails

ANSWERS = {"step": "go", "failure": "abort", "doubt": "probe", "change": "accept", "manual": "done", "hostkey": "trust",
           "result": lambda m: m["data"]["default"]}


class Place:
    """A journal, a runbook and a folder of their own."""

    def __init__(self, runbook=None, fleet=None):
        self.dir = tempfile.mkdtemp(prefix="walk.", dir=os.environ.get("TMPDIR", "/tmp"))
        self.journal = self.dir + "/journal.db"
        self.ended = set()
        self.env = dict(os.environ, BELLBOOK_JOURNAL=self.journal, BELLBOOK_BALLAST="1048576", HOME=self.dir, W=self.dir,
                        BELLBOOK_SESSION_LOG=self.dir + "/session.log", XDG_STATE_HOME=self.dir + "/state")
        if runbook:
            self.write("t.lua", runbook)
        if fleet:
            self.write("fleet.lua", fleet)
            self.env["BELLBOOK_FLEET"] = self.dir + "/fleet.lua"

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for pid in self.ended if not kind else ():
            gone(pid)  # what it says at its very end counts too
        left = "" if kind else self.left()
        self.end_all()
        said = "\n".join(self.lines("session.log"))
        shutil.rmtree(self.dir, ignore_errors=True)
        if not kind and ("Sanitizer" in said or "runtime error" in said or "Assertion" in said):
            raise AssertionError("the session's process said:\n" + said[:6000])
        if left:
            raise AssertionError("the test left running:\n" + left)

    def processes(self):
        """Numbers and words of the processes of this place: each has the folder in its environment."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    ours = ("\0W=%s\0" % self.dir).encode() in b"\0" + f.read()
                if ours and int(pid) != os.getpid():
                    with open("/proc/%s/cmdline" % pid, "rb") as f:
                        found[int(pid)] = f.read().replace(b"\0", b" ").decode(errors="replace")[:200]
            except OSError:
                pass  # gone, or not ours
        return found

    def left(self):
        """What does not end by itself after a test that passed, in words."""
        end = time.monotonic() + PATIENCE
        while self.processes() and time.monotonic() < end:
            time.sleep(0.02)
        return "\n".join("%d %s" % each for each in self.processes().items())

    def end_all(self):
        """Ends what a test that failed left."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass  # gone

    def write(self, name, text):
        with open(self.dir + "/" + name, "w", encoding="utf-8") as f:
            f.write(text)

    def lines(self, name="effects"):
        try:
            with open(self.dir + "/" + name, encoding="utf-8", errors="replace") as f:
                return f.read().split("\n")[:-1]
        except FileNotFoundError:
            return []

    def bellbook(self, *words, check=True):
        done = subprocess.run([BELLBOOK, *words], env=self.env, capture_output=True, text=True, errors="replace", timeout=PATIENCE, cwd=self.dir)
        if check and done.returncode:
            raise AssertionError("%s: %s%s" % (words, done.stdout, done.stderr))
        return done

    def run(self, *words, **more):
        return View(self, ["run", self.dir + "/t.lua", *words], **more)

    def start(self, words, **popen):
        """As run, with settings of subprocess.Popen."""
        return View(self, words, popen=popen)

    def resume(self, session, *words, **more):
        return View(self, ["resume", str(session), *words], **more)

    def attach(self, session, *words, **more):
        return View(self, ["attach", str(session), *words], **more)

    def log(self, session):
        return [json.loads(line) for line in self.bellbook("log", str(session), "--format", "jsonl").stdout.splitlines()]

    def verify(self):
        assert "intact" in self.bellbook("verify").stdout


class View:
    """A JSON view whose lines are read by a thread; messages are taken one after the other."""

    def __init__(self, place, words, env=None, program=None, popen=None):
        self.place, self.seen, self.hello, self.pid, self.closed = place, [], None, None, None
        self.open, self.inbox, self.raw = {}, queue.Queue(), []
        self.proc = subprocess.Popen([program or BELLBOOK, *words, "--json"], env=dict(place.env, **(env or {})), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, **dict({"cwd": place.dir}, **(popen or {})))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.proc.stdout:
            self.raw.append(line)
            self.inbox.put(json.loads(line))
        self.inbox.put(None)

    def next(self, patience=PATIENCE):
        """The next message, None at the end."""
        m = self.inbox.get(timeout=patience)
        if m is None:
            return None
        self.seen.append(m)
        kind, data = m.get("kind"), m.get("data", {})
        if "hello" in m:
            self.hello = m["hello"]
        if kind in ("session.opened", "session.resumed"):
            self.pid = data["process"]["pid"]
        if kind == "session.closed":
            self.closed = data
            self.place.ended.add(self.pid)
        if kind == "asked":
            self.open[m["seq"]] = m
        if kind in ("answered", "withdrawn"):
            self.open.pop(data["seq"], None)
        return m

    def until(self, test, patience=PATIENCE):
        """The first message from now on for which test holds."""
        end = time.monotonic() + patience
        while True:
            m = self.next(max(0.01, end - time.monotonic()))
            if m is None:
                raise AssertionError("the view ended: %s" % self.proc.stderr.read().decode())
            if test(m):
                return m

    def asked(self, of, step=None):
        return self.until(lambda m: m.get("kind") == "asked" and m["data"]["of"] == of and step in (None, m.get("step")))

    def kind(self, kind, **data):
        return self.until(lambda m: m.get("kind") == kind and all(m.get("data", {}).get(k) == v for k, v in data.items()))

    def send(self, **intent):
        try:
            self.proc.stdin.write(json.dumps(intent).encode() + b"\n")
            self.proc.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass

    def answer(self, asked, value, **more):
        self.send(do="answer", seq=asked["seq"], value=value, **more)

    def reply(self):
        return self.until(lambda m: "accepted" in m or "refused" in m)

    def turn(self):
        """The session has been round once more: what it was to do by itself it has begun, and what came before this was handled."""
        self.send(do="nothing that there is")
        self.until(lambda m: "there is no such intent" in m.get("refused", {}).get("why", ""))

    def walk(self, answers=None, stop=None):
        """Answers what comes until the end; stop(message) true ends it earlier. Returns the closing data or the message."""
        answers = dict(ANSWERS, **(answers or {}))
        for m in list(self.open.values()):
            self._answer(m, answers)
        while True:
            m = self.next()
            if m is None:
                return self.closed
            if stop and stop(m):
                return m
            if m.get("kind") == "asked" and m["seq"] in self.open:
                self._answer(m, answers)

    def _answer(self, m, answers):
        of = m["data"]["of"]
        value = answers.get("%s:%s" % (of, m.get("step")), answers.get("%s:%s" % (of, m["data"].get("name")), answers.get(of)))
        if of == "approval" and value is None:
            value = m["data"]["expect"]
        if callable(value):
            value = value(m)
        if value is None:
            return
        more = {"owner": "me", "due": "2030-01-01"} if value == "defer" else {}
        self.answer(m, value, why="a test", **more)

    def kill(self, sig=signal.SIGKILL):
        """Kills the session's process. After SIGKILL it is gone: one that is still dying holds its session, and a resume would attach to it."""
        os.kill(self.pid, sig)
        if sig == signal.SIGKILL:
            gone(self.pid)

    def end(self):
        """The view ends; the session goes on."""
        self.proc.kill()
        self.proc.wait()
        self.proc.stdin.close()

    def wait(self):
        while self.next() is not None:
            pass
        return self.proc.wait(PATIENCE)


def gone(pid):
    """Waits until a process has ended, or is a zombie without another thread: then its files and locks are free."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            with open("/proc/%d/stat" % pid) as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "Z" and len(os.listdir("/proc/%d/task" % pid)) <= 1:
                    return
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.01)
    raise AssertionError("process %d is still there" % pid)


def own_mounts(test):
    """A test that mounts: it runs once more, in mounts of its own. For root; others skip it."""
    @functools.wraps(test)
    def run():
        if os.geteuid() != 0:
            return "needs root for a tmpfs"
        if "OWN_MOUNTS" in os.environ:
            return test()
        done = subprocess.run(["unshare", "-m", sys.executable, sys.argv[0]], env=dict(os.environ, OWN_MOUNTS="1", TEST=test.__doc__), capture_output=True, text=True)
        assert done.returncode == 0 and "not ok" not in done.stdout, done.stdout + done.stderr
        return None
    return run


def tap(tests):
    """Runs functions as TAP; a function's docstring is its name. TEST=text runs those whose name has it."""
    wanted = os.environ.get("TEST", "")
    tests = [t for t in tests if wanted in t.__doc__]
    print("1..%d" % len(tests), flush=True)
    bad = 0
    for i, test in enumerate(tests, 1):
        began = time.monotonic()
        try:
            said = test()
            print("ok %d - %s%s" % (i, test.__doc__, " # SKIP " + said if said else ""), flush=True)
        except Exception as e:  # noqa: BLE001 - a test may fail in any way
            import traceback
            bad += 1
            print("not ok %d - %s" % (i, test.__doc__))
            print("# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
            del e
        if os.environ.get("TIMES"):
            print("# %.2f s" % (time.monotonic() - began), flush=True)
    return 1 if bad else 0
