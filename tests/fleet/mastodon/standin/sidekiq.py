# SPDX-License-Identifier: GPL-3.0-or-later
"""Sidekiq: its keys in the real Redis, its signals, and jobs that take a moment."""
import json
import os
import re
import secrets
import signal
import socket
import sys
import threading
import time

from standin import core, database, rails, releases
from standin.core import Stop, fault, fault_number, nap, out, pace, slurp, version_key
from standin.redis import Redis, RedisError


def stamp(version):
    """`enqueued_at` as this version's Sidekiq writes it: float seconds up to 7, integer milliseconds from 8 on."""
    gem = releases.series(version)["sidekiq"]
    return int(time.time() * 1000) if version_key(gem) >= (8,) else time.time()


def enqueue(redis, version, queue, job, args):
    """Push a job as Mastodon's web would."""
    now = stamp(version)
    body = {"retry": 16, "queue": queue, "class": job, "args": args, "jid": secrets.token_hex(12), "created_at": now, "enqueued_at": now}
    redis.cmd("SADD", "queues", queue)
    redis.cmd("LPUSH", "queue:" + queue, json.dumps(body))


def options(live, args):
    """(concurrency, queues in order, strict) from -c, -q and config/sidekiq.yml."""
    count, queues, i = None, [], 0
    while i < len(args):
        m = re.match(r"(?:-([cq])|--(concurrency|queue)=?)(.*)$", args[i])
        if m:
            value, kind = m.group(3), (m.group(1) or m.group(2))[0]
            if not value:
                i += 1
                value = args[i] if i < len(args) else ""
            if kind == "c":
                count = int(value)
            else:
                queues.append(value.split(",")[0])
        i += 1
    if not queues:
        queues = re.findall(r"^  - \[(\w+),", slurp(live + "/config/sidekiq.yml") or "", re.M)
    return count or int(os.environ.get("SIDEKIQ_CONCURRENCY") or 5), queues


def main(live, args):
    os.chdir(live)
    began = time.monotonic()
    try:
        return boot(live, args).run()
    except Stop:
        if core.real_systemd():
            time.sleep(max(0.0, began + 2.2 - time.monotonic()))  # so long a real one lives at least: too long for systemd's start limit
        raise


def boot(live, args):
    if fault("sidekiq-boot-fails") is not None:
        nap(0.2)
        raise Stop("undefined method 'configure_server' for nil:NilClass (NoMethodError)\n%s/config/initializers/sidekiq.rb:20:in '<top (required)>'" % live)
    gems = {name: core.lock_version(name, live) for name in ("sidekiq", "rails")}  # loaded now: a later checkout changes nothing
    version = rails.boot(live)
    queues = options(live, args)
    nap(0.3)
    database.seed_if_pending(live)
    return Worker(live, version, queues, gems)


