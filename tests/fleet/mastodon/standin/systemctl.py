# SPDX-License-Identifier: GPL-3.0-or-later
"""systemctl: the client of unitd, with systemd's words and exit codes."""
import json
import os
import re
import signal
import socket
import sys
import time

from standin import core, units
from standin.core import Stop, effect, err, out

CHANGING = ("start", "stop", "restart", "try-restart", "reload", "reload-or-restart", "kill", "reset-failed", "daemon-reload")


def ask(request):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(core.UNITD)
        sock.sendall((json.dumps(request) + "\n").encode())
        line = sock.makefile("r").readline()
    except OSError:
        line = ""
    if not line:
        raise Stop("System has not been booted with systemd as init system (PID 1). Can't operate.\nFailed to connect to bus: Host is down")
    return json.loads(line)


def bring_up(names):
    """Start unitd when it is not there, then the units, enabled."""
    try:
        ask({"verb": "facts"})
    except Stop:
        import subprocess  # only here: each call of systemctl would pay for it
        read, write = os.pipe()
        os.set_inheritable(write, True)
        with open("/dev/null", "r+b") as null:
            log = open(core.LOG + "/unitd.log", "ab")
            subprocess.Popen([sys.executable, "-I", "-S", os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "main.py"), "unitd",
                              str(write)], stdin=null, stdout=null, stderr=log, close_fds=False, start_new_session=True, cwd="/")
        os.close(write)
        os.read(read, 1)
    for name in names:
        link(units.full(name))
    answer = ask({"verb": "start", "units": [units.full(n) for n in names]})
    for words in answer.get("words", []):
        err(words)
    return answer["code"]


def parse(args):
    """(verb, units, options)"""
    opts, words, i = {"properties": []}, [], 0
    while i < len(args):
        a = args[i]
        if a in ("-s", "-p", "-n", "-t", "--signal", "--property", "--lines", "--type", "--state", "-o", "--kill-whom", "--kill-who") and i + 1 < len(args):
            i += 1
            a = {"-s": "--signal", "-p": "--property", "-n": "--lines", "-t": "--type", "-o": "--output"}.get(a, a) + "=" + args[i]
        m = re.match(r"-([spn])(\S+)$", a)
        if m and not a.startswith("--"):
            a = {"s": "--signal", "p": "--property", "n": "--lines"}[m.group(1)] + "=" + m.group(2)
        m = re.match(r"--([\w-]+)(?:=(.*))?$", a)
        if a in ("-q", "-l", "-a"):
            opts[{"-q": "quiet", "-l": "full", "-a": "all"}[a]] = True
        elif m and m.group(1) == "property":
            opts["properties"] += m.group(2).split(",")
        elif m:
            opts[m.group(1)] = m.group(2) if m.group(2) is not None else True
        else:
            words.append(a)
        i += 1
    return (words[0] if words else "list-units"), words[1:], opts


def main(args):
    verb, names, opts = parse(args)
    if verb in CHANGING:
        return change(verb, names, opts)
    table = {"is-active": is_active, "is-failed": is_active, "status": status, "show": show, "is-enabled": is_enabled, "enable": enable,
             "disable": enable, "mask": mask, "unmask": mask, "list-units": list_units, "list-unit-files": list_files, "cat": cat,
             "is-system-running": lambda v, n, o: out("running") or 0}
    if opts.get("version"):
        out("systemd 252 (252.38-1~deb12u1)")
        return 0
    if verb not in table:
        raise Stop("Unknown command verb %s." % verb)
    return table[verb](verb, names, opts)


def change(verb, names, opts):
    if not names and verb not in ("daemon-reload", "reset-failed"):
        raise Stop("Too few arguments.")
    request = {"verb": verb, "units": names}
    if verb == "kill":
        request["signal"] = signal_number(opts.get("signal", "TERM"))
        request["main"] = (opts.get("kill-whom") or opts.get("kill-who")) == "main"
    if os.geteuid() == 0:
        effect("systemctl", verb, *(["-s", opts["signal"]] if opts.get("signal") else []), *names)
        stale_warning(verb, names)
    answer = ask(request)
    for words in answer.get("words", []):
        err(words)
    return answer["code"]


def signal_number(name):
    name = str(name).upper()
    if name.isdigit():
        return int(name)
    try:
        return int(getattr(signal, name if name.startswith("SIG") else "SIG" + name))
    except AttributeError:
        raise Stop("Failed to parse signal string %s." % name) from None


def stale_warning(verb, names):
    if verb not in ("start", "restart", "reload", "stop") or not names:
        return
    for f in ask({"verb": "facts", "units": names})["facts"]:
        if f.get("stale"):
            err("Warning: The unit file, source configuration file or drop-ins of %s changed on disk. Run 'systemctl daemon-reload' to reload units." % f["name"])


