#!/usr/bin/env python3
# plainly.py - answers the questions of one `bellbook … --plain` by rules, reading nothing but the lines it prints, and passes those on.
# SPDX-License-Identifier: GPL-3.0-or-later
"""usage: plainly.py [RULE…] -- COMMAND…

A rule is that of drive.py; OF is "ask" (a question whose text contains MATCH gets VALUE), "why", "who" or "until" (what an answer lacks), or "seen".
Without a rule: the first choice (but of a failed step), what is to be typed exactly, what Enter alone means, a reason, an owner, a date. "= VALUE" is printed for each answer.
Exits as the command did, 70 when nothing came for PATIENCE (120) seconds, 71 when a question had no answer."""
import os
import re
import selectors
import subprocess
import sys

import drive

LACKS = {"why> ": "driven by a test", "who> ": "test", "until> ": "2030-01-01"}
PROMPT = re.compile(r"^(?:> |hidden> |why> |who> |until> )$")


def usual(question):
    """What the question itself says that may be typed, or None."""
    exact = re.search(r"^To agree, type exactly: (.*)$", question, re.M)
    if exact:
        return exact.group(1)
    if re.search(r"^Choose: ", question, re.M):
        return None if " failed. What now?" in question.split("\n")[0] else "1"  # a try that nobody meant would be one of many
    return "" if re.search(r"^Enter alone means: ", question, re.M) else None


def answer_to(rules, of, question):
    for rule in rules:
        if rule["of"] == of and rule["left"] > 0 and (not rule["match"] or rule["match"] in question):
            rule["left"] -= 1
            if rule["shell"]:
                subprocess.run(rule["shell"], shell=True, check=True, stdout=sys.stderr)
            return rule["value"]
    return usual(question) if of == "ask" else LACKS[of + "> "]


class Reader:
    """The lines of a process, and the prompt that stands behind them."""

    def __init__(self, stream):
        self.fd, self.rest = stream.fileno(), ""
        self.selector = selectors.DefaultSelector()
        self.selector.register(stream, selectors.EVENT_READ)

    def next(self):
        """Whole lines, and what stands behind them; None for silence, "" for the end."""
        if not self.selector.select(float(os.environ.get("PATIENCE", "120"))):
            return None
        chunk = os.read(self.fd, 65536)
        if not chunk:
            return ""
        *lines, self.rest = (self.rest + chunk.decode("utf-8", "replace")).split("\n")
        return lines


def drive_plainly(rules, command):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    reader, question, answered = Reader(process.stdout), "", None
    while True:
        lines = reader.next()
        if lines is None:
            drive.put("SILENT")
            process.terminate()
            process.wait()
            return 70
        if lines == "":
            break
        for line in lines:
            line = re.sub(r"^(?:> |hidden> |why> |who> |until> )+", "", line)
            question = line if line.startswith("Question ") else question + "\n" + line
            drive.put(line)
            drive.see(rules, line)
        if not PROMPT.match(reader.rest):
            continue
        of = "ask" if reader.rest in ("> ", "hidden> ") else reader.rest[:-2]
        asked = (of, question.split(":")[0])
        if asked == answered:
            continue  # the prompt came back behind something else that was told
        answered = asked
        value = answer_to(rules, of, question)
        if value is None:
            drive.put("NO ANSWER")
            process.terminate()
            process.wait()
            return 71
        drive.put("= %s" % ("(hidden)" if reader.rest.startswith("hidden") else value))
        process.stdin.write((value + "\n").encode())
        process.stdin.flush()
    process.stdin.close()
    return process.wait()


def main(args):
    if "--" not in args:
        sys.exit(__doc__)
    at = args.index("--")
    return drive_plainly(drive.rules_of(args[:at]), args[at + 1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
