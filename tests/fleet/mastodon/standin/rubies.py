# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host's Rubies lie and who chooses among them: rbenv, asdf, mise, or one of the system's own."""
import glob
import os
import re

from standin.core import HOME, RBENV, Stop, effect, err, nap, out, setting, slurp, spit, version_key

ROOTS = {"rbenv": RBENV, "asdf": HOME + "/.asdf", "mise": HOME + "/.local/share/mise", "system": "/usr/local"}


def manager():
    return setting("ruby-by", "rbenv")


def folder(version, who=None):
    """Where that Ruby lies."""
    who = who or manager()
    return "%s/versions/%s" % (ROOTS[who], version) if who == "rbenv" else "%s/installs/ruby/%s" % (ROOTS[who], version)


def follows():
    """Does asdf or mise go by .ruby-version?"""
    if manager() == "asdf":
        return re.search(r"^legacy_version_file\s*=\s*yes", slurp(HOME + "/.asdfrc", ""), re.M) is not None
    return setting("mise-follows", "yes") == "yes"


def chosen(where=None):
    """(version or None, the file that says so) of asdf or mise."""
    here = where or os.getcwd()
    while True:
        m = re.search(r"^ruby\s+(\S+)", slurp(here + "/.tool-versions", ""), re.M)
        if m:
            return m.group(1), here + "/.tool-versions"
        text = slurp(here + "/.ruby-version")
        if text and follows():
            return text.strip(), here + "/.ruby-version"
        if here == "/":
            break
        here = os.path.dirname(here)
    m = re.search(r"^ruby\s+(\S+)", slurp(HOME + "/.tool-versions", ""), re.M)
    return (m.group(1), HOME + "/.tool-versions") if m else (None, "")


def select(name):
    """The Ruby that a shim of asdf or mise, or the system's own program, runs under."""
    if manager() == "system":
        version = setting("ruby", "3.3.8")
    else:
        version, _ = chosen()
        if not version:
            raise Stop("No version is set for command %s\nConsider adding one of the following versions in your config file at %s/.tool-versions" % (name, os.getcwd()), 126)
        if not os.path.isdir(folder(version)):
            raise Stop("No preset version installed for command %s\nPlease install a version by running one of the following:\n\n%s install ruby %s"
                       % (name, manager(), version), 126)
    os.environ["RBENV_VERSION"] = version
    os.environ["RBENV_SHIM"] = name
    return version


def known():
    """Rubies that the manager's ruby-build knows."""
    from standin import releases
    newest = setting("rubies-until", "9")
    return [r for r in sorted({s["ruby"] for s in releases.SERIES.values()}, key=version_key) if version_key(r) <= version_key(newest)]


def main(who, args):
    """asdf and mise, as far as an upgrade needs them."""
    text = " ".join(args)
    if text in ("current ruby", "current"):
        version, where = chosen()
        if not version:
            raise Stop("ruby            ______          No version is set. Run \"asdf set ruby <version>\"" if who == "asdf" else "", 126 if who == "asdf" else 0)
        there = os.path.isdir(folder(version))
        out("%-15s %-15s %s %s" % ("ruby", version, where, "true" if there else "false") if who == "asdf" else version)
        return 0 if there or who == "mise" else 1
    if text == "plugin list" and who == "asdf":
        out("nodejs\nruby" if setting("asdf-ruby", "yes") == "yes" else "nodejs")
        return 0
    if text in ("list all ruby", "ls-remote ruby"):
        out("\n".join(known()))
        return 0
    m = re.match(r"install ruby[ @](\S+)$", text)
    if not m:
        raise Stop("%s: the stand-in does not know “%s”" % (who, text))
    if m.group(1) not in known():
        raise Stop("ruby-build: definition not found: %s" % m.group(1), 2)
    if not os.path.isdir(folder(m.group(1))):
        err("==> Downloading ruby-%s.tar.gz..." % m.group(1))
        nap(1.2)
        effect("%s install ruby" % who, m.group(1))
        mark(m.group(1))
    return 0


def mark(version):
    os.makedirs(folder(version) + "/bin", exist_ok=True)
    spit(folder(version) + "/bin/ruby", "#!/bin/sh\nexec env RBENV_VERSION=%s %s/shims/ruby \"$@\"\n" % (version, ROOTS[manager()]), 0o755)


def become(who, version):
    """standin ruby-by WHO VERSION (as root): the host's Rubies come from WHO from now on, and its units run them so; rbenv is gone."""
    import shutil

    from standin import setup
    if who not in ROOTS:
        raise Stop("ruby-by: %s" % ", ".join(ROOTS))
    shims = "/usr/local/bin" if who == "system" else ROOTS[who] + "/shims"
    spit("/etc/standin/ruby-by", who + "\n", 0o644)
    spit("/etc/standin/ruby", version + "\n", 0o644)
    os.makedirs(shims, exist_ok=True)
    for name in setup.SHIMS:
        setup.wrapper(shims + "/" + name, name)
    if who in ("asdf", "mise"):
        place = ROOTS[who] + "/bin" if who == "asdf" else HOME + "/.local/bin"
        os.makedirs(place, exist_ok=True)
        setup.wrapper(place + "/" + who, who)
        mark(version)
        if who == "asdf":
            spit(HOME + "/.asdfrc", "legacy_version_file = yes\n", 0o644)
    for path in glob.glob("/etc/systemd/system/mastodon-*.service"):
        spit(path, re.sub(r"(?m)^ExecStart=\S*/(bundle) ", "ExecStart=%s/\\1 " % shims, slurp(path)) + "\n", 0o644)
    if who != "rbenv":
        shutil.rmtree(RBENV, ignore_errors=True)
    for base, folders, files in os.walk(HOME):
        for name in folders + files:
            if os.lstat(base + "/" + name).st_uid == 0:
                shutil.chown(base + "/" + name, "mastodon", "mastodon") if not os.path.islink(base + "/" + name) else None
        folders[:] = [f for f in folders if base + "/" + f != HOME + "/live"]
