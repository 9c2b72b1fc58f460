#!/usr/bin/env python3
# session-outside.py - the site asked from outside while a session works: refused, slow and unseen answers are counted, each once, also across kills.
# SPDX-License-Identifier: GPL-3.0-or-later
import http.server
import os
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
from walk import PATIENCE, Place, gone, tap  # noqa: E402

TOKEN = "a-member-of-the-team-0815"
FLEET = 'fleet { name = "f", hosts = {}, mastodon = { probe_token = secret.env "PROBE" } }\n'
RUNBOOK = '''runbook { id = "t", bellbook = 1, title = "T" }
observe "watch" { title = "Watch", gives = { "looks" }, run = function(s)
    local asks = { { name = "POST /inbox", url = "%(url)s/inbox", body = "{}", headers = { ["Content-Type"] = "application/activity+json" }, want = { 401 } },
        { name = "GET home", url = "%(url)s/home", token = s.fleet.mastodon.probe_token, every = "2s" } }
    s.looks = outside.look { asks = asks }.looks
    outside.watch { asks = asks, slow = "1s", unproven = "that mail goes out" }
end }
change "work" { title = "Work", why = "w", run = function(s) here.run "echo worked >>effects" end,
    done = function(s) return here.read("grep -q worked effects", { check = false }).ok end }
%(finish)s
change "last" { title = "Last", why = "w", run = function(s) here.run "echo last >>effects" end,
    done = function(s) return here.read("grep -q last effects", { check = false }).ok end }
'''


class Site:
    """A site that answers as its mode says: well, refuse, deny, slow, hang (nobody is answered until it goes on)."""

    def __init__(self):
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.rfile.read(int(self.headers.get("content-length") or 0))
                with site.lock:
                    site.asked.append((self.command, self.path, dict(self.headers)))
                    mode = site.mode
                if self.path == "/inbox" and len(site.asked) < 3:
                    time.sleep(0.2)  # whoever is asked first need not answer first
                if mode == "slow":
                    time.sleep(1.3)
                if mode == "hang":
                    site.goes_on.wait()
                usual = 401 if self.path == "/inbox" else 200
                self.send_response({"refuse": 502, "deny": 403}.get(mode, usual))
                self.send_header("Content-Length", "0")
                self.end_headers()
            do_POST = do_GET

            def log_message(self, *words):
                pass

        self.asked, self.mode, self.lock = [], "well", threading.Lock()
        self.goes_on = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def place_for(site, finish=""):
    place = Place(RUNBOOK % {"url": site.url, "finish": finish}, FLEET)
    place.env["PROBE"] = TOKEN
    return place


def counted(view, **data):
    return view.kind("outside.counted", **data)


def begun(view):
    """The first answer was counted and the step asks; which of them comes first nobody knows. The question."""
    def has(kind, **data):
        return next((m for m in view.seen if m.get("kind") == kind and all(m["data"].get(k) == v for k, v in data.items())), None)
    while not (has("outside.counted", state="answers") and has("asked", of="step")):
        view.next()
    return has("asked", of="step")


def total(log, key):
    return sum(m["data"].get(key, 0) for m in log if m["kind"] == "outside.counted")


def refused_slow_unseen():
    """refused, slow and unseen answers are counted, each once, and told"""
    site = Site()
    with place_for(site) as place:
        v = place.run()
        began = v.kind("outside.began")
        assert began["data"]["asks"] == ["POST /inbox", "GET home"] and began["data"]["unproven"] == "that mail goes out", began
        work = begun(v)
        site.mode = "refuse"
        m = counted(v, state="refuses")
        assert m["data"]["refused"] == 1 and "502" in m["data"]["words"], m
        assert [c["count"] for c in m["data"]["causes"]] == [1] and "502" in m["data"]["causes"][0]["text"], m
        site.mode = "well"
        m = counted(v, state="answers")
        assert m["data"]["answered"] >= 1 and not m["data"]["refused"], m
        site.mode = "slow"
        counted(v, state="waits")
        site.mode = "deny"
        m = counted(v, state="unseen")
        assert m["data"]["unseen"] >= 1 and not m["data"]["refused"], m
        site.mode = "well"
        counted(v, state="answers")
        v.answer(work, "go")
        v.walk()
        gone(v.pid)
        log = place.log(v.hello["session"])
        kinds = [m["kind"] for m in log]
        assert kinds.index("outside.ended") < kinds.index("session.closed"), kinds
        assert total(log, "refused") >= 1 and total(log, "waited") >= 1 and total(log, "unseen") >= 1, log
        assert all(w["took_us"] > 1000000 for m in log if m["kind"] == "outside.counted" for w in m["data"].get("slow", [])), log
        # What was asked is counted once: two more were the look, and what was under way at the end nobody waited for.
        asked = len(site.asked) - 2
        assert asked - 3 <= total(log, "asked") <= asked, (total(log, "asked"), asked)
        sums = {k: total(log, k) for k in ("asked", "answered", "refused", "odd", "unseen")}
        assert sums["asked"] == sum(sums[k] for k in sums if k != "asked"), sums
        looks = next(m for m in log if m["kind"] == "step.ended" and m["step"] == "watch")["data"]["gives"]["looks"]
        assert [(x["status"], x["wanted"]) for x in looks] == [(401, True), (200, True)], looks
        assert all("bellbook-outside/1" in h["User-Agent"] for _, _, h in site.asked)
        assert all(h.get("Authorization") == "Bearer " + TOKEN for _, p, h in site.asked if p == "/home")
        assert TOKEN not in open(place.journal, "rb").read().decode("latin-1")
        text = place.bellbook("log", str(v.hello["session"]), "--format", "md").stdout
        text = " ".join(text.split())
        for words in ("By the steps the site was never down", "it refused", "waited longer than", "that mail goes out", "403"):
            assert words in text, (words, text)
        place.verify()
    site.close()


