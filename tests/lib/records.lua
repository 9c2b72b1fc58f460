-- records.lua - which commit the record of an upgrade names for the way back, in a real git repository, with records of earlier tries beside it.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- usage: lua5.4 records.lua RUNBOOKS/LIB FOLDER    an empty folder for the repository and the records. Run by tests/cli/reason.bats.
-- luacheck: std lua54, globals q lines trim check
package.path = arg[1] .. "/?.lua"
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
local dir = arg[2]
function check(ok, text) if not ok then error(text, 0) end return ok end

local function shell(cmd)
	local p <close> = assert(io.popen(("cd %s && { %s\n}"):format(q(dir), cmd)))
	local out = p:read("a")
	assert(p:close(), cmd)
	return out
end

local mastodon = require "mastodon"
local back = require "back"
local wrote
function mastodon.read(_, _, cmd, opts)	-- luacheck: ignore
	if not opts then return { out = shell(cmd), err = "", ok = true } end
	local ok, out = pcall(shell, cmd)
	return { out = ok and out or "", err = "", ok = ok }
end
function mastodon.run(_, _, cmd) wrote = shell((cmd:gsub(" >%S+ && mv .*$", ""))) end	-- luacheck: ignore
local done = { "1" }	-- migrations of the database
function mastodon.sql() return done end	-- luacheck: ignore

