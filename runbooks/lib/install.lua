-- install.lua - the new code's Ruby, gems, JavaScript and assets on one host. SPDX-License-Identifier: GPL-3.0-or-later
local code = require "code"
local mastodon = require "mastodon"
local pages = require "pages"
local reason = require "reason"
local runtime = require "runtime"
local versions = require "versions"
local M = {}

-- What .ruby-version of the target says.
function M.wanted_ruby(s, host)
	return s.site.goal and s.site.goal.ruby or trim(mastodon.read(s, host, "cat .ruby-version").out)
end

-- The Ruby of the target: the one that its .ruby-version names; where units run one of their own, any that its Gemfile bears.
function M.has_ruby(s, host)
	local h, goal = s.site.hosts[host], s.site.goal or {}
	if h.ruby_by.manager ~= "fixed" then return mastodon.read(s, host, runtime.has_cmd(h.ruby_by, M.wanted_ruby(s, host)), { check = false }).ok end
	local version = mastodon.read(s, host, "ruby -v", { check = false }).out:match("^ruby ([%d.]+)")
	return version ~= nil and runtime.in_range(versions.compare, version, goal.range)
end

function M.ruby(s, host)
	local h, goal, want = s.site.hosts[host], s.site.goal or {}, M.wanted_ruby(s, host)
	check(h.ruby_by.manager ~= "fixed", ("%s: its services run a Ruby that this runbook does not build; install one that fits (%s)"):format(host, goal.range or goal.ruby))
	local known = ("test -e %s/plugins/ruby-build/share/ruby-build/%s || ! test -e %s/plugins/ruby-build/.git"):format(q(h.ruby_by.root or ""), q(want), q(h.ruby_by.root or ""))
	local pull = h.ruby_by.manager == "rbenv" and not mastodon.read(s, host, known, { check = false }).ok
	mastodon.job(s, host, "ruby", runtime.install_cmd(h.ruby_by, want, pull))
end

function M.has_gems(s, host)
	return mastodon.read(s, host, "bundle check", { check = false }).ok
end

function M.bundle(s, host)
	local answer = mastodon.job(s, host, "bundle", "bundle install", { check = false })
	if answer.ok then return end
	if not (answer.out .. answer.err):find("charlock_holmes", 1, true) then
		fail(("%s: bundle install failed:\n  %s"):format(host, reason.words(s, host, answer)))
	end
	s:warn(host .. ": charlock_holmes did not build; trying again with C++17, which new compilers need for it.")
	mastodon.job(s, host, "bundle-c17", "bundle install", { env = { BUNDLE_BUILD__CHARLOCK_HOLMES = "--with-cxxflags=-std=c++17" } })
end

-- What lies there now: a note that something was done well holds it, and counts only while it is still so. Somebody may go back to
-- the old release by hand, and forward again: then node_modules and public/packs are the old one's, whatever was once noted.
-- yarn 2 and later leave .yarn-state.yml, yarn 1 .yarn-integrity; Vite's manifest is in .vite, Webpacker's beside the packs. The folder may be a link.
local FOUND = {
	yarn = "sha256sum yarn.lock package.json; sha256sum node_modules/.yarn-state.yml node_modules/.yarn-integrity 2>/dev/null; node --version",
	assets = "git rev-parse HEAD; ruby --version; node --version; sha256sum node_modules/.yarn-state.yml node_modules/.yarn-integrity 2>/dev/null; "
		.. "find public/packs/ -maxdepth 2 -name 'manifest*.json' -exec sha256sum {} + | sort",
}

local function note_cmd(what) return ("mkdir -p tmp/bellbook && { %s; } >tmp/bellbook/%s"):format(FOUND[what], what) end

local function is_as_noted(s, host, what, there)
	return mastodon.read(s, host, ("%s && { %s; } | cmp -s - tmp/bellbook/%s"):format(there, FOUND[what], what), { check = false }).ok
end

function M.yarn_is_done(s, host)
	return is_as_noted(s, host, "yarn", "test -d node_modules")
end

function M.yarn(s, host, to)
	if M.yarn_is_done(s, host) then return end
	local modern = versions.compare(to.series, "4.3") >= 0
	if modern and not mastodon.read(s, host, "grep -q corepack \"$(readlink -f \"$(command -v yarn)\")\"", { check = false }).ok then
		-- It links yarn beside itself: where Node.js belongs to Mastodon's user (nvm) as that one, else as root.
		local dir = trim(mastodon.read(s, host, [[d=$(dirname "$(command -v corepack)") && { [ ! -w "$d" ] || echo own; echo "$d"; }]], { check = false }).out)
		if dir:find("^own\n") then
			mastodon.run(s, host, "corepack enable")
		else
			mastodon.root_run(host, ("PATH=%s/usr/local/bin:/usr/bin:/bin corepack enable"):format(dir:find("^/opt/[%w/._+-]+$") and dir .. ":" or ""))
		end
	end
	local cmd = ("yarn install %s && %s"):format(modern and "--immutable" or "--frozen-lockfile", note_cmd "yarn")
	local answer = mastodon.job(s, host, "yarn", cmd, { env = { COREPACK_ENABLE_DOWNLOAD_PROMPT = "0" }, check = false })
	if not answer.ok then
		fail(("%s: yarn install failed:\n  %s"):format(host, reason.words(s, host, answer)))
	end
end

local function mark(s, host)
	return trim(mastodon.read(s, host, "cat tmp/bellbook/assets 2>/dev/null || true").out)
end

function M.assets_are_built(s, host, to)
	local commit = q(to.tag .. "^{commit}")
	local there = ([[test "$(git rev-parse HEAD)" = "$(git rev-parse -q --verify %s)" && ]]):format(commit)
		.. [[test -n "$(find public/packs/ -maxdepth 2 -name 'manifest*.json')"]]
	-- The manifest alone is no build: somebody may have removed old files, and the newest ones with them.
	return is_as_noted(s, host, "assets", there) and pages.build(s, host).missing == 0
end

local function build(s, host, to, name)
	return mastodon.job(s, host, name, code.umask(s.site, host) .. ("mkdir -p tmp/bellbook && echo begun %s >tmp/bellbook/assets && bundle exec rails assets:precompile")
		:format(to.tag), { check = false })
end

-- A failed build leaves a stamp with which the next one says “Everything's OK” and does nothing: then its cache must go.
function M.assets(s, host, to)
	if M.assets_are_built(s, host, to) then return end
	if mark(s, host):find("^begun") then mastodon.run(s, host, "bundle exec rails tmp:cache:clear") end
	local answer = build(s, host, to, "assets")
	if answer.ok and (answer.out .. answer.err):find("Everything's", 1, true) then
		s:warn(host .. ": it said that everything is built, perhaps after a failed try; clearing its cache and building again.")
		mastodon.run(s, host, "bundle exec rails tmp:cache:clear")
		answer = build(s, host, to, "assets-again")
	end
	if not answer.ok then
		fail(("%s: the assets could not be built:\n  %s\nThe next try clears the cache first."):format(host, reason.words(s, host, answer)))
	end
	mastodon.run(s, host, note_cmd "assets")
end

return M
