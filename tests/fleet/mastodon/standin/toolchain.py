# SPDX-License-Identifier: GPL-3.0-or-later
"""rbenv, ruby, gem and bundle as a Mastodon host has them, and the way from `ruby FILE` to the command it holds."""
import os
import re

from standin import core, rubies
from standin.core import RBENV, Stop, effect, err, fault, nap, out, slurp, spit, version_key

GEMS = ("charlock_holmes", "puma", "rails", "sidekiq")


def mark_ruby(version):
    """Say that rbenv holds a Ruby."""
    os.makedirs("%s/versions/%s/bin" % (RBENV, version), exist_ok=True)
    spit("%s/versions/%s/bin/ruby" % (RBENV, version), "#!/bin/sh\nexec env RBENV_VERSION=%s %s/shims/ruby \"$@\"\n" % (version, RBENV), 0o755)


def abi(ruby):
    return ".".join(ruby.split(".")[:2]) + ".0"


def gems_file(live, ruby):
    return "%s/vendor/bundle/ruby/%s/installed" % (live, abi(ruby))


def missing_gems(live, ruby):
    """The gems of Gemfile.lock that this Ruby's vendor/bundle does not hold, as name-version."""
    have = (slurp(gems_file(live, ruby)) or "").split("\n")
    return [n for n in ("%s-%s" % (g, core.lock_version(g, live)) for g in GEMS) if n not in have]


def mark_bundle(live, ruby):
    """Install what Gemfile.lock names; returns the names that were missing."""
    new = missing_gems(live, ruby)
    path = gems_file(live, ruby)
    os.makedirs(os.path.dirname(path) + "/gems", exist_ok=True)
    for name in new:
        spit("%s/gems/%s" % (os.path.dirname(path), name), name * 8000)
        with open(path, "a", encoding="utf-8") as f:
            f.write(name + "\n")
    return new


def mark_modules(live):
    """Say that node_modules matches the lock file."""
    os.makedirs(live + "/node_modules", exist_ok=True)
    spit(live + "/node_modules/.yarn-state.yml", (slurp(live + "/yarn.lock") or "") + "\n")


def modules_fresh(live):
    return slurp(live + "/node_modules/.yarn-state.yml") == slurp(live + "/yarn.lock")


def wanted_ruby():
    """(version, who says so), as rbenv finds it."""
    if os.environ.get("RBENV_VERSION"):
        return os.environ["RBENV_VERSION"], "RBENV_VERSION environment variable"
    here = os.getcwd()
    while True:
        text = slurp(here + "/.ruby-version")
        if text:
            return text.strip(), here + "/.ruby-version"
        if here == "/":
            break
        here = os.path.dirname(here)
    return (slurp(RBENV + "/version") or "system").strip(), RBENV + "/version"


def select_ruby(name):
    """The Ruby this shim runs under; rbenv's refusal when it is not there."""
    if rubies.manager() != "rbenv":
        return rubies.select(name)
    version, origin = wanted_ruby()
    if not os.path.exists("%s/versions/%s/bin/ruby" % (RBENV, version)):
        raise Stop("rbenv: version `%s' is not installed (set by %s)" % (version, origin))
    os.environ["RBENV_VERSION"] = version
    os.environ["RBENV_SHIM"] = name
    return version


def check_gemfile(live, ruby):
    """The Gemfile's Ruby range, as Bundler checks it before anything else."""
    m = re.search(r"^ruby '>= ([\d.]+)', '< ([\d.]+)'", slurp(live + "/Gemfile") or "", re.M)
    if m and not version_key(m.group(1)) <= version_key(ruby) < version_key(m.group(2)):
        raise Stop("Your Ruby version is %s, but your Gemfile specified >= %s, < %s" % (ruby, m.group(1), m.group(2)), 18)


def bundler_setup(live, ruby):
    """require 'bundler/setup': the range, then the gems."""
    check_gemfile(live, ruby)
    missing = missing_gems(live, ruby)
    if missing:
        raise Stop("Could not find %s in locally installed gems (Bundler::GemNotFound)\nRun `bundle install` to install missing gems."
                   % ", ".join(missing), 7)


def main(name, args):
    """A shim by its name."""
    if name == "rbenv":
        return rbenv(args)
    if name == "bundler":
        name = "bundle"
    ruby = select_ruby(name)
    if name == "ruby":
        return run_ruby(ruby, args)
    if name == "gem":
        return gem(args)
    if name == "bundle":
        return bundle(ruby, args)
    return run_program(ruby, name, args)