def get(names):
    return ask({"verb": "facts", "units": names})["facts"]


def is_active(verb, names, opts):
    rows = get(names)
    good = "active" if verb == "is-active" else "failed"
    if not rows:
        if not opts.get("quiet"):
            out("inactive")
        return 3 if verb == "is-active" else 1
    for f in rows:
        if not opts.get("quiet"):
            out(f["active"])
    return 0 if any(f["active"] == good for f in rows) else 3 if verb == "is-active" else 1


def is_enabled(_verb, names, opts):
    code = 0
    for name in names:
        state = units.enabled(units.full(name))
        if not state:
            err("Failed to get unit file state for %s: No such file or directory" % units.full(name))
            return 1
        if not opts.get("quiet"):
            out(state)
        code = code if state in ("enabled", "static") else 1
    return code


def since(at):
    """How long ago, in systemd's way."""
    s = max(0, int(time.time() - at))
    return "%ds" % s if s < 60 else "%dmin %ds" % (s // 60, s % 60) if s < 3600 else "%dh %dmin" % (s // 3600, s % 3600 // 60)


def group_members(pid):
    """(pid, command line) of the processes in a service's session."""
    rows = []
    for p in sorted((p for p in os.listdir("/proc") if p.isdigit()), key=int):
        stat = core.slurp("/proc/%s/stat" % p)
        if stat and int(stat.rpartition(")")[2].split()[2]) == pid:
            line = (core.slurp("/proc/%s/cmdline" % p) or "").replace("\0", " ").strip()
            rows.append((int(p), re.sub(r"^\S*python3\S* -I -S \S+/main.py ", "", line)))
    return rows


def status(_verb, names, opts):
    rows, worst = get(names), 0
    if not rows:
        raise Stop("Unit %s could not be found." % " ".join(names), 4)
    from standin import journalctl
    for f in rows:
        if f["load"] == "not-found":
            err("Unit %s could not be found." % f["name"])
            worst = 4
            continue
        out("%s %s - %s" % ({"active": "●", "failed": "×"}.get(f["active"], "○"), f["name"], f.get("description", f["name"])))
        out("     Loaded: %s (%s; %s; preset: enabled)" % (f["load"], f.get("path"), f.get("enabled")))
        if f.get("dropins"):
            out("    Drop-In: " + "\n             ".join(f["dropins"]))
        when = time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(f["since"]))
        label = {"failed": "failed (Result: %s)" % f["result"]}.get(f["active"], "%s (%s)" % (f["active"], f["sub"]))
        out("     Active: %s since %s; %s ago" % (label, when, since(f["since"])))
        if f["pid"]:
            members = group_members(f["pid"])
            out("   Main PID: %d (%s)" % (f["pid"], os.path.basename(f["exec"].split()[0])))
            out("      Tasks: %d (limit: 4915)\n     CGroup: /system.slice/%s" % (len(members), f["name"]))
            for i, (p, line) in enumerate(members):
                out("             %s%d %s" % ("└─" if i == len(members) - 1 else "├─", p, line))
        lines = journalctl.select([f["name"]], limit=int(opts.get("lines", 10)))
        if lines:
            out("\n" + "\n".join(journalctl.short(r) for r in lines))
        worst = max(worst, 0 if f["active"] in ("active", "reloading") else 3)
    return worst


def show(_verb, names, opts):
    for i, f in enumerate(get(names)):
        if i:
            out()
        props = {"Id": f["name"], "Names": f["name"], "Description": f.get("description", f["name"]), "LoadState": f["load"],
                 "ActiveState": f["active"], "SubState": f["sub"], "FragmentPath": f.get("path", ""), "DropInPaths": " ".join(f.get("dropins", [])),
                 "UnitFileState": f.get("enabled", ""), "MainPID": f.get("pid", 0), "Result": f.get("result", "success"), "NRestarts": f.get("restarts", 0),
                 "ExecMainStatus": abs(f.get("status") or 0), "InvocationID": f.get("invocation", ""),
                 "WorkingDirectory": f.get("folder", ""), "Type": f.get("type", "simple"), "PartOf": f.get("part_of", ""), "Wants": f.get("wants", ""),
                 "StateChangeTimestamp": time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(f["since"])) if f.get("since") else "", "TimeoutStopUSec": span(f.get("stop_timeout", 90.0)),
                 "TimeoutStartUSec": span(f.get("stop_timeout", 90.0)), "NeedDaemonReload": "yes" if f.get("stale") else "no",
                 "CanReload": "yes" if f.get("reload") else "no", "Environment": f.get("environment", ""), "ControlGroup": "",
                 "EnvironmentFiles": "\n".join("%s (ignore_errors=%s)" % (n.lstrip("-"), "yes" if n.startswith("-") else "no") for n in f.get("env_files", [])),
                 "User": f.get("user", ""),
                 "ExecStart": "{ path=%s ; argv[]=%s ; ignore_errors=no }" % ((f.get("exec") or "").split(" ")[0], f.get("exec", "")),
                 "ActiveEnterTimestamp": time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(f["since"])) if f["active"] == "active" else ""}
        for key in opts["properties"] or sorted(props):
            if key in props:
                out(str(props[key]) if opts.get("value") else "%s=%s" % (key, props[key]))
    return 0


