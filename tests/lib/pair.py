# pair.py - two real Unix users and a stranger for tests: accounts of their own, one group, a setgid directory; no account of the machine is touched.
# SPDX-License-Identifier: GPL-3.0-or-later
"""They are in a private /etc/passwd, so it takes root and mounts. A plain user could do the same in a user namespace, where bellbook
takes nobody for a second person: whoever made it is everybody there. Then why_not says so."""
import os
import pwd
import shutil
import subprocess
import sys

import walk

TEAM, ANN, BEN, CAT, EVE = 61000, 61001, 61002, 61003, 61004  # eve is not in the team
TAKEN = 100007  # an account in the range of ann's subordinate uids
NAMES = {ANN: "ann", BEN: "ben", CAT: "cat", EVE: "eve", TAKEN: "taken"}
why_not = None

SETUP = '''dir=$(mktemp -d) || exit 1
{ cat /etc/passwd; %s } > "$dir/passwd"
{ cat /etc/group; echo team:x:%d:; } > "$dir/group"
mount --bind "$dir/passwd" /etc/passwd && mount --bind "$dir/group" /etc/group || exit 1
echo ann:100000:65536 >"$dir/subuid"
for file in /etc/subuid /etc/subgid; do [ ! -e $file ] || mount --bind "$dir/subuid" $file; done
rm -rf "$dir"
# Who runs the tests logged in once; these people have not.
echo 4294967295 2>/dev/null >/proc/self/loginuid || :
exec "$@"''' % ("".join("echo %s:x:%d:%d::/nonexistent:/bin/sh; " % (n, u, TEAM if u != EVE else EVE) for u, n in NAMES.items()), TEAM)


def _works(words):
    return subprocess.run([*words, "true"], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def enter():
    """Starts this program again where the users exist; returns there. Call it first."""
    global why_not
    if os.environ.get("PAIR_INSIDE"):
        return
    os.environ["PAIR_INSIDE"] = "1"
    way = ["unshare", "-m", "sh", "-c", SETUP, "sh"]
    if os.geteuid() == 0 and _works(way):
        os.execvp(way[0], [*way, sys.executable, *sys.argv])
    why_not = "two users need root, and a mount namespace"


class Pair(walk.Place):
    """A place whose journal lies in a directory of the team: group-owned, setgid."""

    def __init__(self, runbook=None, fleet=None, mode=0o2770):
        super().__init__(runbook, fleet)
        os.chmod(self.dir, 0o711)
        self.share = self.dir + "/share"
        os.mkdir(self.share)
        os.chown(self.share, ANN, TEAM)
        os.chmod(self.share, mode)
        self.journal = self.share + "/journal.db"
        self.env["BELLBOOK_JOURNAL"] = self.journal
        self.env["W"] = self.dir + "/work"
        for name, uid in [("work", ANN)] + [("home-%d" % u, u) for u in NAMES]:
            os.mkdir(self.dir + "/" + name)
            os.chown(self.dir + "/" + name, uid, TEAM)
            os.chmod(self.dir + "/" + name, 0o2770 if name == "work" else 0o700)
        for name in ("session.log", "work/effects"):  # each user's processes add to them
            self.write(name, "")
            os.chmod(self.dir + "/" + name, 0o666)
        self.program = walk.BELLBOOK
        if subprocess.run(["test", "-x", self.program], **self.as_user(EVE)).returncode != 0:
            self.program = shutil.copy(walk.BELLBOOK, self.dir + "/bellbook")
            os.chmod(self.program, 0o755)

    @staticmethod
    def as_user(uid):
        """How subprocess starts something as that user."""
        return {"user": uid, "group": EVE if uid == EVE else TEAM, "extra_groups": [], "umask": 0o077}

    def environment(self, uid):
        return dict(self.env, HOME="%s/home-%d" % (self.dir, uid), XDG_STATE_HOME="%s/home-%d" % (self.dir, uid), USER=NAMES[uid])

    def lines(self, name="work/effects"):
        return super().lines(name)

    def run_as(self, uid, *words, **more):
        return self.view(uid, "run", self.dir + "/t.lua", *words, **more)

    def attach_as(self, uid, session, *words, **more):
        return self.view(uid, "attach", str(session), *words, **more)

    def view(self, uid, *words, **more):
        return walk.View(self, list(words), program=self.program, env=self.environment(uid), popen=self.as_user(uid), **more)

    def said(self, uid, *words, given=None):
        """A finished command of that user: completed process with text."""
        return subprocess.run([self.program, *words], env=self.environment(uid), input=given, stdin=None if given is not None else subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", timeout=walk.PATIENCE, cwd=self.dir, **self.as_user(uid))


FLEET = 'fleet { name = "f", policy = { alone = "%s", %s }, mastodon = { domain = "example.org" } %s }\n'
HEAD = 'runbook { id = "t", bellbook = 1, title = "T" }\n'


def change(name, word):
    return 'change "%s" { title = "%s", why = "w", run = function(s) here.run("echo %s >> $W/effects", { env = { W = "@W@" } }) end, done = function(s) return true end }\n' % (name, name, word)


DROP = 'irreversible "drop" { title = "Drop", why = "w", target = "fleet.mastodon.domain", run = function(s) here.run("echo drop >> @W@/effects") end, done = function(s) return true end }\n'


def team(*steps, alone="refuse", policy='delay = "0s"', extra="", **more):
    place = Pair(fleet=FLEET % (alone, policy, extra), **more)
    place.write("t.lua", (HEAD + "".join(steps)).replace("@W@", place.dir + "/work"))
    return place


def refusal(view):
    return view.until(lambda m: "refused" in m)["refused"]["why"]


def name(uid):
    """What the kernel's word about that uid is shown as."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "uid %d" % uid


def named():
    return name(ANN) == "ann"


def subordinate():
    """Whether ann has subordinate uids."""
    return os.path.exists("/etc/subuid") and "ann:100000:" in open("/etc/subuid", encoding="utf-8").read()


def ever(view, test):
    """A message for which test holds, of those that came or come: what is told beside the events has no fixed place among them."""
    for m in view.seen:
        if test(m):
            return m
    return view.until(test)

def main(args):
    """pair.py name UID: what that uid is called where the users exist; pair.py COMMAND…: runs it there. 77 with words where they cannot be."""
    enter()
    if why_not:
        print(why_not)
        return 77
    if args[0] == "name":
        print(name(int(args[1])))
        return 0
    os.environ.pop("PAIR_INSIDE")
    os.execvp(args[0], args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
