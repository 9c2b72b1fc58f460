#!/usr/bin/env python3
# drive.py - answers the questions of one `bellbook … --json` session by rules, and prints what happened.
# SPDX-License-Identifier: GPL-3.0-or-later
"""usage: drive.py [RULE…] -- COMMAND…

A rule is OF[:MATCH]=VALUE[@TIMES][!SHELL]: a question of kind OF (step, failure, approval, doubt, change, manual, parameter, question …)
whose step id or name is MATCH (or whose text contains it) is answered with VALUE. The first rule that fits and has TIMES left is
taken (without MATCH it answers no text that has a default); SHELL is run before the answer (a fault to make or mend). A VALUE of <FILE is what FILE holds then. VALUE is JSON when it parses as such, else text. Without a rule:
step go, manual done, approval what is expected, doubt probe, change accept, anything else its default, failure abort.
seen:TEXT=x[@TIMES]!SHELL answers nothing: SHELL is run when a line is printed that has TEXT in it.
Rules may also come as a JSON list of such texts in DRIVE_RULES.

Prints one line per thing worth seeing: "? of step", "= value", "> host command", "< outcome", "STEP state reason", "! warning", "# note", "~ meter", and
last "CLOSED outcome reason". Exits as the command did, 70 when nothing came for PATIENCE (120) seconds, 71 when a question had no answer,
72 when an answer was refused and nothing else was asked for as long (a site that is counted from outside is never silent)."""
import json
import os
import re
import selectors
import subprocess
import sys
import time

USUAL = {"step": "go", "manual": "done", "doubt": "probe", "change": "accept", "failure": "abort"}
PATTERN = re.compile(r"^(?P<of>\w+)(?::(?P<match>[^=]*))?=(?P<value>.*?)(?:@(?P<times>\d+))?(?:!(?P<shell>.*))?$", re.S)


def rules_of(texts):
    """The rules as dictionaries; a text that is none is a mistake of the test."""
    rules = []
    for text in texts:
        m = PATTERN.match(text)
        if not m:
            sys.exit("drive: not a rule: %s" % text)
        rule = m.groupdict()
        rule["left"] = int(rule["times"] or 1000000)
        rules.append(rule)
    return rules


def value_of(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def fits(rule, event):
    data = event["data"]
    if rule["of"] != data.get("of") or rule["left"] <= 0:
        return False
    match = rule["match"]
    # What is typed freely is answered only by a rule that means it.
    if not match and data.get("type") == "text" and data.get("default") is not None:
        return False
    return not match or match in (event.get("step"), data.get("name")) or match in (data.get("text") or "")


def answer_to(rules, event):
    """(value or None, shell text or None)"""
    data = event["data"]
    for rule in rules:
        if fits(rule, event):
            rule["left"] -= 1
            return value_of(rule["value"]), rule["shell"]
    if data.get("of") == "approval":
        return data.get("expect"), None
    return USUAL.get(data.get("of"), data.get("default")), None


def first_line(text):
    return (text or "").split("\n")[0][:200]


def show(event):
    """One line for an event that a reader of a transcript wants."""
    data, kind, step = event.get("data") or {}, event.get("kind"), event.get("step") or ""
    if kind == "call.begun":
        return "> %s %s %s" % (step, event.get("host") or "here", first_line(data.get("shown")))
    if kind == "call.ended" and (data.get("outcome") != "ok" or data.get("exit")):
        return "< %s %s %s %s" % (step, data.get("outcome"), data.get("exit", ""), data.get("error") or "")
    if kind == "step.ended":
        return "STEP %s %s %s" % (step, data.get("state"), data.get("reason") or "")
    if kind in ("warned", "lesson"):
        return "! %s %s" % (step, data.get("text"))
    if kind == "note":
        return "# %s %s" % (step, event.get("text") or data.get("text") or "")
    if kind == "call.progress" and not event.get("call") and data.get("text"):
        return "~ %s %s" % (step, data["text"])
    if kind in ("downtime.began", "downtime.ended", "step.doubted"):
        return "%s %s %s" % (kind.upper(), step, data.get("reason") or "")
    if kind == "session.closed":
        return "CLOSED %s %s" % (data.get("outcome"), data.get("reason") or "")
    if "refused" in event:
        return "REFUSED %s" % json.dumps(event["refused"])
    return None


def put(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def reply(process, rules, event):
    """Answers a question; False when nothing is known to say."""
    value, shell = answer_to(rules, event)
    put("? %s %s %s" % (event["data"].get("of"), event.get("step") or event["data"].get("name") or "", first_line(event["data"].get("text"))))
    if os.environ.get("DRIVE_DETAILS") and event["data"].get("details"):
        put("  | " + event["data"]["details"].replace("\n", "\n  | "))
    if os.environ.get("DRIVE_COMMANDS"):
        for command in event["data"].get("commands") or []:
            put("  $ %s %s" % (command.get("host"), first_line(command.get("shown"))))
    if value is None:
        return False
    if shell:
        subprocess.run(shell, shell=True, check=True, stdout=sys.stderr)
    if isinstance(value, str) and value.startswith("<"):
        with open(value[1:], encoding="utf-8") as f:
            value = f.read().strip()
    put("= %s" % value)
    intent = {"do": "answer", "seq": event["seq"], "value": value, "why": "driven by a test"}
    if value == "defer":
        intent.update(owner="test", due="2030-01-01")
    process.stdin.write((json.dumps(intent) + "\n").encode())
    process.stdin.flush()
    return True


def see(rules, text):
    """Runs what is to be run when this was printed: the first rule that fits."""
    for rule in rules:
        if rule["of"] == "seen" and rule["left"] > 0 and (rule["match"] or "") in text:
            rule["left"] -= 1
            subprocess.run(rule["shell"] or "true", shell=True, check=True, stdout=sys.stderr)
            return


def lines_of(process, seconds):
    """Lines of the process, None when it stays silent for too long."""
    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ)
    rest = b""
    while True:
        if not selector.select(seconds):
            yield None
            return
        chunk = os.read(process.stdout.fileno(), 65536)
        if not chunk:
            return
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")


def drive(rules, command):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    asked, patience, refused = set(), float(os.environ.get("PATIENCE", "120")), None
    for line in lines_of(process, patience):
        if line is None or (refused and time.monotonic() - refused > patience):
            put("SILENT" if line is None else "NOTHING ELSE WAS ASKED")
            process.terminate()
            process.wait()
            return 70 if line is None else 72
        try:
            event = json.loads(line)
        except ValueError:
            put(line)
            continue
        if os.environ.get("DRIVE_RAW"):
            put("  . " + line[:400])
        text = show(event)
        if text:
            put(text)
            see(rules, text)
        if event.get("refused", {}).get("do") == "answer":
            refused = refused or time.monotonic()
        if event.get("kind") == "asked" and event["seq"] not in asked:
            asked.add(event["seq"])
            refused = None
            if not reply(process, rules, event):
                put("NO ANSWER")
                process.terminate()
                process.wait()
                return 71
    process.stdin.close()
    return process.wait()


def main(args):
    if "--" not in args:
        sys.exit(__doc__)
    at = args.index("--")
    rules = rules_of(args[:at] + json.loads(os.environ.get("DRIVE_RULES", "[]")))
    return drive(rules, args[at + 1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