def is_not_buried():
    """a site that answers nobody is not buried under our own requests, and asked as before once it answers"""
    site = Site()
    with place_for(site) as place:
        v = place.run()
        work = begun(v)
        site.mode, before = "hang", len(site.asked)
        counted(v, state="waits")
        time.sleep(5)  # in which it would have been asked seven times
        # Those of a beat under way, the first of each that was not answered, and one that came before the first of them was slow.
        assert len(site.asked) - before <= 5, site.asked[before:]
        site.mode, before = "well", len(site.asked)
        site.goes_on.set()
        counted(v, state="answers")
        until = time.monotonic() + PATIENCE
        while len([path for _, path, _ in site.asked[before:] if path == "/inbox"]) < 3:
            assert time.monotonic() < until, site.asked[before:]
            time.sleep(0.05)
        v.answer(work, "go")
        v.walk()
        gone(v.pid)
    site.close()


def goes_on_after_a_kill():
    """a session that was killed is asked on by the next process"""
    site = Site()
    with place_for(site) as place:
        v = place.run()
        begun(v)
        v.kill()
        v.end()
        before = len(site.asked)
        v = place.resume(v.hello["session"])
        site.mode = "refuse"
        counted(v, state="refuses")
        site.mode = "well"
        counted(v, state="answers")
        v.walk()
        gone(v.pid)
        log = place.log(v.hello["session"])
        assert [m["kind"] for m in log].count("outside.began") == 1, log
        assert [m["kind"] for m in log].count("outside.ended") == 1, log
        assert len(site.asked) > before
        spans = [(m["data"]["from_us"], m["data"]["to_us"]) for m in log if m["kind"] == "outside.counted"]
        assert total(log, "asked") <= len(site.asked) - 2, (total(log, "asked"), len(site.asked))
        # Two that are asked in one beat may be told in two counts; nothing overlaps by more.
        assert all(later[0] > earlier[1] - 1000000 for earlier, later in zip(spans, spans[1:])), spans
        place.verify()
    site.close()


def goes_on_after_its_worker_died():
    """a worker that died is followed by one that asks on"""
    site = Site()
    with place_for(site) as place:
        v = place.run()
        begun(v)
        for server in map(int, open("/proc/%d/task/%d/children" % (v.pid, v.pid)).read().split()):
            for worker in map(int, open("/proc/%d/task/%d/children" % (server, server)).read().split()):
                os.kill(worker, signal.SIGKILL)
        v.kind("worker.lost")
        site.mode = "refuse"
        counted(v, state="refuses")
        site.mode = "well"
        v.walk()
        log = place.log(v.hello["session"])
        assert [m["kind"] for m in log].count("outside.ended") == 1, log
    site.close()


def ends_when_told():
    """the runbook ends it"""
    site = Site()
    finish = 'observe "enough" { title = "Enough", run = function(s) outside.finish() end }'
    with place_for(site, finish) as place:
        v = place.run()
        v.walk(stop=lambda m: m.get("kind") == "asked" and m.get("step") == "last")
        if not any(m.get("kind") == "outside.ended" for m in v.seen):
            v.kind("outside.ended")
        asked = len(site.asked)
        time.sleep(1.5)  # nothing may come in a time in which it would have been asked
        assert len(site.asked) == asked
        v.walk()
        log = place.log(v.hello["session"])
        ended = [m["data"]["reason"] for m in log if m["kind"] == "outside.ended"]
        assert ended == ["the runbook ended it"], ended
    site.close()


def a_dry_run_only_looks():
    """a dry run only looks"""
    site = Site()
    with place_for(site) as place:
        v = place.run("--dry-run")
        v.walk()
        log = place.log(v.hello["session"])
        assert not any(m["kind"].startswith("outside.") for m in log), log
        assert len(site.asked) == 2, site.asked
    site.close()


def what_is_wrong_is_said():
    """what is wrong with an ask is said"""
    with Place('''runbook { id = "t", bellbook = 1, title = "T" }
observe "a" { title = "A", run = function(s) outside.watch { asks = { { url = "ftp://x" } } } end }
observe "b" { title = "B", run = function(s) local asks = s.step.title:rep(1) outside.watch { asks = asks } end }
observe "c" { title = "C", run = function(s) local key = "as" .. "k" outside.watch { [key] = {} } end }
observe "d" { title = "D", run = function(s) local name = "wa" .. "ch" outside[name] {} end }
observe "e" { title = "E", run = function(s) outside.look { asks = { { url = "http://x.example/", headers = { X = "a\\nb: c" } } } } end }
''') as place:
        v = place.run()
        v.walk({"failure": "skip"})
        log = place.log(v.hello["session"])
        reasons = [m["data"]["reason"] for m in log if m["kind"] == "step.ended" and m["data"]["state"] == "failed"]
        for words, reason in zip(("url is missing", "asks", "ask", "did you mean outside.watch", "one line"), reasons):
            assert words in reason, (words, reason)
        assert len(reasons) == 5, reasons


sys.exit(tap([refused_slow_unseen, is_not_buried, goes_on_after_a_kill, goes_on_after_its_worker_died, ends_when_told, a_dry_run_only_looks, what_is_wrong_is_said]))
