# SPDX-License-Identifier: GPL-3.0-or-later
"""The service manager of a host: starts, watches, restarts and stops units as systemd does; systemctl is its client."""
import fnmatch
import json
import os
import pwd
import secrets
import shlex
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from standin import units
from standin.core import JOURNAL, UNITD, log_rotate_guard, pace

LOCK = threading.RLock()
CHANGED = threading.Condition(LOCK)
UNITS = {}


def journal(unit, ident, pid, text):
    """One line of the host's journal: time, unit, who, pid, message."""
    log_rotate_guard(JOURNAL)
    fd = os.open(JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(fd, ("%.6f\t%s\t%s\t%d\t%s\n" % (time.time(), unit, ident, pid, text)).encode())
    except OSError:
        pass
    finally:
        os.close(fd)


class Unit:
    """One service and its main process."""

    def __init__(self, name):
        self.name = name
        self.conf = units.load(name)
        self.active, self.sub, self.result = "inactive", "dead", "success"
        self.proc = None
        self.since = time.time()
        self.stopping = False
        self.starts = []
        self.restarts = 0
        self.status = 0
        self.invocation = ""

    def log(self, text):
        journal(self.name, "systemd", 1, text)

    def set(self, active, sub):
        self.active, self.sub = active, sub
        if active in ("active", "inactive", "failed"):
            self.since = time.time()
        CHANGED.notify_all()

    def pid(self):
        return self.proc.pid if self.proc else 0

    def describe(self):
        return units.last(self.conf or {}, "Description", self.name)

    def start(self, again=False):
        """Start; a simple service is active as soon as it was forked. `again`: systemd does it by itself."""
        if self.active in ("active", "reloading") or self.sub == "start":
            return
        now = time.monotonic()
        self.starts = [t for t in self.starts if now - t < 10] + [now]
        if len(self.starts) > 5:
            self.log("%s: Start request repeated too quickly." % self.name)
            if self.result == "success":
                self.result = "start-limit-hit"  # a failure that came before keeps its name
            self.log("%s: Failed with result '%s'." % (self.name, self.result))
            self.log("Failed to start %s - %s." % (self.name, self.describe()))
            self.set("failed", "failed")
            return
        self.stopping, self.result = False, "success"
        if not again:
            self.restarts = 0
        self.spawn()

    def spawn(self):
        self.invocation = secrets.token_hex(16)
        command = shlex.split(units.last(self.conf, "ExecStart"))
        env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        env.update(units.environment(self.conf))
        env.pop("LD_PRELOAD", None)  # no jemalloc here; the line stays in the unit because operators look at it
        user = units.last(self.conf, "User", "root")
        who = pwd.getpwnam(user)
        env.update(HOME=who.pw_dir, USER=user, LOGNAME=user)

        def become():
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            if who.pw_uid != os.geteuid():
                os.setgroups([])
                os.setgid(who.pw_gid)
                os.setuid(who.pw_uid)
        try:
            self.proc = subprocess.Popen(command, env=env, cwd=units.last(self.conf, "WorkingDirectory", "/"), stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=become)
        except OSError as e:
            self.proc, self.result = None, "exit-code"
            self.log("%s: Failed at step EXEC spawning %s: %s" % (self.name, command[0], os.strerror(e.errno or 2)))
            self.set("failed", "failed")
            return
        self.log("Started %s - %s." % (self.name, self.describe()))
        if units.last(self.conf, "Type") == "oneshot":
            self.set("active", "exited" if units.last(self.conf, "RemainAfterExit") == "yes" else "running")
        else:
            self.set("active", "running")
        threading.Thread(target=self.copy_output, args=(self.proc, os.path.basename(command[0])), daemon=True).start()
        threading.Thread(target=self.watch, args=(self.proc,), daemon=True).start()

    def copy_output(self, proc, ident):
        for raw in proc.stdout:
            journal(self.name, ident, proc.pid, raw.decode("utf-8", "replace").rstrip("\n"))

    def watch(self, proc):
        """Wait for the main process and do what Restart= says."""
        code = proc.wait()
        with LOCK:
            if self.proc is not proc:
                return
            self.status = code
            self.proc = None
            if units.last(self.conf, "Type") == "oneshot" and code == 0 and units.last(self.conf, "RemainAfterExit") == "yes":
                return
            kill_group(proc.pid, signal.SIGKILL)
            if self.stopping:
                CHANGED.notify_all()
                return
            words = "killed, status=%d/%s" % (-code, signal.Signals(-code).name[3:]) if code < 0 else "exited, status=%d/%s" % (
                code, "FAILURE" if code else "SUCCESS")
            self.log("%s: Main process exited, code=%s" % (self.name, words))
            self.result = "signal" if code < 0 else "exit-code" if code else "success"
            if self.result != "success":
                self.log("%s: Failed with result '%s'." % (self.name, self.result))
            again = units.last(self.conf, "Restart", "no")
            if again == "always" or again == "on-failure" and code:
                self.set("activating", "auto-restart")
                threading.Thread(target=self.again, daemon=True).start()
            else:
                self.set("failed" if code else "inactive", "failed" if code else "dead")

    def again(self):
        time.sleep(0.1)
        with LOCK:
            if self.sub == "auto-restart" and not self.stopping:
                self.restarts += 1
                self.log("%s: Scheduled restart job, restart counter is at %d." % (self.name, self.restarts))
                self.start(again=True)

    def stop(self):
        """TERM to all, KILL after TimeoutStopSec (a tenth of it, paced)."""
        self.stopping = True
        proc = self.proc
        if not proc:
            if self.active != "failed":
                self.set("inactive", "dead")
            return
        self.set("deactivating", "stop-sigterm")
        self.log("Stopping %s - %s..." % (self.name, self.describe()))
        kill_group(proc.pid, signal.SIGTERM)
        kill_group(proc.pid, signal.SIGCONT)
        end = time.monotonic() + max(0.3, units.stop_timeout(self.conf) * 0.1 * pace())
        killed = False
        while self.proc is proc:
            left = end - time.monotonic()
            if left <= 0 and not killed:
                self.log("%s: State 'stop-sigterm' timed out. Killing." % self.name)
                self.log("%s: Killing process %d with signal SIGKILL." % (self.name, proc.pid))
                kill_group(proc.pid, signal.SIGKILL)
                killed = True
            CHANGED.wait(max(0.02, min(left, 1)) if not killed else 0.05)
        if killed:
            self.result = "timeout"
            self.log("%s: Main process exited, code=killed, status=9/KILL" % self.name)
            self.log("%s: Failed with result 'timeout'." % self.name)
        self.log("%s: Deactivated successfully." % self.name if not killed else "%s: Unit entered failed state." % self.name)
        self.log("Stopped %s - %s." % (self.name, self.describe()))
        self.set("failed" if killed else "inactive", "failed" if killed else "dead")


def kill_group(pid, number):
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def find(name):
    """The unit, loaded when there is a file for it."""
    name = units.full(name)
    if name not in UNITS:
        if units.load(name) is None:
            return None
        UNITS[name] = Unit(name)
    return UNITS[name]


def expand(patterns, loaded_only):
    """Names for patterns: a glob matches loaded units, as in systemd."""
    names = []
    for p in patterns:
        p = units.full(p) if not p.endswith("*") else p
        if any(c in p for c in "*?["):
            names += [n for n in sorted(UNITS) if fnmatch.fnmatch(n, p) and (not loaded_only or n in UNITS)]
        else:
            names.append(p)
    return list(dict.fromkeys(names))


def followers(name, key):
    """Units that name this one in PartOf= (stop and restart reach them)."""
    return [u for u in UNITS.values() if name in " ".join(u.conf.get(key, [])).split() and u.name != name] if name else []


def start_with_wants(unit):
    unit.start()
    for other in " ".join(unit.conf.get("Wants", []) + unit.conf.get("Requires", [])).split():
        wanted = find(other)
        if wanted:
            wanted.start()


def do_start(unit):
    start_with_wants(unit)


def do_stop(unit):
    for other in followers(unit.name, "PartOf"):
        other.stop()
    unit.stop()


def do_restart(unit):
    others = [u for u in followers(unit.name, "PartOf") if u.active in ("active", "activating", "failed")]
    do_stop(unit)
    unit.starts = unit.starts[-4:]
    start_with_wants(unit)
    for other in others:
        other.start()


def do_reload(unit):
    """ExecReload with $MAINPID; returns at once."""
    command = units.last(unit.conf, "ExecReload")
    if not command:
        return "Failed to reload %s: Job type reload is not applicable for unit %s." % (unit.name, unit.name)
    if unit.active != "active" or not unit.pid():
        return "%s is not active, cannot reload." % unit.name
    unit.log("Reloading %s - %s..." % (unit.name, unit.describe()))
    subprocess.run(shlex.split(command.replace("$MAINPID", str(unit.pid()))), check=False)
    unit.log("Reloaded %s - %s." % (unit.name, unit.describe()))
    return None


def change(verb, names, extra):
    """A changing verb on units: (exit code, words)."""
    words, code = [], 0
    for name in names:
        if units.masked(name) and verb != "stop":
            words.append("Failed to %s %s: Unit %s is masked." % (verb, name, name))
            code = 1
            continue
        unit = find(name)
        if unit is not None and units.path_of(name)[0] is None and verb not in ("stop", "kill", "reset-failed"):
            unit = None
        if unit is None:
            words.append("Failed to %s %s: Unit %s not %s." % ("kill unit" if verb == "kill" else verb, name, name, "loaded" if verb in ("stop", "kill") else "found"))
            code = 1 if verb == "kill" else 5
            continue
        if verb == "kill":
            if not unit.proc:
                if extra.get("main"):
                    words.append("Failed to kill unit %s: No main process to kill" % name)
                    code = 1
                continue
            (os.kill if extra.get("main") else kill_group)(unit.proc.pid, extra["signal"])
            continue
        if verb == "try-restart" and unit.active not in ("active", "activating"):
            continue
        if verb in ("reload-or-restart",):
            verb = "reload" if units.last(unit.conf, "ExecReload") and unit.active == "active" else "restart"
        problem = {"start": do_start, "stop": do_stop, "restart": do_restart, "try-restart": do_restart, "reload": do_reload}[verb](unit)
        if problem:
            words.append(problem)
            code = 3 if "not applicable" in problem else 1
        elif verb in ("start", "restart") and unit.active == "failed":
            words.append("Job for %s failed.\nSee \"systemctl status %s\" and \"journalctl -xeu %s\" for details." % (name, name, name))
            code = 1
    return code, words


def referenced():
    """Units that others name and that have no file: systemd knows them as not-found."""
    named = {n for u in UNITS.values() for key in ("After", "Wants", "Requires", "PartOf") for n in " ".join(u.conf.get(key, [])).split()}
    return sorted(n for n in named if n.endswith(".service") and n not in UNITS and units.path_of(n)[0] is None)


def load_enabled():
    """What is enabled is loaded, as a target's wants are."""
    for folder in sorted(os.listdir(units.DIRECTORY) if os.path.isdir(units.DIRECTORY) else []):
        for name in sorted(os.listdir("%s/%s" % (units.DIRECTORY, folder))) if folder.endswith(".wants") else []:
            if name.endswith(".service"):
                find(name)


def facts(name):
    """What status, show and is-active want to know of a unit."""
    unit = UNITS.get(name) or find(name)
    if unit is None:
        return {"name": name, "load": "masked" if units.masked(name) else "not-found", "active": "inactive", "sub": "dead", "enabled": units.enabled(name)}
    load = "masked" if units.masked(name) else "loaded" if units.path_of(name)[0] else "not-found"
    return {"name": name, "load": load, "active": unit.active, "sub": unit.sub, "pid": unit.pid(),
            "since": unit.since, "result": unit.result, "description": unit.describe(), "restarts": unit.restarts, "status": unit.status,
            "path": units.last(unit.conf, "FragmentPath"), "dropins": unit.conf.get("DropInPaths", []), "enabled": units.enabled(name),
            "stop_timeout": units.stop_timeout(unit.conf), "stale": unit.conf["stamp"][0] != units.stamp(name, unit.conf["folders"]), "exec": units.last(unit.conf, "ExecStart"),
            "reload": bool(units.last(unit.conf, "ExecReload")), "environment": units.shown_environment(unit.conf), "env_files": unit.conf.get("EnvironmentFile", []),
            "user": units.last(unit.conf, "User", ""), "invocation": unit.invocation, "folder": units.last(unit.conf, "WorkingDirectory", ""),
            "type": units.last(unit.conf, "Type", "simple"), "part_of": " ".join(unit.conf.get("PartOf", [])),
            "wants": " ".join(unit.conf.get("Wants", []))}


def reply_to(request, uid):
    verb, names = request["verb"], request.get("units", [])
    with LOCK:
        names = expand(names, True)
        if verb == "facts":
            asked = request.get("units", [])
            ghosts = [n for n in referenced() if not asked or any(fnmatch.fnmatch(n, p) for p in asked if "*" in p)]
            return {"code": 0, "facts": [facts(n) for n in (names if asked else sorted(UNITS)) + ghosts]}
        if uid != 0:
            if verb == "daemon-reload":
                return {"code": 1, "words": ["Reload daemon failed: Access denied"]}
            words = "Failed to kill unit %s: Access denied" if verb == "kill" else (
                "Failed to " + verb + " %s: Access denied\nSee system logs and 'systemctl status %s' for details.")
            return {"code": 1 if verb == "kill" else 4, "words": [words.replace("%s", n) for n in names]}
        if verb == "daemon-reload":
            for unit in list(UNITS.values()):
                conf = units.load(unit.name)
                unit.conf = conf or unit.conf
                if conf is None and not units.masked(unit.name) and unit.active == "inactive":
                    del UNITS[unit.name]
            load_enabled()
            return {"code": 0, "words": []}
        if verb == "reset-failed":
            for n in names or list(UNITS):
                if UNITS.get(n) and UNITS[n].active == "failed":
                    UNITS[n].starts = []
                    UNITS[n].set("inactive", "dead")
            return {"code": 0, "words": []}
        code, words = change(verb, names, request)
        return {"code": code, "words": words, "names": names}


def talk(conn):
    """One client: a JSON line in, a JSON line out."""
    try:
        uid = struct.unpack("3i", conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
        line = conn.makefile("r").readline()
        if line:
            conn.sendall((json.dumps(reply_to(json.loads(line), uid)) + "\n").encode())
    except (OSError, ValueError):
        pass
    finally:
        conn.close()


def main(args):
    """unitd: serve for ever."""
    os.umask(0o022)
    if os.path.exists(UNITD):
        os.unlink(UNITD)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.bind(UNITD)
    os.chmod(UNITD, 0o666)
    sock.listen(64)
    if args:
        os.write(int(args[0]), b"x")
        os.close(int(args[0]))
    for name in sorted(os.listdir(units.DIRECTORY) if os.path.isdir(units.DIRECTORY) else []):
        if name.startswith("mastodon-") and name.endswith(".service") and "@." not in name:
            find(name)
    load_enabled()
    while True:
        conn, _ = sock.accept()
        threading.Thread(target=talk, args=(conn,), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
