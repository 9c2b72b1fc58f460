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


def dropin_folders(name):
    """The folders of a unit's drop-ins; of an instance, its template's too."""
    names = [re.sub(r"@.*(\.\w+)$", r"@\1", name), name] if re.search(r"@[^.]", name) else [name]
    return ["%s/%s.d" % (DIRECTORY, n) for n in names]


def files_of(name, folders=None):
    """The unit file and its drop-ins, in these folders only when they are given."""
    path, _ = path_of(name)
    found = [f for d in (dropin_folders(name) if folders is None else folders) for f in glob.glob(d + "/*.conf")]
    return ([path] if path else []) + sorted(found, key=os.path.basename)


def load(name):
    """{key: [values]} of a unit, or None when there is no file; `stamp` tells whether the files changed later."""
    path, instance = path_of(name)
    if not path or masked(name):
        return None
    folders = [f for f in dropin_folders(name) if os.path.isdir(f)]
    conf = {"FragmentPath": [path], "DropInPaths": files_of(name)[1:], "folders": folders, "stamp": [stamp(name, folders)]}
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


def stamp(name, folders):
    """Changes when a file of the unit does. As systemd: a folder that was not there when the unit was loaded is not seen."""
    return repr([(f, os.stat(f).st_mtime_ns if os.path.exists(f) else 0) for f in files_of(name, folders)])


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


def words(conf):
    """The variables of Environment=, as a dictionary."""
    return dict(word.partition("=")[::2] for line in conf.get("Environment", []) for word in shlex.split(line))


def shown_environment(conf):
    """As `systemctl show -p Environment` prints it: words with blanks or quotes in them are quoted."""
    shown = ["%s=%s" % kv for kv in words(conf).items()]
    return " ".join('"%s"' % re.sub(r'(["\\$`])', r"\\\1", w) if re.search(r"[\s\"\\$`']", w) else w for w in shown)


def file_words(text):
    """Variables of a file of EnvironmentFile=."""
    env = {}
    for line in re.sub(r"\\\n", "", text).split("\n"):
        m = re.match(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*$", line)
        if m:
            value = m.group(2)
            quoted = re.fullmatch(r"(['\"])(.*)\1", value)
            env[m.group(1)] = quoted.group(2) if quoted else re.sub(r"\\(.)", r"\1", value)
    return env


def environment(conf):
    """What the processes of the unit are given: a file wins over Environment=."""
    env = words(conf)
    for name in conf.get("EnvironmentFile", []):
        env.update(file_words(slurp(name.lstrip("-")) or ""))
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
