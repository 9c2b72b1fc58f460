# lab.py - what the benchmarks stand on: throw-away sshd on loopback addresses, the measuring program, medians.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything lives in one temporary directory and in child processes of this one; Lab.close() ends and removes it all."""
import getpass
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BENCH_BUILD", os.path.join(ROOT, "build/release"))
BELLBOOK = os.path.join(BUILD, "bellbook")
QUICK = bool(os.environ.get("BENCH_QUICK"))
PATIENCE = int(os.environ.get("PATIENCE", "120"))  # seconds for what surely comes, on a machine that does other things, too
PER_SSHD = 16  # an sshd listens on 16 addresses at most
SETPRIV = shutil.which("setpriv")
CURVE = "curve25519-sha256"


class Trouble(Exception):
    """A measurement that could not be taken; told in the table in its place."""


def program(name):
    return os.path.join(BUILD, "bench", name)


def output_of(argv, **more):
    """Standard output and error of a command as text, whatever its status; "" when there is no such program."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **more)
        return done.stdout.strip()
    except OSError:
        return ""


def have(name):
    return shutil.which(name) is not None


def median(values):
    return statistics.median(values) if values else None


def load():
    return os.getloadavg()[0]


def busy_ticks():
    """CPU seconds that the whole machine has been busy since boot."""
    with open("/proc/stat") as f:
        fields = [int(x) for x in f.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def measure(argv, times=1, memory=False, leave=False, env=None, output=None, limit=300, ok=(0,)):
    """Costs of a command: a list of {wall, all, cpu, peak_kb, processes, status}, one a run; see measure.c."""
    words = [program("measure"), "-n", str(times), "-t", str(limit)] + ["-m"] * memory + ["-l"] * leave + (["-o", output] if output else [])
    with tempfile.TemporaryFile() as errors:
        done = subprocess.Popen(words + argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        try:
            said_costs = done.communicate()[0]
        except BaseException:
            done.terminate()  # it ends all that it started
            done.wait()
            raise
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()[-1:]
    costs = [json.loads(line) for line in said_costs.splitlines()]
    bad = [c["status"] for c in costs if c["status"] not in ok]
    if done.returncode or bad:
        raise Trouble("%s: status %s %s" % (os.path.basename(argv[0]), bad or done.returncode, " ".join(said)))
    return costs


class Lab:
    def __init__(self):
        # Short: socket paths have 108 bytes.
        self.dir = tempfile.mkdtemp(prefix="bbench.", dir=os.environ.get("TMPDIR", "/tmp"))
        self.children, self.sshd, self.addresses, self.port, self.log = [], [], [], 0, self.path("sshd.log")
        self.env = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC", HOME=self.path("home"), XDG_RUNTIME_DIR=self.path("run"), TMPDIR=self.path("tmp"),
                        XDG_STATE_HOME=self.path("state"), XDG_CONFIG_HOME=self.path("config"), XDG_CACHE_HOME=self.path("cache"), BELLBOOK_BALLAST="1048576",
                        BELLBOOK_RUNBOOKS=os.path.join(ROOT, "runbooks"))
        for name in ("BELLBOOK_JOURNAL", "BELLBOOK_FLEET", "SSH_AUTH_SOCK", "BELLBOOK_PLAIN"):
            self.env.pop(name, None)
        for name in ("home", "run", "tmp", "state", "config"):
            os.mkdir(self.path(name), 0o700)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def child(self, argv, **more):
        """A process that close() ends, or, should this one be killed, the kernel."""
        if SETPRIV:
            argv = [SETPRIV, "--pdeathsig", "TERM", *argv]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, env=self.env, **more)
        self.children.append(process)
        return process

    # ---- sshd ----

    def start_sshd(self, count):
        """sshd on 127.7.0.1 … count, with a key for us; ends when close() ends it."""
        self.addresses = ["127.7.%d.%d" % (i // 250, i % 250 + 1) for i in range(count)]
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(name)], check=True, stdin=subprocess.DEVNULL)
        with open(self.path("user.pub")) as f:
            self.write("authorized", f.read())
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        self.port = self.free_port()
        common = ("Port %d\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
                  "PermitRootLogin prohibit-password\nMaxStartups 2000\nMaxSessions 200\nPidFile none\nPrintMotd no\nLogLevel ERROR\nUseDNS no\n"
                  # Neither the time that somebody's .bashrc takes nor anything left behind in their home.
                  "SetEnv HOME=%s\n" % (self.port, self.path("host"), self.path("authorized"), self.path("home")))
        sshd = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not sshd:
            raise Trouble("there is no sshd; apt-get install openssh-server")
        for i in range(0, count, PER_SSHD):
            config = self.write("sshd_config.%d" % i, common + "".join("ListenAddress %s\n" % a for a in self.addresses[i:i + PER_SSHD]))
            self.sshd.append(self.child([sshd, "-D", "-E", self.log, "-f", config]))
        with open(self.path("host.pub")) as f:
            key = " ".join(f.read().split()[:2])
        self.write("known", "".join("[%s]:%d %s\n" % (a, self.port, key) for a in self.addresses) + "".join("long %s\n" % key))
        self.ssh_config("ssh_config", "")
        self.ssh_config("ssh_config.curve", "\tKexAlgorithms %s\n" % CURVE)
        for address in self.addresses:
            self.wait_port(address)

    def ssh_config(self, name, more):
        text = ("Host 127.7.* long\n\tUser %s\n\tPort %d\n\tIdentityFile %s\n\tIdentitiesOnly yes\n\tUserKnownHostsFile %s\n\tGlobalKnownHostsFile /dev/null\n"
                "\tStrictHostKeyChecking yes\n\tBatchMode yes\n\tControlMaster no\n\tGSSAPIAuthentication no\n\tLogLevel ERROR\n"
                % (getpass.getuser(), self.port, self.path("user"), self.path("known")))
        return self.write(name, text + more)

    def free_port(self):
        for port in range(22022, 32000, 111):
            with socket.socket() as s:
                try:
                    s.bind(("127.7.0.1", port))
                    return port
                except OSError:
                    pass
        raise Trouble("no free port")

    def wait_port(self, address):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with socket.socket() as s:
                if s.connect_ex((address, self.port)) == 0:
                    return
            time.sleep(0.02)
        with open(self.log) as f:
            raise Trouble("sshd did not come up: %s" % f.read()[-300:])

    def servers_cpu(self):
        """CPU seconds of all sshd and of all their children that have ended; waits for those under way."""
        until = time.monotonic() + 10
        while time.monotonic() < until and any(self.children_of(p.pid) for p in self.sshd):
            time.sleep(0.02)
        total = 0
        for process in self.sshd:
            with open("/proc/%d/stat" % process.pid) as f:
                total += sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:15])
        return total / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def children_of(pid):
        try:
            with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
                return f.read().split()
        except OSError:
            return []

    # ---- bellbook ----

    def fleet(self, hosts, ssh_config="ssh_config"):
        """A fleet file of these hosts, all in the role `all`."""
        table = ", ".join('["%s"] = {}' % h for h in hosts)
        role = ", ".join('"%s"' % h for h in hosts)
        return self.write("fleet.%d.%s.lua" % (len(hosts), ssh_config), 'fleet { name = "bench", ssh_config = "%s", hosts = { %s }, roles = { all = { %s } } }\n'
                          % (self.path(ssh_config), table, role))

    def journal(self, name):
        """Path of a new journal; the files of an earlier one of that name are gone."""
        shutil.rmtree(self.path(name), ignore_errors=True)
        os.mkdir(self.path(name), 0o700)
        return self.path(name, "journal.db")

    def events(self, journal, session):
        """The events of a session, as the journal has them."""
        done = subprocess.run([BELLBOOK, "--journal", journal, "log", str(session), "--format", "jsonl"], env=self.env, stdout=subprocess.PIPE, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def end_strays(self):
        """Sessions and connections that something failed has left behind: they name our directory."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    words = f.read()
                if self.dir.encode() in words and int(pid) != os.getpid():
                    os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass  # gone, or not ours

    def close(self):
        for process in self.children:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.children:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.end_strays()
        shutil.rmtree(self.dir, ignore_errors=True)
