# SPDX-License-Identifier: GPL-3.0-or-later
"""standin setup WHAT: the units of this host as other people's servers have them. `plain` is as installed; every other one begins there."""
import os
import re
import socket
import subprocess
import sys
import time

from standin import core, units
from standin.core import ETC, LIVE, Stop, out, real_systemd, slurp, spit
from standin.redis import Redis

NGINX = "/etc/nginx/nginx.conf"
KNOWN = {}
UPSTREAMS = []  # where this set-up has nginx pass requests on


def setup(words):
    """The function below makes the set-up of its name."""
    def keep(work):
        KNOWN[work.__name__.replace("_", "-")] = (work, words)
        return work
    return keep


def main(args):
    """setup WHAT [ARG…] | setup: what there is"""
    if not args:
        for name, (_, words) in KNOWN.items():
            out("%-18s %s" % (name, words))
        return 0
    name = args[0].replace("_", "-")
    if name not in KNOWN:
        raise Stop("no set-up %s; there are: %s" % (name, " ".join(KNOWN)), 2)
    if os.geteuid() != 0:
        raise Stop("setup needs root", 2)
    undo()
    KNOWN[name][0](*args[1:])
    return wait(name)


def ctl(*args, check=True):
    """systemctl that leaves no effect: what tests do to a host is not what a walk did."""
    command = ["/usr/bin/systemctl"] if real_systemd() else [sys.executable, "-I", "-S", os.path.abspath(sys.argv[0]), "systemctl"]
    done = subprocess.run(command + list(args), env=dict(os.environ, STANDIN_UNCOUNTED="1"), capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise Stop("systemctl %s: %s" % (" ".join(args), done.stderr.strip()))
    return done.stdout


def wait(name, limit=60):
    """Until the services of the set-up do their work, for who comes next to find it."""
    end = time.monotonic() + limit
    while True:
        missing = idle(name)
        if not missing:
            return 0
        if time.monotonic() > end:
            core.err("%s: after %d s there is still no %s" % (name, limit, ", ".join(missing)))
            return 1
        time.sleep(0.1)


def idle(name):
    """What does not work yet: asked of nginx and of Redis, as the outside would."""
    missing = []
    if os.path.exists(NGINX):
        off = {"web-looping": "web", "streaming-off": "streaming"}.get(name)
        missing += [role for role, page in (("web", "/health"), ("streaming", "/api/v1/streaming/health"))
                    if role in roles() and role != off and not answers(page)]
        missing += [a for a in UPSTREAMS if not accepts(a) and not (off and a.endswith(":3000" if off == "web" else ":4000"))]
    if "sidekiq" in roles() and name != "sidekiq-looping":
        units_there = re.findall(r"^\S*sidekiq\S*\.service", ctl("list-units", "--plain", "--no-legend", "*sidekiq*"), re.M)
        pids = [ctl("show", "-p", "MainPID", "--value", u).strip() for u in units_there]
        core.dotenv(LIVE)
        redis = Redis.from_env(sidekiq=True)
        seen = [m.split(":")[1] for m in redis.cmd("SMEMBERS", "processes") if m.startswith(socket.gethostname() + ":")]
        redis.close()
        missing += ["Sidekiq"] if [p for p in pids if p not in seen] or not pids else []
    return missing


def answers(page):
    """Does nginx pass this on?"""
    try:
        with socket.create_connection(("127.0.0.1", 80), 5) as conn:
            conn.sendall(b"GET %s HTTP/1.0\r\nHost: social.practice.test\r\n\r\n" % page.encode())
            return b" 200 " in conn.recv(64)
    except OSError:
        return False


def accepts(address):
    """Does anybody listen there?"""
    try:
        socket.create_connection(tuple(address.rsplit(":", 1)), 5).close()
        return True
    except OSError:
        return False


def path(name):
    return "%s/%s" % (units.DIRECTORY, name)


def official(name):
    """The text of one of the release's own unit files, '' when it has none of this name."""
    return slurp("%s/dist/%s" % (LIVE, name)) or ""


def roles():
    """The services that this host has."""
    return [r for r in ("web", "streaming", "sidekiq") if r in (slurp(ETC + "/roles") or "").split()]


def need(role):
    if role not in roles():
        raise Stop("this host has no %s" % role, 2)


def note(name):
    """What the next set-up has to take back."""
    with open(ETC + "/setup", "a", encoding="utf-8") as f:
        f.write(name + "\n")


def put(name, text):
    """A file of this set-up."""
    note(name)
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    spit(path(name), text.rstrip("\n") + "\n", 0o644)


def dropin(unit, *lines):
    put(unit + ".d/setup.conf", "[Service]\n" + "\n".join(lines) if not lines[0].startswith("[") else "\n".join(lines))


def unit_like(name, like, *pairs):
    """A unit as the official `like`, with words replaced."""
    text = official(like)
    for old, new in pairs:
        if not re.search(old, text, re.M):
            raise Stop("%s has no %s" % (like, old))
        text = re.sub(old, new, text, flags=re.M)
    put(name, text)


def undo():
    """As installed: what set-ups have put is stopped and removed, the official units are there, enabled and running."""
    official_names = [n for r in roles() for n in ("mastodon-%s.service" % r, "mastodon-%s@.service" % r)]
    extra = list(dict.fromkeys((slurp(ETC + "/setup") or "").split()))
    for name in extra:
        if re.search(r"\.(service|socket)$", name):
            running = names_of(name)
            if running:
                ctl("disable", "--now", *running, check=False)
                ctl("reset-failed", *running, check=False)
    for name in extra:
        if os.path.lexists(path(name)):
            os.unlink(path(name))
        if name.endswith(".conf"):
            try:
                os.rmdir(os.path.dirname(path(name)))
            except OSError:
                pass
    by_hand_ends()
    for role in ("web", "sidekiq"):
        if role + "-looping" in extra and os.path.exists("%s/fail.d/%s-boot-fails" % (ETC, role)):
            os.unlink("%s/fail.d/%s-boot-fails" % (ETC, role))
    stray = [u for u in names_of("mastodon-streaming@.service") if "@4000." not in u]
    if stray:
        ctl("stop", *stray)
    for name in official_names:
        if official(name):
            if os.path.islink(path(name)):
                os.unlink(path(name))
            spit(path(name), official(name) + "\n", 0o644)
    if os.path.exists(ETC + "/setup"):
        os.unlink(ETC + "/setup")
    nginx("127.0.0.1:3000", "127.0.0.1:4000")
    ctl("daemon-reload")
    if not extra and all(active("mastodon-" + r) for r in roles()):
        return
    names = ["mastodon-" + r for r in roles()]
    ctl("reset-failed", *names, check=False)
    ctl("enable", *names)
    ctl("restart", *names)


def names_of(name):
    """The units that a file stands for: of a template its instances."""
    if "@." not in name:
        return [name]
    lead, tail = name.split("@.")
    found = re.findall(r"(%s@\S+\.%s)" % (re.escape(lead), tail), ctl("list-units", "--all", "--plain", "--no-legend", lead + "@*"))
    return found + [os.path.basename(f) for f in links(lead + "@*." + tail) if os.path.basename(f) not in found]


def links(pattern):
    import glob
    return glob.glob("%s/*.wants/%s" % (units.DIRECTORY, pattern))


def active(name):
    return ctl("is-active", name, check=False).strip() == "active"


def start(*names):
    ctl("daemon-reload")
    ctl("enable", *[n for n in names if n.endswith(".service") or n.endswith(".socket")])
    ctl("start", *names)


def retire(role, how="disabled"):
    """The official unit is stopped and disabled; masked (a link in its place) or deleted when that is asked."""
    name = "mastodon-%s.service" % role
    ctl("disable", "--now", name)
    ctl("reset-failed", name, check=False)
    if how == "masked":
        os.unlink(path(name))
        os.symlink("/dev/null", path(name))
    elif how == "deleted":
        os.unlink(path(name))
    elif how != "disabled":
        raise Stop("the old unit can be disabled, masked or deleted; not %s" % how, 2)
    ctl("daemon-reload")


def nginx(web, streaming):
    """Where nginx finds the services; several are separated by blanks."""
    UPSTREAMS[:] = [a for a in (web + " " + streaming).split() if a.startswith("127.")]
    text = slurp(NGINX)
    if text is None:
        return
    new = text
    for name, places in (("backend", web), ("streaming", streaming)):
        servers = " ".join("server %s fail_timeout=0;" % p for p in places.split())
        new = re.sub(r"(upstream %s \{ (?:least_conn; )?)[^}]*\}" % name, lambda m, s=servers: m.group(1) + s + " }", new)
    if new != text:
        spit(NGINX, new + "\n")
        subprocess.run(["nginx", "-s", "reload"], stderr=subprocess.DEVNULL, check=False)


def queues():
    """All queues of the installed release, in its own order."""
    return re.findall(r"^  - \[(\w+),", slurp(LIVE + "/config/sidekiq.yml") or "", re.M)


@setup("as installed, all of them running")
def plain():
    pass


@setup("Sidekiq in four units, the old one disabled; ARG masked or deleted instead")
def sidekiq_split(how="disabled"):
    need("sidekiq")
    retire("sidekiq", how)
    rest = [q for q in queues() if q not in ("default", "push", "pull", "mailers", "scheduler")]
    parts = {"default": ["default"] + rest, "federation": ["push", "pull"], "mailers": ["mailers"], "scheduler": ["scheduler"]}
    for name, served in parts.items():
        unit_like("mastodon-sidekiq-%s.service" % name, "mastodon-sidekiq.service", (r"^Description=.*", "Description=mastodon-sidekiq-" + name),
                  (r"-c 25", "-c 5" + "".join(" -q " + q for q in served)))
    start(*["mastodon-sidekiq-%s.service" % n for n in parts])


@setup("one template, an instance for each queue, the old unit disabled; ARGs are queues that none serves")
def sidekiq_template(*missing):
    need("sidekiq")
    retire("sidekiq")
    unit_like("mastodon-sidekiq@.service", "mastodon-sidekiq.service", (r"^Description=.*", "Description=mastodon-sidekiq queue %i"), (r"-c 25", "-c 5 -q %i"))
    start(*["mastodon-sidekiq@%s.service" % q for q in queues() if q not in missing])


@setup("a second Sidekiq beside the official one, in sidekiq-default.service")
def sidekiq_extra():
    need("sidekiq")
    unit_like("sidekiq-default.service", "mastodon-sidekiq.service", (r"^Description=.*", "Description=one more for the default queue"),
              (r"-c 25", "-c 5 --queue default"))
    start("sidekiq-default.service")


@setup("a second Sidekiq that somebody started by hand, of no unit")
def sidekiq_by_hand():
    need("sidekiq")
    scope = ["systemd-run", "-q", "--scope", "--slice=user-1000.slice", "--unit=session-77"] if real_systemd() else []
    with open("/dev/null", "r+b") as null:
        subprocess.Popen(scope + ["setpriv", "--reuid", "mastodon", "--regid", "mastodon", "--init-groups", "env", "-i", "HOME=/home/mastodon",
                                  "USER=mastodon", "RAILS_ENV=production", "PATH=/home/mastodon/.rbenv/shims:/usr/local/bin:/usr/bin:/bin",
                                  "STANDIN_BY_HAND=1", "bundle", "exec", "sidekiq", "-c", "5", "-q", "default"],
                         stdin=null, stdout=null, stderr=null, start_new_session=True, cwd=LIVE)
    note("by-hand")


def by_hand_ends():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as f:
                if b"STANDIN_BY_HAND=1\0" in f.read():
                    os.kill(int(pid), 9)
        except OSError:
            continue


@setup("units of another name: masto-web, masto-sidekiq, masto-streaming; the official files are deleted")
def other_names():
    for role in roles():
        retire(role, "deleted")
        if role == "streaming" and official("mastodon-streaming@.service"):
            text = re.sub("%i", "4000", official("mastodon-streaming@.service"))
            os.unlink(path("mastodon-streaming@.service"))
            put("masto-streaming.service", re.sub(r"^(PartOf|ReloadPropagatedFrom|WantedBy)=.*\n?", "", text, flags=re.M).replace(
                "[Install]", "[Install]\nWantedBy=multi-user.target"))
        else:
            unit_like("masto-%s.service" % role, "mastodon-%s.service" % role, (r"^Description=mastodon", "Description=masto"))
    start(*["masto-%s.service" % r for r in roles()])


@setup("the web behind mastodon-web.socket (systemd only)")
def web_socket():
    need("web")
    if not real_systemd():
        raise Stop("a socket unit needs systemd as process 1, and this host has a stand-in", 4)
    put("mastodon-web.socket", "[Unit]\nDescription=socket of mastodon-web\n\n[Socket]\nListenStream=127.0.0.1:3000\nNoDelay=true\nBacklog=1024\n\n"
        "[Install]\nWantedBy=sockets.target")
    dropin("mastodon-web.service", "[Unit]", "Requires=mastodon-web.socket", "After=mastodon-web.socket")
    ctl("stop", "mastodon-web")
    start("mastodon-web.socket", "mastodon-web")


@setup("the web on a unix socket (SOCKET= in its unit)")
def web_unix():
    need("web")
    folder = LIVE + "/tmp/sockets"
    os.makedirs(folder, exist_ok=True)
    who = os.stat(LIVE)
    os.chown(folder, who.st_uid, who.st_gid)
    dropin("mastodon-web.service", "Environment=SOCKET=%s/puma.sock" % folder)
    ctl("daemon-reload")
    ctl("restart", "mastodon-web")
    nginx("unix:%s/puma.sock" % folder, "127.0.0.1:4000")


@setup("the web at another address: -b in its ExecStart; ARG is the address, 127.0.0.2:3100 if there is none")
def web_address(place="127.0.0.2:3100"):
    need("web")
    command = re.search(r"^ExecStart=(.*)$", official("mastodon-web.service"), re.M).group(1)
    dropin("mastodon-web.service", "ExecStart=", "ExecStart=%s -b tcp://%s" % (command, place))
    ctl("daemon-reload")
    ctl("restart", "mastodon-web")
    nginx(place, "127.0.0.1:4000")


@setup("two web units, mastodon-web@3000 and @3001; the official one disabled")
def web_two():
    need("web")
    retire("web")
    unit_like("mastodon-web@.service", "mastodon-web.service", (r"^Description=.*", "Description=mastodon-web on port %i"), (r"PORT=3000", "PORT=%i"))
    start("mastodon-web@3000.service", "mastodon-web@3001.service")
    nginx("127.0.0.1:3000 127.0.0.1:3001", "127.0.0.1:4000")


@setup("streaming on 4000, 4001 and 4002")
def streaming_three():
    need("streaming")
    if not official("mastodon-streaming@.service"):
        raise Stop("this release has no template for streaming", 2)
    dropin("mastodon-streaming.service", "[Unit]", "Wants=mastodon-streaming@4001.service mastodon-streaming@4002.service")
    ctl("daemon-reload")
    ctl("restart", "mastodon-streaming")
    nginx("127.0.0.1:3000", "127.0.0.1:4000 127.0.0.1:4001 127.0.0.1:4002")


@setup("streaming is off on this host: stopped and disabled")
def streaming_off():
    need("streaming")
    ctl("disable", "--now", "mastodon-streaming", check=False)
    note("streaming-off")


@setup("a unit whose file is gone but which systemd still knows: mastodon-sidekiq-old, not-found")
def ghost():
    need("sidekiq")
    dropin("mastodon-sidekiq.service", "[Unit]", "After=mastodon-sidekiq-old.service")
    ctl("daemon-reload")


@setup("the web cannot boot and is tried again and again, from now on")
def web_looping():
    need("web")
    spit(ETC + "/fail.d/web-boot-fails", "", 0o644)
    note("web-looping")
    ctl("restart", "mastodon-web", check=False)


@setup("Sidekiq cannot boot and is tried again and again, from now on")
def sidekiq_looping():
    need("sidekiq")
    spit(ETC + "/fail.d/sidekiq-boot-fails", "", 0o644)
    note("sidekiq-looping")
    ctl("restart", "mastodon-sidekiq", check=False)
