-- install.lua - the new code's Ruby, gems, JavaScript and assets on one host. SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local versions = require "versions"
local M = {}

function M.has_ruby(s, host)
	return mastodon.read(s, host, ("test -x %s/versions/$(cat .ruby-version)/bin/ruby"):format(q(mastodon.rbenv(s))), { check = false }).ok
end

-- The last lines of what a failed command said.
local function ending(answer)
	local said, last = lines(answer.out .. "\n" .. answer.err), {}
	for i = math.max(1, #said - 3), #said do last[#last + 1] = said[i] end
	return table.concat(last, "\n")
end

function M.has_gems(s, host)
	return mastodon.read(s, host, "bundle check", { check = false }).ok
end

function M.bundle(s, host)
	local answer = mastodon.job(s, host, "bundle", "bundle install", { check = false })
	if answer.ok then return end
	if not (answer.out .. answer.err):find("charlock_holmes", 1, true) then
		fail("bundle install failed:\n" .. ending(answer))
	end
	s:warn(host .. ": charlock_holmes did not build; trying again with C++17, which new compilers need for it.")
	mastodon.job(s, host, "bundle-c17", "bundle install", { env = { BUNDLE_BUILD__CHARLOCK_HOLMES = "--with-cxxflags=-std=c++17" } })
end

-- That an install ended well is known by a note of the yarn.lock it was for.
local YARN_DONE = "test -d node_modules && sha256sum --status -c tmp/bellbook/yarn"

function M.yarn_is_done(s, host)
	return mastodon.read(s, host, YARN_DONE .. " 2>/dev/null", { check = false }).ok
end

function M.yarn(s, host, to)
	if M.yarn_is_done(s, host) then return end
	local modern = versions.compare(to.series, "4.3") >= 0
	if modern and not mastodon.read(s, host, "grep -q corepack \"$(readlink -f \"$(command -v yarn)\")\"", { check = false }).ok then
		mastodon.root_run(host, "PATH=/usr/local/bin:/usr/bin:/bin corepack enable")
	end
	local answer = mastodon.job(s, host, "yarn", ("yarn install %s && mkdir -p tmp/bellbook && sha256sum yarn.lock >tmp/bellbook/yarn")
		:format(modern and "--immutable" or "--frozen-lockfile"), { env = { COREPACK_ENABLE_DOWNLOAD_PROMPT = "0" }, check = false })
	if not answer.ok then
		fail(("yarn install failed:\n%s%s"):format(ending(answer), modern and "\nIf yarn is 1.x, run: corepack enable (as root)" or ""))
	end
end

local function mark(s, host)
	return trim(mastodon.read(s, host, "cat tmp/bellbook/assets 2>/dev/null || true").out)
end

function M.assets_are_built(s, host, to)
	return mark(s, host) == "built " .. to.tag and mastodon.read(s, host, "test -n \"$(ls public/packs)\"", { check = false }).ok
end

local function build(s, host, to, name)
	return mastodon.job(s, host, name, ("mkdir -p tmp/bellbook && echo begun %s >tmp/bellbook/assets && bundle exec rails assets:precompile")
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
		fail(("the assets could not be built:\n%s\nUsually that is too little memory: add swap (fallocate -l 4G /swap; chmod 600 /swap; mkswap /swap; "
			.. "swapon /swap), then try again. The next try clears the cache first."):format(ending(answer)))
	end
	mastodon.run(s, host, ("echo built %s >tmp/bellbook/assets"):format(to.tag))
end

return M
