-- tree.lua - tests: what of git's own would refuse a checkout is seen before, and the commit that was looked at is the one that is checked out; with
-- clones of a small repository. Run as: lua5.4 tree.lua RUNBOOKS/LIB FOLDER
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals q lines trim check fail same verdict
package.path = arg[1] .. "/?.lua"
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
local place = arg[2]
function fail(text) error({ text = text }, 0) end
function check(ok, text) if not ok then fail(text) end return ok end

local gone	-- a file that goes away while it is waited for
local function shell(text, where)
	text = ("sleep() { %s; }; "):format(gone and "rm -f " .. gone or ":") .. text
	local cmd = ("export HOME=%s GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; cd %s; %s"):format(q(place), q(where or place), text)
	-- Who is root may write everywhere; Mastodon's user may not.
	local drop = os.execute("[ \"$(id -u)\" = 0 ]") and "setpriv --bounding-set -dac_override,-dac_read_search " or ""
	local p = assert(io.popen(drop .. "sh -c " .. q(cmd) .. " 2>" .. q(place .. "/err")))
	local out, ok = p:read "a", p:close()
	local err <close> = assert(io.open(place .. "/err"))
	return { out = out, ok = ok == true, err = err:read "a" }
end

local live, readonly
package.loaded.hosts = { ask_all = function(_, fn) return { app1 = fn "app1" } end }
package.loaded.mastodon = {
	read = function(_, _, cmd)
		if readonly then cmd = ("unshare -Urm sh -c %s"):format(q(("mount --bind %s %s; mount -o remount,bind,ro %s; cd %s; %s"):format(live, live, live, live, cmd))) end
		return shell(cmd, live)
	end,
	live = function() return live end, user = function() return "mastodon" end,
	remote = function() end }
local code = require "code"

local function version(name, text)
	return ("mkdir -p lib/mastodon; "
		.. "printf 'def major\\n 4\\nend\\ndef minor\\n 6\\nend\\ndef patch\\n %s\\nend\\n' >lib/mastodon/version.rb; echo %s >Rakefile; git add .; git commit -qm %s; git tag -am x %s")
		:format(name:match("%d+$"), text, name, name)
end
assert(shell("git init -q up; cd up; echo 1 >README; git add .; " .. version("v4.6.4", "four") .. "; " .. version("v4.6.5", "five")).ok)

-- A clone of the older one, changed by that; what is found to be in the way, and what is known of it.
local count = 0
local function look(change)
	count = count + 1
	live = place .. "/live" .. count
	assert(shell(("git clone -q --branch v4.6.4 --single-branch file://%s/up %s 2>/dev/null; cd %s; %s")
		:format(place, live, live, change)).ok)
	local site = { first = "app1", hosts = { app1 = { env = {}, code = "4.6.4" } } }
	local s = { site = site, params = { target = "4.6.5" }, fleet = {}, all = function() return { "app1" } end, warn = function() end }
	code.look(s, site)
	local problems = code.git_problems(s, site)
	if #problems == 0 then problems = code.find_goal(s, site) end
	if #problems == 0 then problems = code.tree_problems(s, site) end
	return table.concat(problems, "\n"), s, site
end

local function has(what, text, words) same(what, text:find(words, 1, true) and words or text, words) end

same("nothing", (look ""), "")

-- ---- what git itself left there ----

local text = look "touch .git/index.lock"
has("a lock that was left", text, "app1: a lock of git's lies there (.git/index.lock, ")
has("a lock: the way on", text, "as mastodon in " .. live .. ": rm .git/index.lock")
gone = ".git/HEAD.lock"
same("a lock that goes away", (look "touch .git/HEAD.lock"), "")
gone = nil
has("what another user fetched", (look "git fetch -q; chmod a-w .git/FETCH_HEAD"), "app1: mastodon may not write here: ./.git/FETCH_HEAD")
has("what another user checked out", (look "chmod a-w .git/logs/HEAD"), "chown -R mastodon: '" .. place .. "/live" .. count .. "/.git/logs/HEAD'")
has("a merge that was left", (look "git checkout -qb ours; echo o >Rakefile; git commit -qam o; git fetch -q origin HEAD; git merge -q FETCH_HEAD; true"),
	"app1: a merge was begun in git there and not ended: end it, or as mastodon in " .. place .. "/live" .. count .. ": git merge --abort")
