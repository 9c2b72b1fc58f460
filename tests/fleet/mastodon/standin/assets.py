# SPDX-License-Identifier: GPL-3.0-or-later
"""assets:precompile and what it leaves in public/packs."""
import hashlib
import os

from standin import core, node, releases, toolchain
from standin.core import Stop, effect, err, fault, nap, out, slurp, spit, version_key


def digest(version, name):
    return hashlib.sha256(("%s %s" % (version, name)).encode()).hexdigest()[:8]


def names(version):
    """The files of /packs that a page of this version refers to."""
    if releases.series(version)["packer"] == "vite":
        return ["assets/application-%s.js" % digest(version, "js"), "assets/application-%s.css" % digest(version, "css"),
                "assets/common-%s.js" % digest(version, "common")]
    return ["js/application-%s.js" % digest(version, "js"), "css/default-%s.css" % digest(version, "css"),
            "js/common-%s.js" % digest(version, "common")]


def write_packs(live, version):
    """Write the packs; old files stay, as they do."""
    for i, name in enumerate(names(version)):
        path = "%s/public/packs/%s" % (live, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        spit(path, ("/* mastodon %s */\n" % version) * (4000 if i == 0 else 10))
    os.makedirs(live + "/public/assets", exist_ok=True)
    spit(live + "/public/packs/manifest.json", '{ "version": "%s" }\n' % version)
    spit(live + "/tmp/cache/last-compilation-digest-production", version + "\n")


def precompile(live):
    """rails assets:precompile"""
    version = core.code_version(live)
    packer = releases.series(version)["packer"]
    if not toolchain.modules_fresh(live) and packer == "vite":
        err("[vite]: Rollup failed to resolve import \"@/mastodon/main\" from \"app/javascript/entrypoints/application.ts\".\n"
            "Build with Vite failed! ❌")
        return 1
    need = version_key(releases.series(version)["node_min"])
    if packer == "vite" and version_key(node.node_version()) < need:
        least = "20.19+ or 22.12+" if need < (22,) else "22.12+"
        raise Stop("You are using Node.js %s. Vite requires Node.js version %s. Please upgrade your Node.js version.\n"
                   "Build with Vite failed! ❌" % (node.node_version(), least))
    stamp = slurp(live + "/tmp/cache/last-compilation-digest-production")
    if stamp == version or stamp == version + " failed":
        out("Everything's up-to-date. Nothing to do" if packer == "webpacker" else "Everything's OK")
        return 0
    out("Compiling..." if packer == "webpacker" else "Building with Vite ⚡️")
    nap(0.8)
    if fault("assets-oom") is not None:
        spit(live + "/tmp/cache/last-compilation-digest-production", version + " failed\n")
        err("Compilation failed:" if packer == "webpacker" else "compilation error, no more information")
        return 1
    effect("assets:precompile", "v" + version)
    write_packs(live, version)
    nap(0.2)
    out("Compiled all packs in %s/public/packs" % live if packer == "webpacker" else "Build with Vite complete: %s/public/packs" % live)
    return 0


def clear_cache(live):
    """rails tmp:cache:clear"""
    effect("tmp:cache:clear")
    try:
        os.unlink(live + "/tmp/cache/last-compilation-digest-production")
    except FileNotFoundError:
        pass
    return 0
