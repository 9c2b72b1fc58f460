# SPDX-License-Identifier: GPL-3.0-or-later
"""main.py COMMAND ARG… : become one of the stand-in's commands."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# The directory is read-only on a host; install (root) fills this cache and everybody reads it.
sys.pycache_prefix = "/usr/local/lib/standin"
sys.dont_write_bytecode = os.geteuid() != 0

from standin import core  # noqa: E402  (the path above comes first)

COMMANDS = {
    "install": "setup", "boot": "setup", "systemctl": "systemctl", "journalctl": "journalctl", "standin": "admin", "unitd": "unitd",
    "node": "node", "corepack": "node", "yarn": "node", "vips": "node", "ffmpeg": "node", "ffprobe": "node",
    "site": "web",
    "ldconfig": "node", "asdf": "rubies", "mise": "rubies",
}


def main():
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    name, args = sys.argv[1], sys.argv[2:]
    module = __import__("standin." + COMMANDS.get(name, "toolchain"), fromlist=["main"])
    if name == "boot":
        return module.boot(args)
    if name == "site":
        return module.site(*args)
    if name in ("install", "systemctl", "journalctl", "standin", "unitd"):
        return module.main(args)
    return module.main(name, args)


def guarded():
    try:
        return main() or 0
    except core.Stop as stop:
        if stop.text:
            core.err(stop.text)
        return stop.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
    except OSError as e:
        words = {28: "No space left on device @ io_write", 13: "Permission denied @ rb_sysopen", 30: "Read-only file system @ rb_sysopen"}
        if e.errno not in words:
            raise
        names = {28: "ENOSPC", 13: "EACCES", 30: "EROFS"}
        core.err("%s - %s (Errno::%s)" % (words[e.errno], e.filename or "", names[e.errno]))
        return 1


if __name__ == "__main__":
    code = guarded()
    try:
        sys.stdout.flush()
    except OSError:
        pass
    os._exit(code) if isinstance(code, int) else sys.exit(code)
