#!/usr/bin/env python3
# session-limits.py - what is too large, too silent or not stored yet ends nobody's view, no session and no resume.
# SPDX-License-Identifier: GPL-3.0-or-later
import base64
import hashlib
import json
import os
import socket
import sqlite3
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
from walk import Place, gone, own_mounts, tap  # noqa: E402

HEAD = 'runbook { id = "t", bellbook = 1, title = "T" }\n'
LINE, TEXT, STDIN = 1 << 20, 64 << 10, 200000  # of control bytes: more than a line in JSON, and sh reads it byte by byte


def change(name, run, more=""):
    return 'change "%s" { title = "%s", why = "w", %s run = function(s) %s end, done = function(s) return true end }\n' % (name, name, more, run)


def short(view):
    """Each line that the view printed is one that a view can read."""
    assert view.raw and max(len(line) for line in view.raw) <= LINE, max(len(line) for line in view.raw)


def said(view, **intent):
    view.send(**intent)
    return view.reply()


def long_messages():
    """what a person says is stored and told, or refused with its size and the limit, and nobody's view ends"""
    with Place(HEAD + change("a", "")) as place:
        one = place.run()
        q = one.asked("step", "a")
        two = place.attach(q["session"], "--role", "observer")
        two.asked("step", "a")
        for letter in ("x", "\x01", "\u202e", "\x7f"):
            most = "x" + letter * ((TEXT - 1) // len(letter.encode()))  # a text in which nothing can be seen is none
            for do in ("say", "note"):
                assert "accepted" in said(two, do=do, text=most)
                assert one.until(lambda m: m.get("kind") in ("said", "note"))["text"] == most
                why = said(two, do=do, text=most + letter)["refused"]["why"]
                assert str(TEXT) in why and "bytes long" in why, why
        why = said(two, do="say", text="x" * 1048550)["refused"]["why"]
        assert "1048550" in why, why
        two.send(do="say", text="x" * (2 * LINE))
        assert "refused" in two.reply()
        why = said(one, do="pause", why="\x02" * (TEXT + 1))["refused"]["why"]
        assert "why is 65537 bytes long" in why, why
        one.answer(q, "skip", why="y" * (TEXT + 1))
        assert "refused" in one.reply()
        late = place.attach(q["session"])
        late.asked("step", "a")
        one.answer(q, "go")
        assert one.walk()["outcome"] == "ok"
        for v in (two, late):
            v.wait()
            assert v.closed["outcome"] == "ok"
            short(v)
        place.verify()


LARGE = HEAD + '''
local function refused(fn)
	local ok, why = pcall(fn)
	if ok then error("it was taken") end
	return tostring(why)
end
change "a" { title = "A", why = "w", gives = { "list" },
  run = function(s)
    local control, most = string.rep("\\1", %(stdin)d), string.rep("\\1", %(text)d)
    here.run("cat > $W/got; echo a >> $W/effects", { stdin = control, env = { W = "%(dir)s" } })
    here.run("true #" .. string.rep("c", 90000))
    here.run("echo b >> %(dir)s/effects", { env = { LONG = string.rep("e", 60000) } })
    s:warn(most)
    s:note(most)
    s.list = { string.rep("g", 2000000), control }
    for _, fn in ipairs { function() s:warn(most .. "x") end, function() s:note(most .. "x") end, function() s:lesson(most .. "x") end,
        function() s:ask { text = string.rep("q", 600000) } end, function() here.run("cat", { stdin = string.rep("x", 1048577) }) end,
        function() ssh.put("nowhere", { content = string.rep("\\1", 3000000), path = "/nowhere" }) end, function() s.list = { string.rep("\\1", 3000000) } end } do
      local why = refused(fn)
      if not why:find("%%d%%d%%d%%d+") or not why:find("at most") then error("no size and limit: " .. why:sub(1, 300)) end
    end
    here.run("echo c >> %(dir)s/effects")
  end, done = function(s) return true end }
change "b" { title = "B", why = "w", needs = { "list" },
  run = function(s)
    if #s.list[1] ~= 2000000 or #s.list[2] ~= %(stdin)d then error("the list is another") end
    fail(string.rep("f", 3000000))
  end, done = function(s) return true end }
'''


def long_values():
    """large values of a runbook reach the host whole, every view in part, and a resume whole; too large ones are Lua errors"""
    with Place() as place:
        place.write("t.lua", LARGE % {"stdin": STDIN, "text": TEXT, "dir": place.dir})
        one = place.run()
        one.answer(one.asked("step", "a"), "go")
        q = one.asked("step", "b")
        assert place.lines() == ["a", "b", "c"], place.lines()
        with open(place.dir + "/got", "rb") as f:
            assert f.read() == b"\x01" * STDIN
        late = place.attach(q["session"])
        late.asked("step", "b")
        begun = [m for m in late.seen if m.get("kind") == "call.begun" and "stdin" in m["data"].get("args", {})]
        assert len(begun) == 1 and begun[0]["cut"] and "bytes in all" in begun[0]["data"]["args"]["stdin"], begun[0].keys()
        one.kill()
        again = place.resume(q["session"])
        q = again.asked("step", "b")
        again.answer(q, "go")
        q = again.asked("failure", "b")
        assert "3000000 bytes in all" in [m for m in again.seen if m.get("kind") == "step.ended"][-1]["data"]["reason"]
        assert again.walk()["outcome"] == "aborted"
        for v in (one, late, again):
            short(v)
        events = place.log(q["session"])
        assert [e["data"]["args"]["stdin"] for e in events if e["kind"] == "call.begun" and "stdin" in e["data"]["args"]] == ["\x01" * STDIN]
        assert [e["data"]["gives"]["list"][0] for e in events if e["kind"] == "step.ended" and "gives" in e["data"]] == ["g" * 2000000]
        for form in ("text", "md", "html", "cast"):
            assert place.bellbook("log", str(q["session"]), "--format", form).stdout
        assert place.bellbook("search", "echo").returncode == 0
        place.verify()
        assert place.lines() == ["a", "b", "c"]


def field(tag, value):
    if isinstance(value, int):
        value = struct.pack(">q", value)
    elif isinstance(value, str):
        value = value.encode()
    return tag.encode() + struct.pack(">Q", len(value)) + value


def append(path, session, kind, data="{}", text=b""):
    """An event as an older bellbook stored it: all of its data in the row, a payload of any length."""
    db = sqlite3.connect(path)
    seq, before = db.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    seq, salt = seq + 1, b"s" * 16
    digest = hashlib.sha256(b"bb1p" + salt + text).digest() if text else b""
    row = b"".join([b"bb1e", before, field("q", seq), field("s", session), field("t", 1), field("m", 1), field("k", kind), field("v", 1), field("w", "eve"),
                    field("p", ""), field("a", 0), field("c", ""), field("h", ""), field("d", data), field("x", digest)])
    db.execute("INSERT INTO event(seq, session, at_us, mono_us, kind, v, who, step, attempt, call, host, data, digest, hash) VALUES(?,?,1,1,?,1,'eve','',0,'','',?,?,?)",
               (seq, session, kind, data, digest, hashlib.sha256(row).digest()))
    if text:
        db.execute("INSERT INTO payload(seq, codec, length, salt, bytes) VALUES(?,0,?,?,?)", (seq, len(text), salt, text))
    db.commit()
    db.close()
    return seq


def old_journal():
    """a journal with longer events than a line may be is opened, shown, resumed and exported"""
    with Place(HEAD + change("a", "")) as place:
        one = place.run()
        q = one.asked("step", "a")
        session = q["session"]
        one.kill()
        one.end()
        append(place.journal, session, 41, text=b"\x01" * 1048550)
        append(place.journal, session, 40, text=b"y" * (3 << 20))
        append(place.journal, session, 45, json.dumps({"text": "w" * (5 << 20)}, separators=(",", ":")))
        last = append(place.journal, session, 46, json.dumps({"text": "\x01" * (1 << 20)}, separators=(",", ":")))
        place.verify()
        again = place.resume(session)
        q = again.asked("step", "a")
        again.until(lambda m: m.get("seq", 0) >= last)
        assert [m["seq"] for m in again.seen if m.get("cut")] == [last - 3, last - 2, last - 1, last]
        late = place.attach(session)
        late.asked("step", "a")
        again.answer(q, "go")
        assert again.walk()["outcome"] == "ok"
        late.wait()
        assert late.closed["outcome"] == "ok"
        for v in (again, late):
            short(v)
        assert [len(e["text"]) for e in place.log(session) if e["seq"] in (last - 3, last - 2)] == [1048550, 3 << 20]
        for words in (["review", str(session), "--plain"], ["log", str(session)], ["sessions"], ["search", "nothing"]):
            done = subprocess.run([os.environ.get("BELLBOOK", "bellbook"), *words], env=place.env, stdin=subprocess.DEVNULL, capture_output=True, cwd=place.dir, timeout=120)
            assert done.returncode in (0, 1), (words, done)
        place.verify()


def silence():
    """a hundred connections that say nothing keep nobody out, and one hears why it goes"""
    with Place(HEAD + change("a", "")) as place:
        one = place.run()
        q = one.asked("step", "a")
        silent = []
        here = os.getcwd()
        os.chdir(place.journal + ".run")
        for _ in range(100):
            s = socket.socket(socket.AF_UNIX)
            s.connect("%d.sock" % q["session"])
            s.settimeout(60)
            silent.append(s)
        os.chdir(here)
        two = place.attach(q["session"])
        two.asked("step", "a")
        assert b"too many connections" in silent[0].recv(4096)
        one.answer(q, "go")
        assert one.walk()["outcome"] == "ok"
        two.wait()
        assert two.closed["outcome"] == "ok"


def alive(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False


def fill(path):
    """Until not a byte more fits."""
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            pass


@own_mounts
def typed_first():
    """what is typed into a shell, and its end, are in the journal before they are done: on a full disk nothing is typed, and the end waits"""
    with Place() as place:
        small = place.dir + "/small"
        os.mkdir(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", small], check=True)
        place.env.update(BELLBOOK_JOURNAL=small + "/journal.db", BELLBOOK_BALLAST="0")
        place.write("t.lua", HEAD + change("a", 'here.run("true")'))
        v = place.run()
        v.asked("step", "a")
        v.send(do="detour", hosts=["here"], shell=True)
        begun = v.kind("call.begun", of="detour")
        v.kind("call.output")
        fill(small + "/filler")
        v.send(do="detour.input", call=begun["seq"], bytes=base64.b64encode(b"touch %s/typed; exit\n" % place.dir.encode()).decode())
        assert "nothing is typed unrecorded" in v.until(lambda m: "refused" in m)["refused"]["why"]
        v.send(do="detour.end", call=begun["seq"], why="enough")
        assert "it is kept" in v.until(lambda m: "refused" in m)["refused"]["why"]
        os.remove(small + "/filler")
        v.kind("call.ended", outcome="canceled")
        assert not os.path.exists(place.dir + "/typed")
        at = next(i for i, m in enumerate(v.seen) if m.get("kind") == "note" and m["data"].get("cancel") == begun["seq"])
        assert v.seen[at]["data"]["why"] == "enough" and at < next(i for i, m in enumerate(v.seen) if m.get("kind") == "call.ended"), v.seen[at]
        v.send(do="abort", why="done")
        assert v.walk()["outcome"] == "aborted"
        gone(v.pid)
        subprocess.run(["umount", small], check=True)
    return None


@own_mounts
def stored_first():
    """an order to stop is in the journal before anything is stopped: on a full disk it waits"""
    for do in ("cancel", "abort"):
        with Place() as place:
            small = place.dir + "/small"
            os.mkdir(small)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", small], check=True)
            place.env.update(BELLBOOK_JOURNAL=small + "/journal.db", BELLBOOK_BALLAST="0")
            place.write("t.lua", HEAD + change("a", 'here.run("echo $$ > %s/pid; echo ready; exec sleep 3000")' % place.dir))
            v = place.run()
            v.answer(v.asked("step", "a"), "go")
            begun = v.kind("call.begun", effect="change")
            v.until(lambda m: m.get("kind") == "call.output" and m.get("text", "").startswith("ready"))
            pid = int(place.lines("pid")[0])
            fill(small + "/filler")
            v.send(do=do, call=begun["seq"], why="it hangs")
            v.until(lambda m: "halted" in m)
            assert "it is kept" in v.until(lambda m: "refused" in m)["refused"]["why"]
            # Whatever went to the worker before is answered by now: the session and it have had a whole round for it.
            v.send(do="say", text="still full?")
            v.send(do="nothing of the kind")
            v.until(lambda m: "no such intent" in m.get("refused", {}).get("why", ""))
            assert alive(pid)
            os.remove(small + "/filler")
            v.kind("call.ended", outcome="canceled")
            order = [m for m in v.seen if m.get("kind") == "note"]
            assert order[-1]["data"].get("cancel" if do == "cancel" else "abort"), order
            assert v.walk()["outcome"] in ("aborted", "failed")
            gone(pid)
            gone(v.pid)
            subprocess.run(["umount", small], check=True)
    return None


def told_plainly(place, words, lines):
    program = os.environ.get("BELLBOOK", "bellbook")
    done = subprocess.run([program, *words, "--plain"], env=place.env, cwd=place.dir,
                          input="".join(lines), capture_output=True, text=True, timeout=300)
    return done.stdout


def script_lines():
    """a line of a script holds what may be said; of a longer one no part is taken for another"""
    with Place(HEAD + change("a", "")) as place:
        words = ["run", place.dir + "/t.lua"]
        told_plainly(place, words, ["note " + "n" * TEXT + "\n", "1\n"])
        notes = [e["text"] for e in place.log(1) if e["kind"] == "note"]
        assert [len(text) for text in notes] == [TEXT], [len(text) for text in notes]
        assert [e["data"]["value"] for e in place.log(1) if e["kind"] == "answered"] == ["go"]
        second = max(e["seq"] for e in place.log(1)) + 1
        # Cut where its first part is full, the rest would be an answer.
        out = told_plainly(place, words, ["note " + "n" * (2 * TEXT) + "1\n" * 2000])
        assert "has more than" in out and "nothing of it was done" in out, out[-2000:]
        assert not [e for e in place.log(second) if e["kind"] in ("note", "answered")]
        v = place.attach(second)
        v.asked("step", "a")
        v.send(do="abort", why="enough")
        assert v.walk()["outcome"] == "aborted"
        lines = ["note " + "m" * TEXT + "\n", "note " + "n" * (2 * TEXT) + "\n", "q\n"]
        out = told_plainly(place, ["review", "1"], lines)
        assert out.count("has more than") == 1 and "nothing of it was done" in out, out[-2000:]
        notes = [len(e["text"]) for e in place.log(1) if e["kind"] == "note"]
        assert notes == [TEXT, TEXT], notes


sys.exit(tap([script_lines, long_messages, long_values, old_journal, silence, stored_first, typed_first]))