def run_ruby(ruby, args):
    """ruby -v, or ruby FILE ARG… (what #!/usr/bin/env ruby comes to)."""
    if not args or args[0] in ("-v", "--version"):
        day = {"4.0": "2026-05-20", "3.4": "2025-10-08", "3.3": "2024-09-03"}.get(ruby[:3], "2023-03-30")
        out("ruby %s (%s revision 0f4a1d2e3c) +PRISM [x86_64-linux]" % (ruby, day))
        return 0
    if "-rfiddle" in args and "vips_version_string" in " ".join(args):
        library = core.setting("libvips", core.setting("vips", ""))
        if not library or core.setting("fiddle", "yes") != "yes":
            raise Stop("<internal:/usr/lib/ruby/rubygems/core_ext/kernel_require.rb>:136:in 'require': cannot load such file -- fiddle (LoadError)")
        out(library)
        return 0
    while args and args[0].startswith("-"):
        args = args[1:]
    if not args or not os.path.exists(args[0]):
        raise Stop("ruby: No such file or directory -- %s (LoadError)" % (args[0] if args else "-"))
    name = os.path.basename(args[0])
    if name not in ("rails", "tootctl", "bundle", "rake"):
        raise Stop("%s: the stand-in has no Ruby interpreter for this file" % args[0])
    path = os.path.abspath(args[0])
    if os.path.basename(os.path.dirname(path)) == "bin":
        os.environ["STANDIN_LIVE"] = os.path.dirname(os.path.dirname(path))
    return run_program(ruby, name, args[1:]) if name != "bundle" else bundle(ruby, args[1:])


def run_program(ruby, name, args):
    """A program of the bundle."""
    live = os.environ.get("STANDIN_LIVE") or core.live_dir()
    if not os.path.exists(live + "/Gemfile"):
        raise Stop("Could not locate Gemfile or .bundle/ directory", 10)
    bundler_setup(live, ruby)
    if name == "bin/tootctl":
        name = "tootctl"
    name = {"bin/rails": "rails", "rake": "rails"}.get(name, name)
    if name not in ("rails", "tootctl", "puma", "sidekiq"):
        raise Stop("bundler: command not found: %s\nInstall missing gem executables with `bundle install`" % name, 127)
    module = __import__("standin." + {"puma": "web"}.get(name, name), fromlist=["main"])
    return module.main(live, args)


def gem(args):
    if args[:1] in (["-v"], ["--version"]):
        out("3.6.9")
    elif args[:1] == ["install"]:
        effect("gem", *args)
        for name in (a for a in args[1:] if not a.startswith("-")):
            out("Successfully installed %s\n1 gem installed" % name)
    return 0


def bundle(ruby, args):
    """bundle install | exec | check | config | --version"""
    verb = args[0] if args and not args[0].startswith("--j") else "install"
    if verb in ("-v", "--version", "version"):
        out("Bundler version 2.6.9")
        return 0
    live = os.environ.get("STANDIN_LIVE") or core.live_dir()
    if not os.path.exists(live + "/Gemfile") or (os.getcwd() + "/").find(live + "/") != 0 and "STANDIN_LIVE" not in os.environ:
        raise Stop("Could not locate Gemfile or .bundle/ directory", 10)
    if verb == "exec":
        if len(args) < 2:
            raise Stop("bundler: exec needs a command to run", 128)
        return run_program(ruby, args[1], args[2:])
    if verb == "config":
        if len(args) > 1:
            effect("bundle", *args)
        return 0
    check_gemfile(live, ruby)
    if verb == "check":
        if missing_gems(live, ruby):
            err("The following gems are missing\n" + "\n".join(" * " + re.sub(r"-(?=\d)", " (", g) + ")" for g in missing_gems(live, ruby)))
            err("Install missing gems with `bundle install`")
            return 1
        out("The Gemfile's dependencies are satisfied")
        return 0
    if verb != "install":
        raise Stop('Could not find command "%s".' % verb, 15)
    return bundle_install(live, ruby)


