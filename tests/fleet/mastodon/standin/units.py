# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit files: where they are, what they say, with drop-ins and templates."""
import glob
import os
import re
import shlex

from standin.core import slurp

DIRECTORY = "/etc/systemd/system"


def full(name):
    """systemd's completion of a unit name."""
    return name if re.search(r"\.(service|timer|target|socket)$", name) else name + ".service"


def path_of(name):
    """(path of the unit file or None, instance)"""
    plain = "%s/%s" % (DIRECTORY, name)
    if os.path.lexists(plain):
        return plain, ""
    m = re.match(r"([^@]+@)([^@]+)(\.\w+)$", name)
    if m and os.path.exists("%s/%s%s" % (DIRECTORY, m.group(1), m.group(3))):
        return "%s/%s%s" % (DIRECTORY, m.group(1), m.group(3)), m.group(2)
    return None, ""


def masked(name):
    path, _ = path_of(name)
    return bool(path) and os.path.islink(path) and os.readlink(path) == "/dev/null"


def files_of(name):
    """The unit file and its drop-ins."""
    path, _ = path_of(name)
    return ([path] if path else []) + sorted(glob.glob("%s/%s.d/*.conf" % (DIRECTORY, name)))


def load(name):
    """{key: [values]} of a unit, or None when there is no file; `stamp` tells whether the files changed later."""
    path, instance = path_of(name)
    if not path or masked(name):
        return None
    conf = {"FragmentPath": [path], "DropInPaths": files_of(name)[1:], "stamp": [stamp(name)]}
    for one in files_of(name):
        for line in (slurp(one) or "").split("\n"):
            m = re.match(r"\s*([A-Za-z]+)\s*=\s*(.*?)\s*$", line)
            if not m:
                continue
            key, value = m.group(1), m.group(2).replace("%i", instance).replace("%I", instance)
            if not value:
                conf[key] = []
            else:
                conf.setdefault(key, []).append(value)
    return conf


def stamp(name):
    """Changes when a file of the unit does."""
    return repr([(f, os.stat(f).st_mtime_ns if os.path.exists(f) else 0) for f in files_of(name)])


def last(conf, key, default=""):
    return (conf.get(key) or [default])[-1]


def seconds(text):
    """A systemd time span in seconds."""
    total, units = 0.0, {"": 1, "s": 1, "sec": 1, "ms": 0.001, "min": 60, "m": 60, "h": 3600}
    if text == "infinity":
        return 1e9
    for number, unit in re.findall(r"([\d.]+)\s*([a-z]*)", text):
        total += float(number) * units.get(unit, 1)
    return total


def stop_timeout(conf):
    for key in ("TimeoutStopSec", "TimeoutSec"):
        if conf.get(key):
            return seconds(conf[key][-1])
    return 90.0


def environment(conf):
    env = {}
    for line in conf.get("Environment", []):
        for word in shlex.split(line):
            k, _, v = word.partition("=")
            env[k] = v
    for name in conf.get("EnvironmentFile", []):
        for line in (slurp(name.lstrip("-")) or "").split("\n"):
            m = re.match(r"([A-Za-z_]\w*)=(.*)$", line)
            if m:
                env[m.group(1)] = m.group(2).strip("\"'")
    return env


def enabled(name):
    if masked(name):
        return "masked"
    if glob.glob("%s/*.wants/%s" % (DIRECTORY, name)):
        return "enabled"
    conf = load(name)
    if conf is None:
        return ""
    return "disabled" if conf.get("WantedBy") else "static"
