#!/usr/bin/env python3
# manuals.py BELLBOOK - every command, option, field, type, function and policy that the program knows is named in its manual page; one name a line is missing.
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def source(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        return f.read()


def plain(page):
    """The page as its reader has it, without what makes it look so."""
    text = source(page).replace("\\(dq", '"').replace("\\&", "")
    return text.replace("Fl -", "--").replace("\\-", "-")


def table(name, variable, nth=0):
    """The words of the nth `variable[] = {"…", NULL}` of a C file."""
    found = re.findall(r"%s\[[A-Z_]*\] = \{(.*?)\}" % variable, source(name), re.S)
    words = re.findall(r'"([^"]+)"', found[nth])
    assert words, (name, variable)
    return words


def missing(page, words):
    text = plain(page)
    return ["%s does not name %s" % (page, w) for w in words if not re.search(r"(?<![\w-])%s(?![\w-])" % re.escape(w), text)]


def runbook():
    lua = "session/lua/lua_load.c"
    words = table(lua, "param_types") + re.findall(r'^\t\{ "(\w+)", ', source("session/lua/lua_api.c"), re.M)
    words += table("session/lua/lua_env.c", "keep") + table("session/lua/lua_step.c", "types")
    words += re.findall(r"^function helpers\.(\w+)", source("session/lua/prelude.lua"), re.M)
    words += ["s:" + w for w in re.findall(r'\{"([a-z]+)", step_\w+\}', source("session/lua/lua_step.c"))] + ["s:note", "s:warn", "s:lesson", "s.step", "s.fleet"]
    for name in ("job_actions", "ssh_put", "ssh_get"):
        words += re.findall(r'\{ "(\w+)", ARG_', source("actions/do/%s.c" % name))
        words += re.findall(r'\.name = "([\w.]+)"', source("actions/do/%s.c" % name))
    words += re.findall(r'^STEP\(\w+, "(\w+)"', source("journal/model/step_kinds.def"), re.M)
    words += ["each", "sleep", "now", "random", "json.decode", "json.encode", "require", "phase", "at_once", "stop_after", "codes", "check"]
    words.remove("unless")  # of retry, which is bellbook's own
    return missing("man/bellbook-runbook.7", words)


def fleet():
    lua = "session/lua/lua_fleet.c"
    keys = [re.findall(r'"([^"]+)"', k) for k in re.findall(r"\bkeys\[\] = \{(.*?)\}", source(lua), re.S)]
    assert len(keys) == 4, keys
    words = sum(keys, []) + ["secret." + w for w in table(lua, "ways")] + ["waiver", "refuse", "transport", "jobs"]
    return missing("man/bellbook-fleet.5", words)


def commands(program):
    page, faults = "man/bellbook.1", []
    text = plain(page)
    everywhere = {"--journal", "--json", "--help", "--plain", "--role", "--reason", "--after"}  # in a paragraph for all
    for command in json.loads(subprocess.run([program, "help", "--json"], capture_output=True, check=True).stdout):
        part = re.search(r"^\.It Cm %s\b.*?(?=^\.It Cm|^\.El)" % command["name"], text, re.S | re.M)
        if not part:
            faults.append("%s does not name the command %s" % (page, command["name"]))
            continue
        for option in command["options"]:
            where = text if option["name"] in everywhere else part.group(0)
            if not re.search(r"%s(?![\w-])" % option["name"], where):
                faults.append("%s: %s does not name %s" % (page, command["name"], option["name"]))
            if not option["about"]:
                faults.append("command/usage.c: no words for %s" % option["name"])
    return faults


def main():
    faults = runbook() + fleet() + commands(sys.argv[1])
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
