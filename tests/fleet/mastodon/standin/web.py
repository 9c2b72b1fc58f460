# SPDX-License-Identifier: GPL-3.0-or-later
"""The web process: Puma's life (preload, workers, hot restart on SIGUSR1) around the pages of pages.py."""
import os
import re
import signal
import sys
import threading
import time

from standin import core, http
from standin.core import Stop, fault, nap, out

SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2}


def main(live, args):
    """bundle exec puma -C config/puma.rb"""
    os.chdir(live)
    if core.real_systemd():
        os.execv("/usr/bin/puma", ["puma"] + args + [os.path.join(os.path.dirname(os.path.abspath(__file__)), "site.ru")])
    version = core.code_version(live)
    puma = core.lock_version("puma", live)
    workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
    out("[%d] Puma starting in cluster mode..." % os.getpid())
    out("[%d] * Puma version: %s" % (os.getpid(), puma))
    out("[%d] * Ruby version: ruby %s [x86_64-linux]" % (os.getpid(), os.environ.get("RBENV_VERSION")))
    out("[%d] *  Min threads: 5\n[%d] *  Max threads: 5\n[%d] *  Environment: %s" % (os.getpid(), os.getpid(), os.getpid(), os.environ.get("RAILS_ENV")))
    out("[%d] *   Master PID: %d\n[%d] *      Workers: %d\n[%d] *     Restarts: (✔) hot (✖) phased\n[%d] * Preloading application" % (
        (os.getpid(),) * 3 + (workers,) + (os.getpid(),) * 2))
    sock = boot(live, place_of(args))
    return Master(sock, live, version, workers, args).run()


def preload(live):
    """The application boots: its faults, its settings, its time."""
    from standin import database, rails
    if fault("web-boot-fails") is not None:
        nap(0.2)
        raise Stop("NoMethodError: undefined method 'fetch' for nil:NilClass")
    rails.boot(live)
    nap(core.fault_number("web-boot-slow", 3.0) or 0.35)
    database.seed_if_pending(live)


def application(live, version, full):
    """What answers a request, behind a real Puma and here."""
    from standin import pages
    return pages.Site(live, version, full).answer


def site(live, says, watch):
    """The application behind a real Puma (site.ru): tells on `says` where it listens or why it does not, ends when `watch` does."""
    from standin import toolchain
    says, watch = int(says), int(watch)
    began = time.monotonic()
    try:
        toolchain.bundler_setup(live, os.environ["RBENV_VERSION"])
        version = core.code_version(live)
        preload(live)
        full = core.full_version(live)
    except Stop as stop:
        # So long a real one lives at least: too long for systemd's start limit.
        time.sleep(max(0.0, began + 2.2 - time.monotonic()))
        os.write(says, stop.text.encode())
        return stop.status
    sock = http.listen_here()
    os.write(says, sock.getsockname())
    os.close(says)
    threading.Thread(target=http.accept_for_ever, args=(sock, application(live, version, full)), daemon=True).start()
    os.set_blocking(watch, True)
    os.read(watch, 1)
    return 0


def place_of(args):
    """Where Puma listens: -b wins, then SOCKET, then BIND and PORT, as config/puma.rb has it. A path, or (address, port)."""
    for i, word in enumerate(args[:-1]):
        m = re.match(r"(tcp|unix)://(.*)$", args[i + 1]) if word in ("-b", "--bind") else None
        if m and m.group(1) == "unix":
            return m.group(2)
        if m:
            address, _, port = m.group(2).rpartition(":")
            return address, int(port)
    return os.environ.get("SOCKET") or (os.environ.get("BIND", "127.0.0.1"), int(os.environ.get("PORT", 3000)))


def boot(live, place):
    """Boot the application, then listen (or take over the socket that a hot restart kept)."""
    inherited = os.environ.pop("PUMA_INHERIT_0", None)
    kept = dict(os.environ)  # what a hot restart goes back to, before dotenv
    try:
        preload(live)
    except Stop as stop:
        raise Stop("[%d] ! Unable to load application: %s\nbundler: failed to load command: puma (%s/vendor/bundle/ruby/bin/puma)" % (
            os.getpid(), stop.text, live) if "NameError" in stop.text or "NoMethodError" in stop.text else stop.text, stop.status) from None
    Master.kept = kept
    name = "unix://%s" % place if isinstance(place, str) else "http://%s:%d" % place
    if inherited:
        import socket
        out("[%d] * Inherited %s" % (os.getpid(), name.replace("http:", "tcp:")))
        return socket.socket(fileno=int(inherited))
    try:
        sock = http.listen(place)
    except OSError as e:
        raise Stop("bundler: failed to load command: puma\nAddress already in use - bind(2) for %s (Errno::EADDRINUSE)" % (
            place if isinstance(place, str) else '"%s" port %d' % place)) from e
    out("[%d] * Listening on %s\n[%d] Use Ctrl-C to stop" % (os.getpid(), name, os.getpid()))
    return sock


class Master:
    """Puma's master: forks workers that accept on the shared socket, and restarts itself in place."""
    kept = {}

    def __init__(self, sock, live, version, workers, args):
        self.args = args
        self.sock, self.live, self.version, self.count = sock, live, version, workers
        self.full = core.full_version(live)
        self.pids = {}
        self.order = None

    def run(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        begin = time.monotonic()
        for index in range(self.count):
            self.spawn(index, begin)
        while self.order is None:
            number = signal.sigwait(SIGNALS)
            if number == signal.SIGCHLD:
                self.reap()
            else:
                self.signalled(number)
        self.stop_workers()
        if self.order == "stop":
            out("[%d] - Gracefully shutting down workers...\n[%d] === puma shutdown: %s ===\n[%d] - Goodbye!" % (
                os.getpid(), os.getpid(), time.strftime("%Y-%m-%d %H:%M:%S %z"), os.getpid()))
            return 0
        return self.restart()

    def reap(self):
        """Workers that died are replaced."""
        for pid in list(self.pids):
            if os.waitpid(pid, os.WNOHANG)[0]:
                index = self.pids.pop(pid)
                out("[%d] ! Worker %d (PID: %d) died unexpectedly" % (os.getpid(), index, pid))
                self.spawn(index, time.monotonic())

    def signalled(self, number):
        self.order = "restart" if number in (signal.SIGUSR1, signal.SIGUSR2) else "stop"
        if number == signal.SIGUSR1:
            out("[%d] * phased-restart called but not available, restarting normally." % os.getpid())

    def spawn(self, index, begin):
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            self.pids[pid] = index
            out("[%d] - Worker %d (PID: %d) booted in %.2fs, phase: 0" % (os.getpid(), index, pid, time.monotonic() - begin))
            return
        for name in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(name, signal.SIG_IGN)
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if os.getppid() == 1:
            os._exit(0)
        import ctypes
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: a worker never outlives its master
        http.accept_for_ever(self.sock, application(self.live, self.version, self.full))
        os._exit(0)

    def stop_workers(self):
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        for pid in self.pids:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass

    def restart(self):
        """Hot restart: the same process and socket, the environment of the first start (dotenv is read again)."""
        out("[%d] * Restarting..." % os.getpid())
        os.set_inheritable(self.sock.fileno(), True)
        env = dict(Master.kept, PUMA_INHERIT_0=str(self.sock.fileno()))
        sys.stdout.flush()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        os.execve(sys.executable, [sys.executable, "-I", "-S", os.path.abspath(sys.argv[0]), "bundle", "exec", "puma"] + self.args, env)


