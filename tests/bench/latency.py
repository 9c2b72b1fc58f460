# latency.py - one command over an open connection: in the worker, through a whole session, and with what ssh users have.
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import subprocess

import lab
from lab import median
from table import Section, number, times

RUNBOOK = """runbook { id = "latency", bellbook = 1, title = "Latency", about = "Many small calls.", params = {} }
observe "read" { title = "Reads", run = function(s) for i = 1, %d do ssh.read("%s", "true") end end }
change "run" { title = "Runs", why = "To be measured.", gives = { "ran" },
	run = function(s) for i = 1, %d do ssh.run("%s", "true") end s.ran = true end, done = function(s) return s.ran == true end }
"""


def one_line(argv, env, limit=300):
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=limit)
    if done.returncode:
        raise lab.Trouble("%s: %s" % (argv[0].rsplit("/", 1)[-1], done.stderr.strip()[-150:] or "status %d" % done.returncode))
    return json.loads(done.stdout)


def worker(l, host, n):
    return one_line([lab.program("calls"), "latency", l.path("ssh_config"), host, str(n), l.journal("latency")], l.env)


def channel(l, host, n):
    with open(l.path("ssh_config")) as f:
        user = [line.split()[1] for line in f if line.split()[0] == "User"][0]
    return one_line([lab.program("channel"), host, str(l.port), user, l.path("user"), str(n), l.path("channel.jsonl")], l.env)


def master(l, host, n):
    """ssh through the socket of a connection that stays open: seconds, CPU seconds."""
    argv = ["ssh", "-F", l.path("ssh_config.curve"), "-o", "ControlMaster=auto", "-o", "ControlPath=" + l.path("mux"), "-o", "ControlPersist=60", host]
    try:
        lab.measure(argv + ["true"], leave=True, env=l.env)
        costs = lab.measure(argv + ["true"], times=n, leave=True, env=l.env)
    finally:
        subprocess.run(argv[:-1] + ["-O", "exit", host], env=l.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return median([c["wall"] for c in costs]), median([c["cpu"] for c in costs])


def fresh(l, host, n, config):
    costs = lab.measure(["ssh", "-F", l.path(config), host, "true"], times=n, env=l.env)
    return median([c["wall"] for c in costs])


def session(l, host, n):
    """Medians of a read and a run in a session: from one call's begin to the next one's, so journal, Lua and worker are all in it."""
    session.turn += 1  # the one before may still be leaving
    journal = l.journal("latency.session.%d" % session.turn)
    book = l.write("latency.lua", RUNBOOK % (n, host, n, host))
    argv = [lab.BELLBOOK, "--journal", journal, "run", book, "--fleet", l.fleet([host]), "--json"]
    process = subprocess.Popen(argv, env=l.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        for text in process.stdout:
            event = json.loads(text)
            if event.get("kind") == "asked":
                if event["data"]["of"] != "step":
                    raise lab.Trouble("the session asked: " + event["data"]["text"])
                process.stdin.write(json.dumps({"do": "answer", "seq": event["seq"], "value": "go"}) + "\n")
                process.stdin.flush()
            if event.get("kind") == "session.closed":
                break
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(lab.PATIENCE)
    events = l.events(journal, 1)
    took = {}
    for step in ("read", "run"):
        begun = [e["mono_us"] for e in events if e["kind"] == "call.begun" and e["step"] == step]
        took[step] = median([(b - a) / 1e6 for a, b in zip(begun, begun[1:])])
        inside = [e["data"]["took_us"] / 1e6 for e in events if e["kind"] == "call.ended" and e["step"] == step]
        took[step + "_took"] = median(inside[1:])
    return took


session.turn = 0


def section(l, n):
    host = l.addresses[0]
    s = Section("One command over an open connection (`true`, median of %d)" % n, ["way", "x bellbook's read", "x bellbook's change", "ms"])
    # In turns of a third each, so that a slow minute of the machine meets all.
    parts = {"worker": [], "channel": [], "session": [], "mux": []}
    for _ in range(3):
        parts["worker"].append(worker(l, host, max(n // 3, 10)))
        parts["channel"].append(channel(l, host, max(n // 3, 10)))
        parts["session"].append(session(l, host, max(n // 3, 10)))
        parts["mux"].append(master(l, host, max(n // 3, 10)))

    def of(part, key):
        return median([p[key] for p in parts[part]])
    read, change = of("worker", "read"), of("worker", "journaled")
    rows = [
        ("bellbook ssh.read, worker", read), ("bellbook ssh.run, worker", of("worker", "run")),
        ("bellbook ssh.run between two journal events", change),
        ("bellbook ssh.read in a session (journaled, with Lua)", of("session", "read")), ("bellbook ssh.run in a session", of("session", "run")),
        ("exec channel of libssh2, bare", of("channel", "bare")), ("exec channel and two fsyncs", of("channel", "synced")),
        ("ssh with ControlMaster", of("mux", 0)),
        ("ssh, new connection, curve25519", fresh(l, host, 10, "ssh_config.curve")), ("ssh, new connection, default kex", fresh(l, host, 10, "ssh_config")),
    ]
    for name, seconds in rows:
        s.row(name, times(seconds, read), times(seconds, change), number(seconds * 1000))
    s.aim("ssh.read", read * 1000, 0.2, "ms")
    s.aim("ssh.read, the fastest 5 % (what others on the machine did not disturb)", of("worker", "read_p05") * 1000, 0.2, "ms")
    s.aim("change over (exec channel and two fsyncs)", change / of("channel", "synced"), 1.5, "x")
    s.note("one fsynced journal event took %s ms, one fsynced line %s ms; a session's call.took_us: read %s ms, run %s ms; CPU of one ssh with ControlMaster %s ms"
           % (number(of("worker", "append") * 1000), number(of("channel", "append") * 1000), number(of("session", "read_took") * 1000),
              number(of("session", "run_took") * 1000), number(of("mux", 1) * 1000)))
    s.note("read: 95 %% took at most %s ms; run: %s ms" % (number(of("worker", "read_p95") * 1000), number(of("worker", "run_p95") * 1000)))
    return s