has("a rebase that was left", (look "git checkout -qb ours; echo o >Rakefile; git commit -qam o; git fetch -q origin HEAD; git rebase -q FETCH_HEAD; true"), "git rebase --abort")

-- ---- a disk that is read-only ----

if os.execute("unshare -Urm true 2>/dev/null") then
	readonly = true
	text = look ""
	readonly = false
	has("a disk that is read-only", text, "app1: " .. live .. " is mounted read-only now.")
	same("a disk that is read-only: no other advice", text:find("chown", 1, true), nil)
end

-- ---- somebody else at work ----

-- Runs in that folder until it is closed, and looks like that.
local function worker(name, words)
	local f <close> = assert(io.open(place .. "/" .. name, "w"))
	f:write "io.write 'x\\n' io.flush() io.read()"
	return assert(io.popen(("cd %s && exec lua5.4 %s/%s %s >%s/began"):format(q(live), place, name, words, place), "w"))
end
local function began()
	repeat
		local f = io.open(place .. "/began")
		local there = f and f:read "a" ~= ""
		if f then f:close() end
	until there
	os.remove(place .. "/began")
end
for _, case in ipairs { { "yarn", "install --immutable", true }, { "rails", "db:migrate", true }, { "rails", "db:migrate:status", false }, { "tootctl", "media remove", false } } do
	live = place .. "/live" .. count + 1
	os.execute("mkdir " .. q(live))
	local p = worker(case[1], case[2])
	began()
	text = look ""
	p:close()
	if case[3] then has(case[1] .. " " .. case[2], text, "app1: somebody works on the code there now") else same(case[1] .. " " .. case[2], text, "") end
end

-- ---- files that git was told not to look at ----

for _, flag in ipairs { "skip-worktree", "assume-unchanged" } do
	text = look("git update-index --" .. flag .. " Rakefile README; echo mine >Rakefile; echo mine >README")
	has(flag, text, "app1: these files were changed by hand, and v4.6.5 changes them, too, so git refuses; git was told not to look at them, and does not show it: Rakefile. ")
	has(flag .. ": the way on", text, "git update-index --no-skip-worktree --no-assume-unchanged -- 'Rakefile' && git stash push -- 'Rakefile'")
	same(flag .. ": README is not changed by it", text:find("README", 1, true), nil)
	assert(shell("git update-index --no-skip-worktree --no-assume-unchanged -- 'Rakefile' && git stash push -q -- 'Rakefile'", live).ok)
end
same("told not to look, and as it was", (look "git update-index --skip-worktree Rakefile"), "")

-- ---- the commit ----

local FIVE = trim(shell("git rev-parse 'v4.6.5^{commit}'", place .. "/up").out)
local function head() return trim(shell("git rev-parse HEAD", live).out) end

local _, _, site = look "git branch v4.6.5"
same("a branch of the tag's name", shell(code.checkout(site, "app1"), live).ok, true)
same("a branch of the tag's name: the tag's commit", head(), FIVE)
same("and it is known to be there", shell(code.is_there_cmd(site), live).ok, true)

_, _, site = look ""
local before = head()
assert(shell("echo six >Rakefile; git commit -q --amend -am v4.6.5; git tag -fam x v4.6.5 2>/dev/null", place .. "/up").ok)
same("a tag that was moved since", shell(code.checkout(site, "app1"), live).ok, false)
same("a tag that was moved since: nothing was checked out", head(), before)
local SIX = trim(shell("git rev-parse 'v4.6.5^{commit}'", place .. "/up").out)
has("a tag that was moved since: words", code.moved(nil, site, "app1") or "no words", "the tag v4.6.5 is another commit at origin now (" .. SIX:sub(1, 12))
_, _, site = look ""
same("as it was looked at", shell(code.checkout(site, "app1"), live).ok, true)
same("as it was looked at: no words", code.moved(nil, site, "app1"), nil)
verdict()
