# view.py - a JSON view of a session for tests: sends intents, waits for what must come, keeps all that came.
# SPDX-License-Identifier: GPL-3.0-or-later
import base64
import json
import os
import selectors
import subprocess
import sys
import time


class View:
    """One `bellbook … --json`. Waiting for what does not come fails after PATIENCE (120) seconds, with the last lines that came."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.lines, self.rest, self.over = [], b"", False

    def send(self, **intent):
        self.process.stdin.write((json.dumps(intent) + "\n").encode())
        self.process.stdin.flush()

    def type(self, call, data):
        self.send(do="detour.input", call=call, bytes=base64.b64encode(data.encode()).decode())

    def read(self, seconds):
        """Takes in what has come; false when nothing did in that time."""
        if self.over or not self.selector.select(max(0, seconds)):
            return False
        chunk = os.read(self.process.stdout.fileno(), 1 << 16)
        self.over = not chunk
        *whole, self.rest = (self.rest + chunk).split(b"\n")
        self.lines += [json.loads(line) for line in whole]
        return bool(chunk)

    def wait(self, what, want):
        """Result of want(view) once it is true."""
        until = time.monotonic() + float(os.environ.get("PATIENCE", "120"))
        while True:
            got = want(self)
            if got:
                return got
            if not self.read(until - time.monotonic()):
                sys.exit("never came: %s\n%s" % (what, "\n".join(json.dumps(line)[:300] for line in self.lines[-15:])))

    def first(self, **like):
        """The first line with these members; names of data's members begin with data_."""
        def fits(line):
            data = line.get("data") or {}
            return all((data.get(k[5:]) if k.startswith("data_") else line.get(k)) == v for k, v in like.items())
        return next((line for line in self.lines if fits(line)), None)

    def event(self, **like):
        return self.wait(like, lambda view: view.first(**like))

    def reply(self, name):
        """The latest reply of that name (accepted, refused, hosts, …)."""
        found = self.wait(name, lambda view: next((line for line in reversed(view.lines) if name in line), None))
        return found[name]

    def terminal(self, call):
        """All that the terminal of a call has shown, as text."""
        begun = self.event(seq=call)
        out = b""
        for line in self.lines:
            if line.get("kind") == "call.output" and line.get("call") == begun.get("call") and line.get("step") == begun.get("step"):
                out += base64.b64decode(line["b64"]) if "b64" in line else line.get("text", "").encode()
        return out.decode("utf-8", "replace")

    def shows(self, call, text):
        return self.wait("%r on the terminal" % text, lambda view: text in view.terminal(call))

    def ended(self, call):
        begun = self.event(seq=call)
        return self.event(kind="call.ended", call=begun["call"], step=begun.get("step"))["data"]

    def leave(self):
        self.send(do="leave")
        return self.close()

    def close(self):
        self.process.stdin.close()
        while self.read(60):
            pass
        return self.process.wait()
