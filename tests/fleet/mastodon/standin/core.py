# SPDX-License-Identifier: GPL-3.0-or-later
"""What every part of the stand-in shares: paths, pace, faults, effects, versions, the .env file."""
import os
import re
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
UNITD = RUN + "/unitd.sock"  # where systemctl reaches it


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


def real_systemd():
    """Is systemd the first process of this host, and not the stand-in for it?"""
    return os.path.isdir("/run/systemd/system")


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


def write_much(live):
    """What yarn and the assets' build do first of all: write more than is left in the blocks of files that are written anew. With the fault
    disk-fills only when the disk is full."""
    while fault("disk-fills") is not None and os.statvfs(live).f_bavail > 0:
        time.sleep(0.05)
    os.makedirs(live + "/tmp", exist_ok=True)
    much = live + "/tmp/standin-much"
    try:
        spit(much, "x" * (1 << 20))
    finally:
        if os.path.exists(much):
            os.unlink(much)


def setting(name, default=None):
    """A fact about this host's machine room: node, vips, ffmpeg, … in /etc/standin/NAME."""
    return slurp("%s/%s" % (ETC, name), default)


def effect(what, *args):
    """Append the one line that says that the world was changed; one write, so lines never mix."""
    if os.environ.get("STANDIN_UNCOUNTED"):
        return
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".%06dZ" % (now % 1 * 1e6)
    line = " ".join([stamp, os.uname().nodename, str(os.getpid()), what] + [str(a) for a in args])
    rest = (line.replace("\n", "\\n") + "\n").encode()
    fd = os.open(EFFECTS, os.O_WRONLY | os.O_APPEND)
    try:
        try:
            rest = rest[os.write(fd, rest):]
        except OSError as e:
            if e.errno != 28:
                raise
        if rest:  # none of it, or a part, had room
            os.truncate(BALLAST, 0)
            os.write(fd, rest)
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


def title(text):
    """What ps shows of this process from now on, as far as there is room."""
    import ctypes
    begin, end = map(int, (slurp("/proc/self/stat") or "").rpartition(")")[2].split()[45:47])
    size = end - begin - 1
    ctypes.memset(begin, 0, size)
    ctypes.memmove(begin, text.encode()[:size], min(size, len(text.encode())))


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


def full_version(live=None):
    """The version as the application says it: what makes it a pre-release, and a fork's name, come from the code or from the settings."""
    text = "".join(slurp((live or live_dir()) + name, "") for name in ("/lib/mastodon/version.rb", "/config/mastodon.yml"))

    def word(name):
        m = re.search(r"(?:def %s|^ +%s: <%%=)\s+\[?'([a-z0-9.-]*)'" % (name, name), text, re.M)
        return m.group(1) if m else ""
    pre = os.environ.get("MASTODON_VERSION_PRERELEASE") or word("default_prerelease")
    build = ".".join(w for w in (word("build_metadata") or word("metadata"), os.environ.get("MASTODON_VERSION_METADATA", "")) if w)
    return code_version(live) + ("-" + pre if pre else "") + ("+" + build if build else "")


def lock_version(gem, live=None):
    """The version Gemfile.lock pins for a gem, or None."""
    text = slurp((live or live_dir()) + "/Gemfile.lock", "")
    m = re.search(r"^    %s \(([^)]+)\)" % re.escape(gem), text, re.M)
    return m.group(1) if m else None


def dotenv(live):
    """Load the .env files as dotenv-rails does: the environment wins, then the first file that says something."""
    mode = os.environ.get("RAILS_ENV") or os.environ.get("NODE_ENV") or "production"
    GIVEN.update(os.environ)
    for name in (".env.%s.local" % mode, ".env.local", ".env." + mode, ".env"):
        try:
            with open("%s/%s" % (live, name), encoding="utf-8-sig", newline="") as f:
                text = re.sub("\r\n?", "\n", f.read())
        except FileNotFoundError:
            continue
        except PermissionError:
            raise Stop("Permission denied @ rb_sysopen - %s/%s (Errno::EACCES)" % (live, name)) from None
        found = {}
        for m in ENTRY.finditer(text):
            key = m.group("key")
            found[key] = os.environ[key] if key in os.environ else env_value(m.group("value") or "", found)
        for key, value in found.items():
            if key not in {"RAILS_ENV", "NODE_ENV", "PORT", "BIND", "SOCKET"}:
                os.environ.setdefault(key, value)


# One setting: a quoted value may go over lines, a bare one ends at a # or the line's end.
ENTRY = re.compile(r"""^\s*(?:export\s+)?(?P<key>[A-Za-z0-9_.]+)(?:\s*=|:[ \t])
                   (?P<value>\s*'(?:\\'|[^'])*'(?=\s*(?:\#.*)?$) | \s*"(?:\\"|[^"])*"(?=\s*(?:\#.*)?$) | [^#\n]*)""", re.M | re.X)


def env_value(text, found):
    """What dotenv makes of a value: quotes off, backslashes and $NAME resolved but in single quotes, $(command) run."""
    text = text.strip()
    quote = text[:1] if len(text) > 1 and text[:1] in "'\"" and text[-1:] == text[:1] else ""
    text = text[1:-1] if quote else text
    if quote == "'":
        return text
    text = re.sub(r"\\([^$nr])" if quote else r"\\([^$])", r"\1", text)
    text = re.sub(r"\$\(([^()]+)\)", lambda m: os.popen(m.group(1)).read().rstrip("\n"), text)
    return re.sub(r"(\\)?\$(?!\()\{?(\w*)\}?",
                  lambda m: m.group(0)[1:] if m.group(1) else found.get(m.group(2), os.environ.get(m.group(2), "")) if m.group(2) else m.group(0), text)


def log_rotate_guard(path, limit=8 << 20):
    """Keep a log of ours below a size: the practice host's disk is small."""
    try:
        if os.path.getsize(path) > limit:
            os.replace(path, path + ".1")
    except OSError:
        pass