local commits = {}
for line in shell([[git init -q . && git config user.name t && git config user.email t@t.example && mkdir -p db/migrate db/post_migrate
for f in 4.5.15:migrate/1 4.6.4:migrate/2 4.6.5:post_migrate/3; do
	v=${f%%:*} && : >db/${f#*:}_a.rb && git add db && git commit -q -m $v; git tag v$v; git rev-parse HEAD
done]]):gmatch("%x+") do commits[#commits + 1] = line end
local OLD, MID, NEW = table.unpack(commits)
local COMMIT = { ["4.5.15"] = OLD, ["4.6.4"] = MID, ["4.6.5"] = NEW }

-- Records there, the oldest first: { from, target, commit }.
local function records(list)
	shell "rm -f before-*.record"
	for i, one in ipairs(list) do
		shell(("printf '%%s\\n' from=%s target=%s commit=%s dump=/x >before-%d.record; touch -d @%d before-%d.record"):format(one[1], one[2], one[3], i, 1000 + i, i))
	end
end

-- What is written down for an upgrade to a release when that one runs and that one lies there; "from commit", or the words of the refusal.
local function written(runs, lies, target, again, env, off)
	local site = { off = off, from = runs, first = "app1", again = again, schema = 7, hosts = { app1 = { git = { version = lies }, env = env or {} } } }
	shell("git checkout -q " .. COMMIT[lies:match("^[%d.]+")])
	local said
	wrote = nil
	local s = { params = { backup_dir = dir }, warn = function(_, text) said = text end }
	local ok, why = pcall(back.write, s, site, dir .. "/new.dump", target, "1", nil)
	if not ok then return tostring(why):match("neither an earlier record") or tostring(why) end
	if said then return ("%s; %s; %s"):format(said:match("%(.-%)"), (why or "none"):match("[^/]+$"), wrote and "written" or "not written") end
	return wrote:match("from=(%S+)") .. " " .. wrote:match("commit=(%x+)")
end

local function same(what, have, want)
	if have ~= want then error(("%s:\n%s\ninstead of\n%s"):format(what, tostring(have), tostring(want)), 2) end
end

records {}
same("the first try", written("4.5.15", "4.5.15", "4.6.5"), "4.5.15 " .. OLD)
same("nothing is to stay off", wrote:find("off="), nil)
local left = { off = { ["app1 mastodon-sidekiq"] = true, ["app2 mastodon-web@3001"] = true } }
written("4.5.15", "4.5.15", "4.6.5", nil, nil, left.off)
same("what is to stay off", wrote:match("off=([^\n]+)\n"), "app1 mastodon-sidekiq;app2 mastodon-web@3001")
left.off = {}
back.leave_off(left, { off = wrote:match("off=([^\n]+)\n") })
same("and stays off on the way back", left.off["app1 mastodon-sidekiq"] and left.off["app2 mastodon-web@3001"], true)
same("the new code lies there, and no record: the tag", written("4.5.15", "4.6.5", "4.6.5"), "4.5.15 " .. OLD)
same("neither a record nor a tag", written("4.5.14", "4.6.5", "4.6.5"), "neither an earlier record")
records { { "4.5.15+ours", "4.6.5", OLD }, { "4.5.15+ours", "4.6.5", NEW }, { "4.5.14", "4.6.5", MID }, { "4.5.15+ours", "4.6.5", ("0"):rep(40) } }
same("an earlier record: not what lies there, nothing that git has not, nobody else's", written("4.5.15+ours", "4.6.5", "4.6.5"), "4.5.15+ours " .. OLD)
records { { "4.5.15", "4.6.5", OLD }, { "4.6.4", "4.6.5", MID } }
same("what is the newer one by now: what ran before the last try", written("4.6.5", "4.6.5", "4.6.5"), "4.6.4 " .. MID)
same("wanted once more", written("4.6.5", "4.6.5", "4.6.5", true), "4.6.5 " .. NEW)
records { { "4.5.15", "4.6.5", OLD }, { "4.6.5", "4.6.5", NEW }, { "4.6.4", "4.6.3", MID }, { "4.6.4", "4.6.5", ("0"):rep(40) } }
same("not of itself, nor to another release, nor what git has not", written("4.6.5", "4.6.5", "4.6.5"), "4.5.15 " .. OLD)
-- A fork's word, and one of the settings behind it: it is what lies there that runs, whatever tag Mastodon's makers have of that number.
records {}
shell("git tag -f v4.6.5 v4.6.4 >/dev/null")
for says, lies in pairs { ["4.6.5+glitch.ours"] = "4.6.5+glitch", ["4.6.5+ours"] = "4.6.5", ["4.6.5+glitch"] = "4.6.5+glitch", ["4.6.5-night+ours"] = "4.6.5" } do
	same(says, written(says, lies, "4.6.6", false, { MASTODON_VERSION_METADATA = "ours", MASTODON_VERSION_PRERELEASE = "night" }), says .. " " .. NEW)
end
-- Another fork's, or the makers' own, is not what lies there; the latter has a tag.
same("another fork's", written("4.6.5+theirs", "4.6.5+glitch", "4.6.6"), "neither an earlier record")
same("the makers' own", written("4.6.5", "4.6.5+glitch", "4.6.6"), "4.6.5 " .. MID)
shell("git tag -f v4.6.5 " .. NEW .. " >/dev/null")
-- The second part (3) is in the database, and so in the new dump: the record from before it counts. The first part (2) does no harm.
done = { "1", "2" }
records { { "4.5.15", "4.6.5", OLD } }
same("the first part is done", written("4.6.5", "4.6.5", "4.6.5"), "4.5.15 " .. OLD)
done = { "1", "2", "3" }
same("the second part is done, and there is a record", written("4.6.5", "4.6.5", "4.6.5"), "(3); before-1.record; not written")
records {}
same("the second part is done, and there is none", written("4.5.15", "4.6.5", "4.6.5"), "(3); none; not written")

-- ---- what of a dump its owner may not restore ----

shell [[mkdir bin; cat >list <<'END'
; Archive created at 2026-12-01
2; 3079 16396 EXTENSION - amcheck
3361; 0 0 COMMENT - EXTENSION amcheck
215; 1259 16386 TABLE public accounts mastodon
3352; 6104 16395 PUBLICATION - everything postgres
3362; 0 0 COMMENT - PUBLICATION everything postgres
3351; 6104 16392 PUBLICATION - own mastodon
3353; 6106 16393 PUBLICATION TABLE public own accounts mastodon
2043; 826 16403 DEFAULT ACL public DEFAULT PRIVILEGES FOR TABLES postgres
2042; 826 16394 DEFAULT ACL - DEFAULT PRIVILEGES FOR TABLES mastodon
3206; 3466 16405 EVENT TRIGGER - x postgres
233; 1255 16404 FUNCTION public e() postgres
END
printf '#!/bin/sh\ncat list\n' >bin/pg_restore; chmod 755 bin/pg_restore]]
function mastodon.read(_, _, cmd) return { out = shell("PATH=$PWD/bin:$PATH; " .. cmd) } end	-- luacheck: ignore
local site, r = { first = "app1", db = { user = "mastodon", name = "toot" } }, { dump = "/x" }
same("what is left out", back.left_out({}, site, r), "PUBLICATION - everything postgres; DEFAULT ACL public DEFAULT PRIVILEGES FOR TABLES postgres; EVENT TRIGGER - x postgres")
same("what is restored", mastodon.read(nil, nil, back.list_cmd(site, r)).out, [[; Archive created at 2026-12-01
215; 1259 16386 TABLE public accounts mastodon
3351; 6104 16392 PUBLICATION - own mastodon
3353; 6106 16393 PUBLICATION TABLE public own accounts mastodon
2042; 826 16394 DEFAULT ACL - DEFAULT PRIVILEGES FOR TABLES mastodon
233; 1255 16404 FUNCTION public e() postgres
]])
shell ": >list"
same("nothing is left out", back.left_out({}, site, r), nil)

-- ---- a database like the one that was dumped ----

for row, wanted in pairs {
	["UTF8|C.UTF-8|C.UTF-8|pg_default|||"] = "", ["UTF8|C.UTF-8|C.UTF-8|pg_default|c||"] = " LOCALE_PROVIDER libc", ["UTF8|C.UTF-8|C.UTF-8|fast|c||"] = " LOCALE_PROVIDER libc TABLESPACE \"fast\"",
	["UTF8|C.UTF-8|C.UTF-8|pg_default|i|de-x-icu|&a<b|c"] = " LOCALE_PROVIDER icu ICU_LOCALE 'de-x-icu' ICU_RULES '&a<b|c'",
	["UTF8|C.UTF-8|C.UTF-8|pg_default|b|C.UTF-8|"] = " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'" } do
	same(row, back.create_words("toot", row), "CREATE DATABASE \"toot\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'" .. wanted)
end
print "ok"
