# SPDX-License-Identifier: GPL-3.0-or-later
"""standin: the teacher's command on a host: switch faults, set facts, read and clear the effects."""
import os
import time

from standin.core import EFFECTS, ETC, Stop, out, slurp, spit

USAGE = "usage: standin fail NAME [VALUE] | mend [NAME] | faults | set FACT VALUE | facts | effects [clear] | token NAME | setup [WHAT [ARG…]] | ruby-by WHO VERSION | wait-web"


def main(args):
    verb = args[0] if args else ""
    folder = ETC + "/fail.d"
    if verb == "fail" and len(args) > 1 and "/" not in args[1]:
        spit("%s/%s" % (folder, args[1]), " ".join(args[2:]) + "\n", 0o644)
    elif verb == "mend":
        for name in args[1:] or os.listdir(folder):
            if os.path.exists("%s/%s" % (folder, name)):
                os.unlink("%s/%s" % (folder, name))
    elif verb == "faults":
        for name in sorted(os.listdir(folder)):
            out("%s %s" % (name, slurp("%s/%s" % (folder, name))))
    elif verb == "set" and len(args) == 3 and "/" not in args[1]:
        spit("%s/%s" % (ETC, args[1]), args[2] + "\n", 0o644)
    elif verb == "facts":
        for name in sorted(os.listdir(ETC)):
            if os.path.isfile("%s/%s" % (ETC, name)):
                out("%s %s" % (name, slurp("%s/%s" % (ETC, name))))
    elif verb == "effects":
        if args[1:] == ["clear"]:
            os.truncate(EFFECTS, 0)
        else:
            text = slurp(EFFECTS, "")
            if text:
                out(text)
    elif verb == "token" and len(args) == 2:
        from standin import core, database
        core.dotenv(core.LIVE)
        with database.connect("standin") as pg:
            out(pg.one("SELECT t.token FROM oauth_access_tokens t JOIN users u ON u.id = t.resource_owner_id JOIN accounts a ON a.id = u.account_id"
                       " WHERE a.username = $1", args[1]) or "")
    elif verb == "setup":
        from standin import setups
        return setups.main(args[1:])
    elif verb == "ruby-by" and len(args) == 3:
        from standin import rubies
        rubies.become(args[1], args[2])
    elif verb == "wait-web":
        wait_web()
    else:
        raise Stop(USAGE, 2)
    return 0


def wait_web():
    import socket
    end = time.monotonic() + 15
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", 3000), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise Stop("nobody listens on 127.0.0.1:3000")