def bundle_install(live, ruby):
    from standin import releases
    new = missing_gems(live, ruby)
    if os.geteuid() == 0:
        err("Don't run Bundler as root. Installing your bundle as root will break this application for all non-root users on this machine.")
    if new:
        out("Fetching gem metadata from https://rubygems.org/.........")
        nap(0.3)
    if fault("bundle-network") is not None:
        raise Stop("Could not fetch specs from https://rubygems.org/ due to underlying error <SocketError: Failed to open TCP connection to "
                   "rubygems.org:443 (getaddrinfo: Temporary failure in name resolution)>", 17)
    if fault("bundle-charlock") is not None and "c++17" not in os.environ.get("BUNDLE_BUILD__CHARLOCK_HOLMES", ""):
        err("Gem::Ext::BuildError: ERROR: Failed to build gem native extension.\n\n"
            "    current directory: %s/vendor/bundle/ruby/%s/gems/charlock_holmes-0.7.9/ext/charlock_holmes\n"
            "/usr/include/unicode/localpointer.h:68:26: error: 'auto' not allowed in template parameter until C++17\n"
            "make: *** [Makefile:246: transliterator.o] Error 1\n\nmake failed, exit code 2\n\n"
            "An error occurred while installing charlock_holmes (0.7.9), and Bundler cannot\ncontinue.\n\nIn Gemfile:\n  charlock_holmes"
            % (live, abi(ruby)))
        return 5
    for name in new:
        out("Installing " + re.sub(r"-(?=\d)", " ", name))
        nap(0.15)
    effect("bundle install", "v" + core.code_version(live), "ruby-" + ruby, "new=%d" % len(new))
    mark_bundle(live, ruby)
    nap(0.1)
    deps, total = releases.series(core.code_version(live))["gems"]
    out("Bundle complete! %d Gemfile dependencies, %d gems now installed.\nGems in the groups 'development' and 'test' were not installed.\n"
        "Bundled gems are installed into `./vendor/bundle`" % (deps, total))
    return 0


def rbenv(args):
    """The verbs of rbenv that an operator uses."""
    verb = args[0] if args else "help"
    if verb == "install":
        return rbenv_install(args[1:])
    if verb in ("-v", "--version"):
        out("rbenv 1.3.2")
    elif verb == "version":
        version, origin = wanted_ruby()
        select_ruby("rbenv")
        out("%s (set by %s)" % (version, origin))
    elif verb == "versions":
        version, origin = wanted_ruby()
        for name in sorted(os.listdir(RBENV + "/versions"), key=version_key):
            out("* %s (set by %s)" % (name, origin) if name == version else "  " + name)
    elif verb == "global":
        if len(args) > 1:
            if not os.path.exists("%s/versions/%s" % (RBENV, args[1])):
                raise Stop("rbenv: version `%s' not installed" % args[1])
            effect("rbenv global", args[1])
            spit(RBENV + "/version", args[1] + "\n")
        else:
            out(slurp(RBENV + "/version") or "system")
    elif verb == "exec" and len(args) > 1:
        return main(args[1], args[2:])
    elif verb == "which" and len(args) > 1:
        out("%s/versions/%s/bin/%s" % (RBENV, select_ruby(args[1]), args[1]))
    elif verb not in ("rehash", "init"):
        raise Stop("rbenv: no such command `%s'" % verb)
    return 0


def rbenv_install(args):
    """rbenv install [-s] [VERSION]; definitions come from the ruby-build plugin's working tree."""
    defs = RBENV + "/plugins/ruby-build/share/ruby-build"
    names = [a for a in args if not a.startswith("-")]
    if "-l" in args or "--list" in args:
        out("\n".join(sorted(os.listdir(defs), key=version_key)))
        return 0
    version = names[0] if names else wanted_ruby()[0]
    if os.path.exists("%s/versions/%s" % (RBENV, version)):
        if "-s" in args or "--skip-existing" in args:
            return 0
        raise Stop("rbenv: %s/versions/%s already exists\ncontinue with installation? (y/N) " % (RBENV, version))
    if not os.path.exists("%s/%s" % (defs, version)):
        raise Stop("ruby-build: definition not found: %s\n\nSee all available versions with `rbenv install --list'.\n\n"
                   "If the version you need is missing, try upgrading ruby-build:\n\n  git -C %s/plugins/ruby-build pull" % (version, RBENV), 2)
    err("==> Downloading ruby-%s.tar.gz...\n-> curl -q -fL -o ruby-%s.tar.gz https://cache.ruby-lang.org/pub/ruby/%s/ruby-%s.tar.gz"
        % (version, version, version[:3], version))
    nap(0.3)
    err("==> Installing ruby-%s...\n-> ./configure \"--prefix=$HOME/.rbenv/versions/%s\" --enable-shared %s"
        % (version, version, os.environ.get("RUBY_CONFIGURE_OPTS", "")))
    nap(1.2)
    if fault("ruby-build-fails") is not None:
        raise Stop("\nBUILD FAILED (Debian 12 on x86_64 using ruby-build 20260520)\n\nInspect or clean up the working tree at /tmp/ruby-build.20260520\n"
                   "Last 10 log lines:\nlinking shared-object libruby.so\nvirtual memory exhausted: Cannot allocate memory", 1)
    err("-> make -j 2\n-> make install")
    effect("rbenv install", version)
    mark_ruby(version)
    err("==> Installed ruby-%s to %s/versions/%s" % (version, RBENV, version))
    return 0
