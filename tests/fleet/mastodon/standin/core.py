# SPDX-License-Identifier: GPL-3.0-or-later
"""What every part of the stand-in shares: paths, pace, faults, effects, versions, the .env file."""
import os
import re
import socket
import sys
import time

USER = "mastodon"
HOME = "/home/mastodon"
LIVE = HOME + "/live"
RBENV = HOME + "/.rbenv"
ETC = "/etc/standin"
LOG = "/var/log/standin"
RUN = "/run/standin"
ORIGIN = "/srv/standin/origin"
EFFECTS = LOG + "/effects"
GIVEN = {}  # the environment of the command before .env.production was read
BALLAST = LOG + "/ballast"
JOURNAL = LOG + "/journal"


def slurp(path, default=None):
    """The text of a file without its last newline, or default when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read().rstrip("\n")
    except OSError:
        return default


def spit(path, text, mode=None):
    """Write a file whole."""
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    if mode is not None:
        os.chmod(path, mode)


def pace():
    """The factor on every duration; 1 is the default, 0 is instant."""
    text = os.environ.get("FLEET_PACE") or slurp(ETC + "/pace") or "1"
    try:
        return max(0.0, float(text))
    except ValueError:
        return 1.0


def nap(seconds):
    """Take as long as SECONDS of the stand-in's clock."""
    seconds *= pace()
    if seconds > 0:
        time.sleep(seconds)


def fault(name):
    """The value of a switched-on fault ('' when the file is empty), None when it is off."""
    return slurp("%s/fail.d/%s" % (ETC, name))


def fault_number(name, default):
    """The number a fault's file holds; 0 when the fault is off, default when the file holds none."""
    value = fault(name)
    if value is None:
        return 0.0
    try:
        return float(value.split()[0])
    except (ValueError, IndexError):
        return default


def setting(name, default=None):
    """A fact about this host's machine room: node, vips, ffmpeg, … in /etc/standin/NAME."""
    return slurp("%s/%s" % (ETC, name), default)


def effect(what, *args):
    """Append the one line that says that the world was changed; one write, so lines never mix."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".%06dZ" % (now % 1 * 1e6)
    line = " ".join([stamp, socket.gethostname(), str(os.getpid()), what] + [str(a) for a in args])
    line = line.replace("\n", "\\n")
    fd = os.open(EFFECTS, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, (line + "\n").encode())
    except OSError as e:
        if e.errno != 28:
            raise
        os.truncate(BALLAST, 0)
        os.write(fd, (line + "\n").encode())
    finally:
        os.close(fd)
    fill_ballast()


def fill_ballast():
    """Room for effects on a full disk: without their lines nobody could count what happened there."""
    try:
        have = os.path.getsize(BALLAST)
        if have < 65536:
            with open(BALLAST, "ab", buffering=0) as f:
                f.write(bytes(65536 - have))
    except OSError:
        pass


def out(text=""):
    """A line on stdout, flushed, so that pipes see it when it happens."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def err(text=""):
    """A line on stderr, after what stdout holds."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


class Stop(Exception):
    """End the command with an exit status after a text on stderr."""

    def __init__(self, text, status=1):
        super().__init__(text)
        self.text = text
        self.status = status


def version_key(text):
    """Compare versions as numbers: '4.5.15' > '4.5.9'."""
    return tuple(int(n) for n in re.findall(r"\d+", text)[:4])


def live_dir():
    """The Mastodon directory: where we stand if that is one, else the standard place."""
    here = os.getcwd()
    while True:
        if os.path.exists(here + "/lib/mastodon/version.rb"):
            return here
        if here == "/":
            return LIVE
        here = os.path.dirname(here)


def code_version(live=None):
    """The version of the code on disk, read from lib/mastodon/version.rb as Ruby would run it."""
    text = slurp((live or live_dir()) + "/lib/mastodon/version.rb", "")
    parts = []
    for name in ("major", "minor", "patch"):
        m = re.search(r"def %s\s+(\d+)\s+end" % name, text)
        if not m:
            raise Stop("lib/mastodon/version.rb: syntax error (SyntaxError)")
        parts.append(m.group(1))
    return ".".join(parts)


def lock_version(gem, live=None):
    """The version Gemfile.lock pins for a gem, or None."""
    text = slurp((live or live_dir()) + "/Gemfile.lock", "")
    m = re.search(r"^    %s \(([^)]+)\)" % re.escape(gem), text, re.M)
    return m.group(1) if m else None


def dotenv(live):
    """Load .env.production as dotenv does: the environment wins, quotes are stripped, $NAME expands."""
    name = "%s/.env.%s" % (live, os.environ.get("RAILS_ENV") or os.environ.get("NODE_ENV") or "production")
    try:
        with open(name, encoding="utf-8") as f:
            lines = f.read().splitlines()
    except FileNotFoundError:
        return
    except PermissionError:
        raise Stop("Permission denied @ rb_sysopen - %s (Errno::EACCES)" % name) from None
    GIVEN.update(os.environ)
    never = {"RAILS_ENV", "NODE_ENV", "PORT", "BIND", "SOCKET"}
    for line in lines:
        m = re.match(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$", line)
        if not m or m.group(1) in os.environ or m.group(1) in never:
            continue
        value = m.group(2)
        if value[:1] == "'" and value[-1:] == "'" and len(value) > 1:
            value = value[1:-1]
        else:
            if value[:1] == '"' and value[-1:] == '"' and len(value) > 1:
                value = value[1:-1]
            else:
                value = re.sub(r"\s+#.*$", "", value)
            value = re.sub(r"\$\{?([A-Za-z_]\w*)\}?", lambda n: os.environ.get(n.group(1), ""), value)
        os.environ[m.group(1)] = value


def log_rotate_guard(path, limit=8 << 20):
    """Keep a log of ours below a size: the practice host's disk is small."""
    try:
        if os.path.getsize(path) > limit:
            os.replace(path, path + ".1")
    except OSError:
        pass