class Worker:
    """One Sidekiq process."""

    def __init__(self, live, version, queues, gems):
        self.version, self.live = version, live
        self.concurrency, self.queues = queues
        self.gem, self.rails = gems["sidekiq"], gems["rails"]
        self.identity = "%s:%d:%s" % (socket.gethostname(), os.getpid(), secrets.token_hex(6))
        self.quiet = self.done = False
        self.wake = threading.Event()
        self.working = {}
        self.mutex = threading.Lock()
        self.redis = Redis.from_env(sidekiq=True)
        self.started = time.time()
        self.jobs = Redis.from_env(sidekiq=True, timeout=30)

    def log(self, text):
        out("%s pid=%d tid=%s INFO: %s" % (time.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (time.time() % 1 * 1000), os.getpid(), "2xq", text))

    def run(self):
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGTSTP, signal.SIGTTIN):
            signal.signal(name, self.signalled)
        self.check_redis()
        self.clean_up()
        self.log("Booted Rails %s application in production environment" % self.rails)
        self.log("Running in ruby %s [x86_64-linux]" % os.environ.get("RBENV_VERSION"))
        self.log("Sidekiq %s connecting to Redis with options {size: %d, host: %s}" % (self.gem, self.concurrency, self.redis.host))
        self.log("Starting processing, hit Ctrl-C to stop")
        core.title("sidekiq %s live [0 of %d busy]" % (self.gem, self.concurrency))
        threading.Thread(target=self.fetch, daemon=True).start()
        threading.Thread(target=self.schedule, daemon=True).start()
        while not self.done:
            self.beat()
            self.wake.wait(float(core.setting("heartbeat") or max(0.2, 1.0 * pace())))
        return self.shut_down()

    def check_redis(self):
        """Sidekiq refuses a Redis that is too old, and one that is not there."""
        least = {"8": (7, 0), "7": (6, 2), "6": (4, 0)}[self.gem[0]]
        try:
            have = fault("redis-version") or self.redis.server_version()
        except RedisError as e:
            raise Stop("%s (RedisClient::CannotConnectError)" % e) from e
        if version_key(have) < least:
            raise Stop("You are connecting to Redis %s, Sidekiq requires Redis %d.%d.0 or greater" % ((have,) + least))

    def clean_up(self):
        """Take members out of the process set whose heartbeat has expired; a killed process stays in it until then."""
        try:
            for name in self.redis.cmd("SMEMBERS", "processes"):
                if not self.redis.cmd("EXISTS", name):
                    self.redis.cmd("SREM", "processes", name)
        except RedisError:
            pass

    def signalled(self, number, _frame):
        if number == signal.SIGTSTP:
            self.go_quiet("TSTP")
        elif number == signal.SIGTTIN:
            self.log("Thread TID-2xq main\n%s/vendor/bundle/gems/sidekiq-%s/lib/sidekiq/cli.rb:44:in 'IO#wait_readable'" % (self.live, self.gem))
        else:
            self.done = True
            self.wake.set()

    def go_quiet(self, why):
        if not self.quiet:
            self.quiet = True
            self.log("Received %s, no longer accepting new work" % why)
            self.log("Terminating quiet threads for default capsule")
            self.log("Scheduler exiting...")

    def beat(self):
        """The heartbeat; the signals that came through Redis."""
        me, stat = self.identity, os.sysconf("SC_PAGE_SIZE")
        info = {"hostname": socket.gethostname(), "started_at": self.started, "pid": os.getpid(), "tag": "live", "concurrency": self.concurrency,
                "queues": self.queues, "weights": [{q: 1 for q in self.queues}], "labels": [], "identity": me, "version": self.gem, "embedded": False}
        pages = int((slurp("/proc/self/statm") or "0 0").split()[1])
        with self.mutex:
            work = dict(self.working)
        try:
            self.redis.pipeline([
                ("SADD", "processes", me),
                ("HSET", me, "info", json.dumps(info), "busy", len(work), "beat", "%.7f" % time.time(), "rtt_us", 120,
                 "quiet", "true" if self.quiet else "false", "rss", pages * stat // 1024, "concurrency", self.concurrency),
                ("EXPIRE", me, 60), ("DEL", me + ":work")] + ([("HSET", me + ":work") + tuple(x for kv in work.items() for x in kv),
                                                               ("EXPIRE", me + ":work", 60)] if work else []))
            order = self.redis.cmd("RPOP", me + "-signals")
            core.title("sidekiq %s live [%d of %d busy]%s" % (self.gem, len(work), self.concurrency, " stopping" if self.quiet else ""))
        except RedisError as e:
            self.log("heartbeat: %s" % e)
            return
        if order == "TSTP":
            self.go_quiet(order)
        elif order in ("TERM", "INT"):
            self.done = True

    def schedule(self):
        """The scheduler's small jobs: a quiet server still processes some."""
        redis = Redis.from_env(sidekiq=True)
        while not self.done:
            try:
                if not self.quiet and "scheduler" in self.queues and redis.cmd("LLEN", "queue:scheduler") < 5:
                    enqueue(redis, self.version, "scheduler", "Scheduler::TrendingScheduler" if int(time.time()) % 2 else "Scheduler::InstanceRefreshScheduler", [])
            except RedisError:
                pass
            time.sleep(max(0.1, 0.5 * pace()))

    def fetch(self):
        """BRPOP, run, count; a job lives only here while it runs."""
        names = ["queue:" + q for q in self.queues]
        while not self.done:
            if self.quiet or len(self.working) >= self.concurrency:
                time.sleep(0.2)
                continue
            try:
                got = self.jobs.cmd("BRPOP", *(names + [1]))
            except RedisError:
                time.sleep(0.5)
                continue
            if got and self.quiet:
                self.jobs.cmd("RPUSH", *got)  # fetched while the order to be quiet came in
            elif got:
                tid = secrets.token_hex(2)
                with self.mutex:
                    self.working[tid] = json.dumps({"queue": got[0][6:], "payload": got[1], "run_at": int(time.time())})
                threading.Thread(target=self.work, args=(tid, got), daemon=True).start()

    def work(self, tid, got):
        """A job: a moment of time, and its counters. While it runs it exists nowhere else."""
        job = json.loads(got[1]) if got[1][:1] == "{" else {}
        redis = Redis.from_env(sidekiq=True)
        time.sleep(0.02 * pace())
        if not str(job.get("class", "")).startswith("Scheduler::"):
            began = time.monotonic()
            while time.monotonic() - began < (fault_number("sidekiq-long-job", 30.0) or 0):
                time.sleep(0.05)
        day = time.strftime("%Y-%m-%d", time.gmtime())
        try:
            redis.pipeline([("INCR", "stat:processed"), ("INCR", "stat:processed:" + day)])
            if job.get("class") == "ActivityPub::DistributionWorker" and self.keyless(job):
                self.fail(redis, job, day)
            elif not str(job.get("class", "")).startswith("Scheduler::"):
                core.effect("job", job.get("class"), job.get("jid"))
        except RedisError:
            pass
        finally:
            redis.close()
        with self.mutex:
            self.working.pop(tid, None)

    def keyless(self, job):
        """Code before 4.7 signs with accounts.private_key, which 4.7's post-deployment migration empties."""
        if version_key(self.version) >= (4, 7):
            return False
        try:
            with database.connect("sidekiq") as pg:
                return bool(pg.run("SELECT 1 FROM accounts a JOIN statuses s ON s.account_id = a.id WHERE s.id = $1 AND a.private_key IS NULL",
                                   job.get("args", [0])[0]))
        except database.PGError:
            return True

    def fail(self, redis, job, day):
        """A job that raised: into the retry set, and into the log."""
        job.update(error_class="OpenSSL::PKey::RSAError", error_message="Neither PUB key nor PRIV key", failed_at=stamp(self.version), retry_count=0)
        redis.pipeline([("INCR", "stat:failed"), ("INCR", "stat:failed:" + day), ("ZADD", "retry", time.time() + 20, json.dumps(job))])
        out("WARN: OpenSSL::PKey::RSAError: Neither PUB key nor PRIV key class=%s jid=%s" % (job.get("class"), job.get("jid")))

    def shut_down(self):
        """TERM: stop fetching, wait 25 s (2.5 here, where systemd's own times are not scaled 25) for running jobs, push the rest back, leave."""
        self.quiet = True
        self.log("Shutting down")
        end = time.monotonic() + (25 if core.real_systemd() else 2.5 * pace())
        if self.working:
            self.log("Pausing to allow jobs to finish...")
        while self.working and time.monotonic() < end:
            time.sleep(0.05)
        with self.mutex:
            left = list(self.working.values())
        try:
            for text in left:
                entry = json.loads(text)
                self.redis.cmd("RPUSH", "queue:" + entry["queue"], entry["payload"])
            if left:
                self.log("Pushed %d jobs back to Redis" % len(left))
            self.redis.pipeline([("SREM", "processes", self.identity), ("DEL", self.identity + ":work"), ("DEL", self.identity)])
        except RedisError:
            pass
        self.log("Bye!")
        sys.stdout.flush()
        return 0
