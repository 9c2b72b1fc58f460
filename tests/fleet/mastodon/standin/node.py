# SPDX-License-Identifier: GPL-3.0-or-later
"""Node, corepack, yarn (classic and berry), vips and ffmpeg."""
import os
import re
import time

from standin import core
from standin.core import ETC, Stop, effect, err, fault, nap, out, setting, slurp, spit, version_key

CLASSIC = "1.22.22"


def node_version():
    return setting("node", "24.16.0")


def main(name, args):
    return {"node": node, "corepack": corepack, "yarn": yarn, "vips": vips, "ffmpeg": ffmpeg, "ffprobe": ffmpeg, "ldconfig": ldconfig}[name](args)


def node(args):
    """node -v, node ./streaming"""
    if not args or args[0] in ("-v", "--version"):
        out("v" + node_version())
        return 0
    path = os.path.abspath(args[0])
    if not os.path.exists(path):
        raise Stop("node:internal/modules/cjs/loader:1478\n  throw err;\n  ^\n\nError: Cannot find module '%s'\n\nNode.js v%s" % (path, node_version()))
    if os.path.basename(path.removesuffix("/index.js")) != "streaming":
        raise Stop("%s: the stand-in has no JavaScript interpreter for this file" % args[0])
    from standin import streaming
    return streaming.main(os.path.dirname(path.removesuffix("/index.js")))


def corepack(args):
    if args[:1] in (["-v"], ["--version"]):
        out("0.34.0")
    elif args[:1] == ["enable"]:
        if os.geteuid() != 0:
            raise Stop("Internal Error: EACCES: permission denied, symlink '../lib/node_modules/corepack/dist/yarn.js' -> '/usr/bin/yarn'\n"
                       "    at async symlink (node:internal/fs/promises:1004:10)")
        effect("corepack enable")
        spit(ETC + "/corepack", "yes\n", 0o644)
    elif args[:1] == ["disable"]:
        effect("corepack disable")
        spit(ETC + "/corepack", "no\n", 0o644)
    return 0


def yarn(args):
    """yarn install [--immutable | --frozen-lockfile], yarn --version"""
    live = core.live_dir()
    m = re.search(r'"packageManager": "yarn@([\d.]+)"', slurp(os.path.join(live, "package.json")) or "")
    wanted, berry = (m.group(1) if m else None), setting("corepack", "no") == "yes"
    if wanted and not berry:
        raise Stop('error This project\'s package.json defines "packageManager": "yarn@%s". However the current global version of Yarn is %s.\n\n'
                   'Presence of the "packageManager" field indicates that the project is meant to be used with Corepack, a tool included by default '
                   'with all official Node.js distributions starting from 16.9 and 14.19.\nCorepack must currently be enabled by running '
                   'corepack enable in your terminal. For more information, check out https://yarnpkg.com/corepack.' % (wanted, CLASSIC))
    version = wanted or CLASSIC
    if wanted and version_key(node_version()) < (18, 12):
        raise Stop("This tool requires a Node version compatible with >=18.12.0 (got %s). Upgrade Node, or set `YARN_IGNORE_NODE=1` in your environment."
                   % node_version())
    if args[:1] in (["-v"], ["--version"]):
        out(version)
        return 0
    if args and args[0] != "install":
        raise Stop('Usage Error: Couldn\'t find a script named "%s".' % args[0])
    return (yarn_berry if wanted else yarn_classic)(live, version)


def yarn_berry(live, version):
    begin = time.monotonic()
    out("➤ YN0000: · Yarn %s\n➤ YN0000: ┌ Resolution step\n➤ YN0000: └ Completed" % version)
    out("➤ YN0000: ┌ Fetch step")
    nap(0.4)
    core.write_much(live)
    if fault("yarn-network") is not None:
        out("➤ YN0001: │ RequestError: getaddrinfo EAI_AGAIN repo.yarnpkg.com\n➤ YN0000: └ Completed in 0s 412ms\n➤ YN0000: · Failed with errors in 0s 420ms")
        return 1
    out("➤ YN0000: └ Completed in 0s 384ms\n➤ YN0000: ┌ Link step")
    nap(0.2)
    effect("yarn install", "v" + core.code_version(live))
    from standin import toolchain
    toolchain.mark_modules(live)
    took = int((time.monotonic() - begin) * 1000)
    out("➤ YN0000: └ Completed\n➤ YN0000: · Done with warnings in %ds %dms" % (took // 1000, took % 1000))
    return 0


def yarn_classic(live, version):
    begin = time.monotonic()
    out("yarn install v%s\n[1/4] Resolving packages...\n[2/4] Fetching packages..." % version)
    nap(0.4)
    core.write_much(live)
    if fault("yarn-network") is not None:
        err('error An unexpected error occurred: "https://registry.yarnpkg.com: getaddrinfo EAI_AGAIN registry.yarnpkg.com".')
        return 1
    out("[3/4] Linking dependencies...\n[4/4] Building fresh packages...")
    effect("yarn install", "v" + core.code_version(live))
    from standin import toolchain
    toolchain.mark_modules(live)
    out("Done in %.2fs." % (time.monotonic() - begin))
    return 0


def vips(args):
    """vips --version; an empty /etc/standin/vips means: not installed."""
    version = setting("vips", "")
    if not version:
        raise Stop("sh: 1: vips: not found", 127)
    out("vips-%s" % version)
    return 0


def ldconfig(args):
    """ldconfig -p: the library may be there without the command vips; the fact libvips says so, else vips does."""
    if setting("libvips", setting("vips", "")):
        out("2 libs found in cache `/etc/ld.so.cache'\n\tlibvips-cpp.so.42 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libvips-cpp.so.42\n"
            "\tlibvips.so.42 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libvips.so.42")
    return 0


def ffmpeg(args):
    version = setting("ffmpeg", "")
    if not version:
        raise Stop("sh: 1: ffmpeg: not found", 127)
    out("ffmpeg version %s Copyright (c) 2000-2026 the FFmpeg developers\nbuilt with gcc 12 (Debian 12.2.0-14+deb12u1)" % version)
    return 0
