# SPDX-License-Identifier: GPL-3.0-or-later
"""assets:precompile and what it leaves in public/packs."""
import hashlib
import json
import os

from standin import core, node, releases, toolchain
from standin.core import Stop, effect, err, fault, nap, out, slurp, spit, version_key


def digest(version, name):
    return hashlib.sha256(("%s %s" % (version, name)).encode()).hexdigest()[:8]


# What each layout's pages take from the manifest: scripts first, then styles. The start page's first names are always icons, whose
# contents never change, and so their names.
LAYOUTS = {
    "application": (["application", "common"], ["application"]), "auth": (["public", "common"], ["application"]),
    "admin": (["admin", "common"], ["application"]), "embed": (["embed"], ["application"]), "error": (["error"], ["application"]),
}
ICONS = ("favicon-16x16", "favicon-32x32", "apple-touch-icon-57x57")
SCRIPTS = ("application", "common", "public", "admin", "embed", "error")


def is_vite(version):
    return releases.series(version)["packer"] == "vite"


def manifest_path(live, version):
    return live + "/public/packs/" + (".vite/manifest.json" if is_vite(version) else "manifest.json")


def script(version, name):
    return ("assets/%s-%s.js" if is_vite(version) else "js/%s-%s.js") % (name, digest(version, name + ".js"))


def style(version, name):
    return ("assets/%s-%s.css" if is_vite(version) else "css/%s-%s.css") % (name, digest(version, name + ".css"))


def icon(version, name):
    return ("assets/%s-%s.png" if is_vite(version) else "media/icons/%s-%s.png") % (name, digest("", name))


def manifest(version):
    """The manifest of a build, in the shape that vite or webpacker gives it."""
    if not is_vite(version):
        flat = {"%s.js" % n: "/packs/" + script(version, n) for n in SCRIPTS}
        flat.update({"application.css": "/packs/" + style(version, "application"), "version.txt": "/packs/version-%s.txt" % version})
        flat.update({"media/icons/%s.png" % n: "/packs/" + icon(version, n) for n in ICONS})
        flat["entrypoints"] = {n: {"assets": {"js": ["/packs/" + script(version, n)]}} for n in SCRIPTS}
        return flat
    entries = {"entrypoints/%s.ts" % n: {"file": script(version, n), "name": n, "src": "entrypoints/%s.ts" % n, "isEntry": True} for n in SCRIPTS}
    entries["entrypoints/application.ts"]["css"] = [style(version, "application")]
    # What several share is a chunk, whose name is no file's.
    shared, chunk = script(version, "shared"), "_" + os.path.basename(script(version, "shared"))
    entries[chunk] = {"file": shared, "name": "shared"}
    entries["entrypoints/application.ts"]["imports"] = [chunk]
    entries["version.txt"] = {"file": "assets/version-%s.txt" % version}
    entries.update({"icons/%s.png" % n: {"file": icon(version, n), "src": "icons/%s.png" % n} for n in ICONS})
    return entries


def files_of(entries):
    """All files that a manifest names, below public/packs."""
    names = set()
    for value in entries.values():
        if isinstance(value, str):
            names.add(value[len("/packs/"):])
        elif "file" in value:
            names.update([value["file"]] + value.get("css", []))
    return sorted(names)


def find(entries, kind, name):
    """The file of an entry in a manifest, None when the build did not make it."""
    if kind == "css":
        flat = entries.get(name + ".css")
        return flat[len("/packs/"):] if flat else (entries.get("entrypoints/application.ts", {}).get("css") or [None])[0]
    flat = entries.get(name + (".js" if kind == "js" else ".png")) or entries.get("media/icons/%s.png" % name)
    if isinstance(flat, str):
        return flat[len("/packs/"):]
    return entries.get("entrypoints/%s.ts" % name if kind == "js" else "icons/%s.png" % name, {}).get("file")


def tags(live, version, layout):
    """What a page of that layout has in its head, as the manifest on disk says now; KeyError when that lacks an entry."""
    entries = json.loads(slurp(manifest_path(live, version)) or "{}")
    lines = []
    for kind, names, form in (("png", ICONS, '<link rel="icon" href="/packs/%s" type="image/png">'),
                              ("css", LAYOUTS[layout][1], '<link rel="stylesheet" href="/packs/%s" media="all" crossorigin="anonymous">'),
                              ("js", LAYOUTS[layout][0], '<script src="/packs/%s" crossorigin="anonymous" type="module"></script>')):
        for name in names:
            found = find(entries, kind, name)
            if not found:
                raise KeyError(name)
            lines.append(form % found)
    return "\n".join(lines)


def write_packs(live, version):
    """Write the packs; old files stay, as they do."""
    entries = manifest(version)
    for name in files_of(entries):
        path = "%s/public/packs/%s" % (live, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        spit(path, ("/* mastodon %s */\n" % version) * (4000 if "/application-" in name and name.endswith(".js") else 10))
    os.makedirs(live + "/public/assets", exist_ok=True)
    path = manifest_path(live, version)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    spit(path, json.dumps(entries, indent=2) + "\n")
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
    core.write_much(live)
    if fault("assets-oom") is not None:
        spit(live + "/tmp/cache/last-compilation-digest-production", version + " failed\n")
        err("Compilation failed:\nKilled" if packer == "webpacker" else "Build with Vite failed! ❌\npid 4711 SIGKILL (signal 9)")
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