def span(s):
    return "infinity" if s > 1e8 else "%dmin %ds" % (s // 60, s % 60) if s > 60 and s % 60 else "%dmin" % (s // 60) if s >= 60 else "%ds" % s


def need_root(verb, name):
    if os.geteuid() != 0:
        raise Stop("Failed to %s unit: Access denied" % verb)
    if units.path_of(name)[0] is None and "mask" not in verb:
        raise Stop("Failed to %s unit: Unit file %s does not exist." % (verb, name))


def link(name):
    """The symlinks of enable; the lines it says."""
    conf, said = units.load(name) or {}, []
    for target in " ".join(conf.get("WantedBy", [])).split():
        folder = "%s/%s.wants" % (units.DIRECTORY, target)
        os.makedirs(folder, exist_ok=True)
        if not os.path.lexists("%s/%s" % (folder, name)):
            os.symlink(units.path_of(name)[0], "%s/%s" % (folder, name))
            said.append("Created symlink %s/%s → %s." % (folder, name, units.path_of(name)[0]))
    return said


def enable(verb, names, opts):
    import glob
    for name in map(units.full, names):
        need_root(verb, name)
        effect("systemctl", verb, *(["--now"] if opts.get("now") else []), name)
        if verb == "enable":
            for line in link(name):
                err(line)
        else:
            for path in glob.glob("%s/*.wants/%s" % (units.DIRECTORY, name)):
                os.unlink(path)
                err('Removed "%s".' % path)
        if opts.get("now"):
            answer = ask({"verb": "start" if verb == "enable" else "stop", "units": [name]})
            if answer["code"]:
                raise Stop("\n".join(answer["words"]), answer["code"])
    return 0


def mask(verb, names, opts):
    """A unit whose file lies in /etc cannot be masked, as with systemd."""
    for name in map(units.full, names):
        need_root(verb, name)
        path = "%s/%s" % (units.DIRECTORY, name)
        effect("systemctl", verb, name)
        if verb == "mask" and not units.masked(name):
            if os.path.exists(path):
                raise Stop("Failed to mask unit: File %s already exists." % path)
            os.symlink("/dev/null", path)
            err("Created symlink %s → /dev/null." % path)
            if opts.get("now"):
                ask({"verb": "stop", "units": [name]})
        elif verb == "unmask" and units.masked(name):
            os.unlink(path)
            err('Removed "%s".' % path)
    return 0


def list_units(_verb, names, opts):
    rows = [f for f in get(names) if f["active"] != "inactive" or opts.get("all")]
    state = opts.get("state")
    rows = [f for f in rows if not state or f["active"] in str(state).split(",") or f["sub"] in str(state).split(",")]
    if not opts.get("no-legend") and opts.get("legend") != "false":
        out("  UNIT                            LOAD   ACTIVE SUB     DESCRIPTION")
    for f in rows:
        lead = "" if opts.get("plain") else ("● " if f["active"] == "failed" else "  ")
        out("%s%-31s %-6s %-6s %-7s %s" % (lead, f["name"], f["load"], f["active"], f["sub"], f.get("description", "")))
    if not opts.get("no-legend") and opts.get("legend") != "false":
        out("\n%d loaded units listed." % len(rows))
    return 0


def list_files(_verb, names, _opts):
    import fnmatch
    for name in sorted(os.listdir(units.DIRECTORY)):
        if name.endswith(".service") and (not names or any(fnmatch.fnmatch(name, units.full(n) if "*" not in n else n) for n in names)):
            out("%-31s %-8s enabled" % (name, units.enabled(name) or "static"))
    return 0


def cat(_verb, names, _opts):
    for name in map(units.full, names):
        files = units.files_of(name)
        if not files:
            raise Stop("No files found for %s." % name)
        for path in files:
            out("# %s\n%s\n" % (path, core.slurp(path)))
    return 0
