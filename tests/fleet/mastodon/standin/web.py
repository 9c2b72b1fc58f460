# SPDX-License-Identifier: GPL-3.0-or-later
"""The web process: Puma's life (preload, workers, hot restart on SIGUSR1) around the pages of pages.py."""
import os
import signal
import sys
import time

from standin import core, http
from standin.core import Stop, fault, nap, out

SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2}


def main(live, args):
    """bundle exec puma -C config/puma.rb"""
    del args
    os.chdir(live)
    version = core.code_version(live)
    puma = core.lock_version("puma", live)
    workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
    out("[%d] Puma starting in cluster mode..." % os.getpid())
    out("[%d] * Puma version: %s" % (os.getpid(), puma))
    out("[%d] * Ruby version: ruby %s [x86_64-linux]" % (os.getpid(), os.environ.get("RBENV_VERSION")))
    out("[%d] *  Min threads: 5\n[%d] *  Max threads: 5\n[%d] *  Environment: %s" % (os.getpid(), os.getpid(), os.getpid(), os.environ.get("RAILS_ENV")))
    out("[%d] *   Master PID: %d\n[%d] *      Workers: %d\n[%d] *     Restarts: (✔) hot (✖) phased\n[%d] * Preloading application" % (
        (os.getpid(),) * 3 + (workers,) + (os.getpid(),) * 2))
    sock = boot(live, version)
    return Master(sock, live, version, workers).run()


def boot(live, version):
    """Boot the application, then listen (or take over the socket that a hot restart kept)."""
    from standin import database, rails
    inherited = os.environ.pop("PUMA_INHERIT_0", None)
    kept = dict(os.environ)  # what a hot restart goes back to, before dotenv
    if fault("web-boot-fails") is not None:
        nap(0.2)
        raise Stop("[%d] ! Unable to load application: NoMethodError: undefined method 'fetch' for nil:NilClass\n"
                   "bundler: failed to load command: puma (%s/vendor/bundle/ruby/bin/puma)" % (os.getpid(), live))
    try:
        rails.boot(live)
    except Stop as stop:
        raise Stop("[%d] ! Unable to load application: %s" % (os.getpid(), stop.text) if "NameError" in stop.text else stop.text, stop.status) from None
    nap(core.fault_number("web-boot-slow", 3.0) or 0.35)
    database.seed_if_pending(live)
    Master.kept = kept
    address, port = kept.get("BIND", "127.0.0.1"), int(kept.get("PORT", 3000))
    if inherited:
        import socket
        out("[%d] * Inherited tcp://%s:%d" % (os.getpid(), address, port))
        return socket.socket(fileno=int(inherited))
    try:
        sock = http.listen(address, port)
    except OSError as e:
        raise Stop("bundler: failed to load command: puma\nAddress already in use - bind(2) for \"%s\" port %d (Errno::EADDRINUSE)" % (address, port)) from e
    out("[%d] * Listening on http://%s:%d\n[%d] Use Ctrl-C to stop" % (os.getpid(), address, port, os.getpid()))
    return sock


class Master:
    """Puma's master: forks workers that accept on the shared socket, and restarts itself in place."""
    kept = {}

    def __init__(self, sock, live, version, workers):
        self.sock, self.live, self.version, self.count = sock, live, version, workers
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
        from standin import pages
        http.accept_for_ever(self.sock, pages.Site(self.live, self.version).answer)
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
        os.execve(sys.executable, [sys.executable, "-I", "-S", os.path.abspath(sys.argv[0]), "bundle", "exec", "puma", "-C", "config/puma.rb"], env)


