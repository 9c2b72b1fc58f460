# fanout.py - one command on many hosts, every host a fresh connection: bellbook, journaled, against what people use instead.
# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os

import lab
from lab import median
from table import Section, number, times

AT_ONCE = 50
DESCRIPTORS = 1024
MANY = 200  # more hosts than that are there to see that they are done, not to compare with everybody


class Tool:
    def __init__(self, name, argv, needs=None, curve=True, slow=False):
        self.name, self.argv, self.needs, self.curve, self.slow = name, argv, needs, curve, slow
        self.runs, self.memory, self.trouble = [], None, None


def peers(l, n, config, kex):
    hosts = l.write("hosts.%d" % n, "".join(a + "\n" for a in l.addresses[:n]))
    inventory = l.write("inventory.%d" % n, "[all]\n" + "".join(a + "\n" for a in l.addresses[:n]))
    options = "-F " + config
    many = str(AT_ONCE)
    l.env.update(ANSIBLE_HOST_KEY_CHECKING="True", ANSIBLE_NOCOLOR="1", ANSIBLE_PYTHON_INTERPRETER="/usr/bin/python3", ANSIBLE_LOCALHOST_WARNING="False",
                 ANSIBLE_SSH_ARGS="-F %s -o ControlMaster=no -o ControlPath=none" % l.path("ssh_config.curve"))
    tools = [
        Tool("xargs + ssh" + kex, ["sh", "-c", 'xargs -P %s -I{} ssh %s {} true <%s' % (many, options, hosts)], slow=bool(kex)),
        Tool("pssh" + kex, ["parallel-ssh", "-h", hosts, "-p", many, "-x", options, "-i", "true"], needs="parallel-ssh", slow=bool(kex)),
        Tool("clush" + kex, ["clush", "--hostfile", hosts, "-f", many, "-q", "-o", options, "true"], needs="clush", slow=bool(kex)),
    ]
    if not kex:
        for module in ("raw", "command"):
            tools.append(Tool("ansible -m " + module, ["ansible", "all", "-i", inventory, "-f", many, "-m", module, "-a", "true"], needs="ansible", slow=True))
    return tools


def bellbook(l, n):
    fleet = l.fleet(l.addresses[:n])
    journal = l.path("fan", "journal.db")
    return Tool("bellbook (journaled)", [lab.BELLBOOK, "each", "--read", "all", "--json", "--at-once", str(AT_ONCE), "--fleet", fleet, "--journal", journal, "--", "true"])


def check_journal(l, n, output):
    """All hosts really answered."""
    with open(output) as f:
        ended = [e for e in map(json.loads, f) if e.get("kind") == "call.ended"]
    fine = sum(1 for e in ended if e["data"].get("exit") == 0)
    if fine != n:
        raise lab.Trouble("%d of %d hosts answered: %s" % (fine, n, ended[-1]["data"].get("error", "") if ended else ""))


def run_once(l, tool, n, memory=False):
    output = l.path("fan.out")
    if tool.name.startswith("bellbook"):
        l.journal("fan")
    before, busy = l.servers_cpu(), lab.busy_ticks()
    cost = lab.measure(tool.argv, memory=memory, env=l.env, output=output, limit=max(240, n, lab.PATIENCE))[0]
    cost["servers"] = l.servers_cpu() - before
    cost["others"] = max(0, lab.busy_ticks() - busy - cost["cpu"] - cost["servers"])
    if tool.name.startswith("bellbook"):
        check_journal(l, n, output)
    return cost


def take(l, tools, n, rounds):
    for i in range(rounds):
        for tool in tools:
            if tool.trouble or (tool.needs and not lab.have(tool.needs)):
                tool.trouble = tool.trouble or "not installed"
            elif not tool.slow or i == 0:
                try:
                    tool.runs.append(run_once(l, tool, n))
                except lab.Trouble as e:
                    tool.trouble = str(e)
    for tool in tools:
        if tool.runs and not tool.trouble and not (tool.slow and n > 10):
            try:
                tool.memory = run_once(l, tool, n, memory=True)["peak_kb"] / 1024
            except lab.Trouble as e:
                tool.trouble = str(e)


def show(section, tool, base, n):
    if not tool.runs:
        section.row(tool.name, *[tool.trouble[:40] if tool.trouble else "-"] + [""] * 7)
        return
    wall, cpu = median([c["wall"] for c in tool.runs]), median([c["cpu"] for c in tool.runs])
    servers = median([c["servers"] for c in tool.runs])
    first = base.runs and tool is not base
    base_wall = median([c["wall"] for c in base.runs]) if first else None
    base_cpu = median([c["cpu"] for c in base.runs]) if first else None
    section.row(tool.name, times(wall, base_wall) if first else "1", times(cpu, base_cpu) if first else "1",
                times(tool.memory, base.memory) if first else "1", number(wall), number(cpu / n * 1000), number(tool.memory), number(servers),
                number(median([c["others"] for c in tool.runs])))


def aims(section, tool, n, cores):
    if not tool.runs or tool.trouble:
        for what in ("client CPU", "wall over the floor", "memory"):
            section.aims.append((what, "not measured: %s" % tool.trouble))
        return
    cpu, wall = median([c["cpu"] for c in tool.runs]) / n * 1000, median([c["wall"] for c in tool.runs])
    floor = median([c["servers"] for c in tool.runs]) / cores
    # What the others on this machine took cannot be ours: the floor beside them.
    beside = [c["wall"] / (c["servers"] / max(0.2, cores - c["others"] / c["wall"])) for c in tool.runs if c["wall"] > 0 and c["servers"] > 0]
    section.aim("client CPU per host, all processes of bellbook", cpu, 1.0, "ms")
    section.aim("wall over the floor (%s s: the servers' CPU on %d cores)" % (number(floor), cores), wall / floor if floor else None, 1.10)
    section.aim("wall over the floor beside what others on the machine took meanwhile", median(beside), 1.10)
    section.aim("peak memory per host", tool.memory * 1024 / n if tool.memory else None, 100, "KB")


def section(l, n, rounds):
    cores = os.cpu_count()
    s = Section("Fan-out: `true` on %d hosts, each a fresh connection, %d at once" % (n, AT_ONCE),
                ["tool", "wall, x bellbook", "CPU, x bellbook", "memory, x", "wall s", "client CPU ms/host", "peak MB", "servers' CPU s", "others' CPU s"])
    own = bellbook(l, n)
    tools = [own] + peers(l, n, l.path("ssh_config.curve"), "")
    if n > MANY:
        tools = tools[:2]
        for tool in tools:
            tool.argv = ["sh", "-c", 'ulimit -n %d; exec "$@"' % DESCRIPTORS, "sh"] + tool.argv
    elif not lab.QUICK:
        tools += peers(l, n, l.path("ssh_config"), ", its default kex")
    take(l, tools, n, rounds)
    for tool in tools:
        show(s, tool, own, n)
    if own.trouble:
        s.trouble("%s: %s" % (own.name, own.trouble))
    aims(s, own, n, cores)
    if own.runs:
        s.note("bellbook's first run, which asks `ssh -G` of each host, took %s ms of client CPU a host; what it said is kept" % number(own.runs[0]["cpu"] / n * 1000))
    if n > MANY:
        s.note("with at most %d open descriptors a process, as log-ins have" % DESCRIPTORS)
    s.note("curve25519 for all unless said; peers have ControlMaster off. Memory (PSS of all processes) is from a run of its own; ansible and the default key exchange were run once")
    return s
