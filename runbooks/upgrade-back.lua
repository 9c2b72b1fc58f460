-- upgrade-back.lua - back to the release from before an upgrade, with or without its dump. SPDX-License-Identifier: GPL-3.0-or-later
local back = require "back"
local counted = require "counted"
local elsewhere = require "elsewhere"
local hosts = require "hosts"
local install = require "install"
local mastodon = require "mastodon"
local preflight = require "preflight"
local proof = require "proof"
local services = require "services"
local sidekiq = require "sidekiq"
local verify = require "verify"
local versions = require "versions"

runbook { id = "upgrade-back", bellbook = 1, title = "Go back to the release before an upgrade (bare metal)", window = "3h",
	about = [[
For an upgrade that this bellbook made and that does not hold. What it needs is in the record that the upgrade left beside its
dump: which release ran, its commit, the dump, when it was made. As long as the second part of the migration has not run, the
old code works with the database as it is: code, gems, yarn, assets, restart. After the second part only the dump leads back:
everything is stopped, nobody gets into the damaged database, the dump is restored beside it and takes its name; the damaged
one is kept. What was written since the dump is then lost here, and counted before you agree.]],
	params = {
		record = { type = "text", optional = true, pattern = "/[%w%._/-]+", ask = "Which record of an upgrade?",
			help = "A file before-….record on the first app host. Without one the newest of the backup folder is taken, when it is about what runs." },
		backup_dir = { type = "text", pattern = "/[%w%._/-]+", default = "/var/backups/mastodon", ask = "Where does the backup lie?",
			help = "The folder that the upgrade was given." },
		db_direct_port = { type = "integer", optional = true, min = 1, max = 65535, ask = "PostgreSQL's own port?",
			help = "As for the upgrade: leave it out, it is found." },
		db_direct_host = { type = "text", optional = true, pattern = "[%w%._:/-]+", ask = "PostgreSQL's own host?", help = "As for the upgrade." },
		drain = { type = "integer", min = 2, max = 86400, default = 600, ask = "How many seconds may Sidekiq take to finish its jobs?",
			help = "Then you are asked whether to wait on." },
		account = { type = "text", optional = true, pattern = "[%w_]+", ask = "Which local account is compared before and after?",
			help = "Its signing key must not change. Without a name, the server's contact account is taken." },
	},
	roles = { app = "1+" } }

local on_all, true_on_all = hosts.on_all, hosts.true_on_all

-- The release to go back to; its tag is what git knows it by: the commit, where that is not the tag's own.
local function old(s)
	local v = check(versions.parse(s.back.from), "the record's version is none: " .. tostring(s.back.from))
	v.tag = s.back.ref
	return v
end

local AGAIN = "Check the newer tag out again, and walk the upgrade again: it does what is missing."

local function code_is(s, host)
	return trim(mastodon.read(s, host, "git rev-parse HEAD").out) == s.back.commit
end

local function all_stopped(s) return true_on_all(s, function(host) return services.is_stopped(s, host) end) end

local function is_after(s) return s.back.after or "the second part of the migration has not run: the old code bears the database as it is" end

phase "Look before you touch"

observe "facts" { title = "What runs, and what does the record say?", gives = { "site", "back" }, timeout = "5m",
	about = [[Asks the hosts as the upgrade does, proves the database again, and reads what the upgrade wrote down.]],
	run = function(s)
		preflight.look(s)
		preflight.tell(s)
		preflight.demand_clocks(s)
		proof.database(s)
		local r = back.read(s, s.site)
		local astray = back.not_about(s.site, r)
		if astray then
			check(s.params.record, ("%s. Nothing was done. Name the record that is meant (record=FILE), also when it is this one: then only its dump leads back")
				:format(astray or ""))
			s:warn(astray .. ".")
		end
		local tag = versions.parse(r.from)
		-- A branch of the tag's name would be taken for it.
		local same = tag and trim(mastodon.read(s, s.site.first, ("git rev-parse -q --verify %s >/dev/null || git rev-parse -q --verify %s || true")
			:format(q("refs/heads/" .. tag.tag), q(tag.tag .. "^{commit}"))).out) == r.commit
		r.ref = same and tag.tag or r.commit
		local second = back.second_part(s, s.site, r)
		r.after = #second > 0
		s.back = r
		local when = trim(mastodon.read(s, s.site.first, ("date -u -d @%d '+%%F %%T UTC'"):format(tonumber(r.at))).out)
		s:note(("The record %s: from %s (%s) to %s; the dump is %s, made at %s."):format(r.file, r.from, r.commit:sub(1, 12), r.target, r.dump, when))
		if r.after then
			s:warn(("The second part of the migration has run (%s): only the dump leads back."):format(table.concat(second, ", ")))
		else
			s:note "The second part of the migration has not run: the database stays as it is, and nothing is lost."
		end
		local site = s.site
		back.leave_off(site, r)
		services.apply_off(site)
		if all_stopped(s) then
			s:warn "Nothing of Mastodon runs: the site is down until the step “Start the old web”."
		else
			services.ask_about_idle(s, site, "old")
		end
		s.site = site
		for _, text in ipairs(services.resting(s, site)) do s:note(text) end
	end }

observe "room" { title = "Is the dump whole, and is there room for two databases?", needs = { "site", "back" }, timeout = "2h",
	about = [[The whole dump is read. It is restored beside the damaged database, which is kept: both must have room.]],
	when = is_after,
	run = function(s)
		local r = s.back
		local whole = mastodon.read(s, s.site.first, ("test -s %s && pg_restore -f /dev/null %s"):format(q(r.dump), q(r.dump)), { check = false })
		check(whole.ok, ("%s:%s cannot be read whole: %s"):format(s.site.first, r.dump, trim(whole.err):sub(1, 300)))
		local newer = back.dump_has(s, s.site, r)
		check(#newer == 0, ("%s:%s was made when the second part had run already (%s), so it does not lead back to %s. An earlier record may: record=FILE")
			:format(s.site.first, r.dump, table.concat(newer, ", "), r.from))
		local problem = back.problem(s, s.site)
		check(not problem, problem)
		local with_db = elsewhere.db_hosts(s, s.site)
		for _, host in ipairs(with_db) do
			local at, wal, guessed = elsewhere.db_room(s, s.site, host)
			check(not at or at.kb > s.site.db_kb * 1.1, ("%s: %d MiB are free for PostgreSQL, and a second database of %d MiB is to lie beside the first, in %s")
				:format(host, (at or { kb = 0 }).kb // 1024, s.site.db_kb // 1024, (at or {}).mount))
			if wal and wal.kb < 1048576 then
				s:warn(("%s: PostgreSQL's WAL is on a file system of its own (%s) with %d MiB free. A restore writes much of it: look at it meanwhile."):format(host, wal.mount,
					wal.kb // 1024))
			end
			if guessed then
				s:warn(("%s: no PostgreSQL that listens on port %d was found there; %s."):format(host, s.site.db.server.port, at and "room was looked at in " .. guessed
					or "look yourself whether there is room"))
			end
		end
		if #with_db == 0 then s:warn(("Look yourself whether PostgreSQL has room for %d MiB more: no host has the role db, and it runs on no app host."):format(s.site.db_kb // 1024)) end
		s:warn("Lost when the dump takes the place, as of now: " .. back.since(s, s.site, r).words .. ".")
	end }

observe "before" { title = "Remember what must not change", needs = { "site", "back" }, gives = { "before" },
	about = [[The signing key of an account, the key of push notifications, the server's name: the same must be found afterwards. From
here on the site is asked from outside each second, as in the upgrade: refused and slow answers are counted, and told.]],
	run = function(s)
		s.before = verify.identity(s, s.site)
		if not back.complete(s, s.before, s.back) then
			s:warn "No web answers, and the record does not tell: whether signing key, server's name and the key of push notifications stay the same cannot be compared."
		end
		-- Members who came after the dump are lost with it, and were agreed to.
		if s.back.after then s.before.users, s.before.accounts = nil, nil end
		verify.watch(s)
	end }

phase "The old code"

-- Every web is there: one that hangs is not asked for its pages.
local function answers(s)
	for _, host in ipairs(mastodon.hosts_with(s, s.site, "web")) do
		if not mastodon.is_healthy(s, host) then return false end
	end
	return true
end

change "checkout" { title = "Check the old code out", needs = { "site", "back" }, uses = { "before" }, takes = "1m", timeout = "30m",
	why = "Everything that follows is done by the old release's own code.",
	meanwhile = "Until the web is started anew, a page that it has not shown yet may answer with error 500: do not stop here for long, and restart nothing by hand.",
	about = [[The commit that the record names, on every app host. A web that runs reads the templates of pages from disk, so each kind of page is
asked for before, where it answers, and looked at afterwards. Some (settings, moderation) only a member can ask for, and may answer with
error 500 until the web is started anew.]],
	back = AGAIN,
	run = function(s)
		local user = s.before and s.before.user or "admin"
		local warm = answers(s) and verify.warm(s, s.site, user)
		on_all(s, function(host)
			if not code_is(s, host) then mastodon.run(s, host, "git checkout " .. q(s.back.ref)) end
		end)
		local broken = warm and verify.broken(s, s.site, user, warm) or {}
		if #broken > 0 then s:warn(verify.broken_words(broken)) end
	end,
	done = function(s) return true_on_all(s, function(host) return code_is(s, host) end) end }

change "gems" { title = "Its Ruby and its gems", needs = { "site", "back" }, takes = "2m", timeout = "2h",
	why = "The old code needs exactly the versions in its Gemfile.lock; they usually lie there still.",
	about = [[Looks whether the old Ruby is there, and runs bundle install.]],
	back = AGAIN,
	run = function(s)
		on_all(s, function(host)
			check(install.has_ruby(s, host), host .. ": the old Ruby is gone. As Mastodon's user, in its folder: rbenv install -s; then try again")
			if not install.has_gems(s, host) then install.bundle(s, host) end
		end)
	end,
	done = function(s) return true_on_all(s, function(host) return code_is(s, host) and install.has_ruby(s, host) and install.has_gems(s, host) end) end }

change "yarn" { title = "Its JavaScript libraries", needs = { "site", "back" }, takes = "2m", timeout = "2h",
	why = "node_modules holds one release at a time.",
	about = [[yarn install of the old release.]],
	back = AGAIN,
	run = function(s) on_all(s, function(host) install.yarn(s, host, old(s)) end) end,
	done = function(s) return true_on_all(s, function(host) return code_is(s, host) and install.yarn_is_done(s, host) end) end }

change "assets" { title = "Its pages' assets", needs = { "site", "back" }, takes = "3m", timeout = "2h",
	why = "The manifest in public/packs is one release's: without this the old code shows pages without style, or none.",
	about = [[assets:precompile of the old release.]],
	back = AGAIN,
	run = function(s) on_all(s, function(host) install.assets(s, host, old(s)) end) end,
	done = function(s) return true_on_all(s, function(host) return install.assets_are_built(s, host, old(s)) end) end }

phase "The database"

change "stop" { title = "Stop everything", needs = { "site", "back" }, downtime = "begins", takes = "2m", timeout = "2h",
	why = "Nothing may write while the database is changed for the dump: it would be lost without being counted.",
	about = [[First the web, then streaming, then Sidekiq, whose jobs are waited for. From here on members see the proxy's error page. Where a full
stop was left, everything is stopped already: then nothing is done here, and the downtime is counted from here on.]],
	back = "Start the units again.",
	when = function(s)
		if all_stopped(s) then return true end
		return is_after(s)
	end,
	run = function(s)
		local first, last = services.stops(s, s.site, { "web", "streaming" }), services.stops(s, s.site, { "sidekiq" })
		services.stop(first)
		local all = {}
		for _, host in ipairs(s:all "app") do
			all[s.site.hosts[host].hostname] = math.huge
			if not services.is_stopped(s, host, "sidekiq") then sidekiq.quiet(s, s.site, host) end
		end
		sidekiq.drain(s, s.site, all, s.params.drain)
		services.stop(last)
	end,
	done = all_stopped }

local function fresh_name(s) return s.site.db.name .. "_restored" end
local function kept_name(s) return ("%s_damaged_%s"):format(s.site.db.name, s.site.stamp:lower()) end

-- What is lost, in words, once somebody typed how much that is.
local function agreed_loss(s)
	local lost = back.since(s, s.site, s.back)
	local typed = s:ask { type = "integer", text = ("How many posts of members are lost when the dump takes the place? Type the number: %d"):format(lost.own),
		details = "Written since the dump: " .. lost.words .. ". The damaged database is kept as " .. kept_name(s) .. "." }
	check(typed == lost.own, ("%s was typed, and it is %d: nothing was done"):format(tostring(typed), lost.own))
	return lost.words
end

irreversible "restore" { title = "Put the dump in the database's place", needs = { "site", "back" }, gives = { "kept" }, takes = "30m", timeout = "24h",
	target = "fleet.mastodon.domain", why = "The old code does not work with what the second part of the migration left.",
	about = [[What was written since the dump is counted once more, and you type how many posts of members that is. Then nobody gets
into the damaged database any more, and whoever of another user is in it is named: while somebody is, it cannot be renamed. The dump is
restored under another name, its last migration compared with the record, and the names are swapped. The damaged one is kept, also for
what may be copied out of it later. When it fails before that, the database is as it was, and open.]],
	back = "Stop everything; rename the two databases back (ALTER DATABASE … RENAME TO …; ALTER DATABASE … WITH ALLOW_CONNECTIONS true); newer code.",
	when = is_after,
	run = function(s)
		local site, r = s.site, s.back
		local open = back.sql(s, site, "postgres", ("SELECT datallowconn FROM pg_database WHERE datname = '%s'"):format(site.db.name:gsub("'", "''")))[1]
		check(open, "there is no database of that name now: look at psql -l; perhaps an earlier try was stopped between the two names")
		check(all_stopped(s), "something of Mastodon runs: stop it first (the step before)")
		if open == "t" then proof.still(s, site) end
		local lost = open == "t" and agreed_loss(s) or nil
		back.fenced(s, site, function()
			back.restore(s, site, r, fresh_name(s))
			back.swap(s, site, fresh_name(s), kept_name(s))
		end)
		s.kept = kept_name(s)
		if lost then s:note(("Lost with the dump in its place, and only in the database that is kept: %s."):format(lost)) end
		s:note(("The damaged database is kept as %s. When nobody needs it any more: DROP DATABASE \"%s\"."):format(s.kept, s.kept))
	end,
	done = function(s)
		if not back.exists(s, s.site, kept_name(s)) or back.exists(s, s.site, fresh_name(s)) then return false end
		return mastodon.sql(s, s.site, "SELECT max(version::bigint) FROM schema_migrations")[1] == s.back.schema
	end }

local function jobs_left(s)
	local state, waiting = sidekiq.look(s, s.site), 0
	for _, queue in ipairs(state.queues) do waiting = waiting + queue.size end
	return waiting, state.retry, state
end

change "redis" { title = "What Redis still holds", needs = { "site", "back" }, takes = "1m",
	why = "Its jobs and home timelines are of the newer database.",
	about = [[Waiting jobs may be about posts that are no more: such a job ends by itself and does nothing. Others are about posts that
are there, deliveries to other servers among them: to keep them is usual. Home timelines skip posts that are no more. Numbers of posts
are given by time, so that none is given twice.]],
	back = "Nothing to undo when it is kept; the copy redis-before-….rdb of the backup has what was there at the upgrade.",
	when = function(s)
		if not s.back.after then return is_after(s) end
		local waiting, retry = jobs_left(s)
		return waiting + retry > 0 or "no job waits, and none is to be tried again"
	end,
	run = function(s)
		local waiting, retry, state = jobs_left(s)
		local answer = s:ask { type = "choice", text = ("%s, and %d to be tried again. Keep them?"):format(counted(waiting, "job waits", "jobs wait"), retry), default = "keep",
			choices = { { value = "keep", label = "Keep them", help = "Usual. A job about a post that is no more does nothing." },
				{ value = "drop", label = "Throw them away", help = "Nothing of them is delivered. Only when they do harm." } } }
		s.redis_decided = answer
		if answer == "drop" then
			local names = { "retry" }
			for _, queue in ipairs(state.queues) do names[#names + 1] = "queue:" .. queue.name end
			for i, name in ipairs(names) do names[i] = q(s.site.redis.prefix .. name) end
			mastodon.run(s, s.site.first, mastodon.redis(s.site, "DEL " .. table.concat(names, " ")))
			s:note(("Thrown away: %s that waited, and %d that were to be tried again."):format(counted(waiting, "job"), retry))
		end
	end,
	done = function(s) return s.redis_decided ~= nil end, gives = { "redis_decided" } }

phase "Change over"

change "web" { title = "Start the old web", needs = { "site", "back" }, gives = { "restarted" }, downtime = "ends", refuses = "10s", takes = "3m", timeout = "15m",
	why = "From here on members get the old release again.",
	about = [[One host after the other; while one boots it refuses requests (502), for 6 to 10 s on a fast machine. It is restarted also where
the old one still runs: it may hold templates of the newer release. Then the cache is cleared, Mastodon's own and what nginx keeps, on
the app hosts and those of the role proxy: both tell the newer release.]],
	back = "Walk the upgrade again.",
	run = function(s)
		services.restart_web(s, s.site, "restart")
		mastodon.run(s, s.site.first, "bin/tootctl cache clear")
		elsewhere.clear_caches(s)
		s.restarted = true
	end,
	done = function(s)
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "web")) do
			if not verify.web_is(s, host, s.back.from) then return false end
		end
		return true
	end }

local function sidekiq_is_old(s)
	local state, since = sidekiq.look(s, s.site), sidekiq.coded_since(s, s.site)
	for _, host in ipairs(mastodon.hosts_with(s, s.site, "sidekiq")) do
		if not sidekiq.is_renewed(state, s.site.hosts[host].hostname, since) then return false end
	end
	return true
end

change "sidekiq" { title = "Start the old Sidekiq", needs = { "site", "back" }, takes = "2m", timeout = "2h",
	why = "The newer one's jobs and the old database do not belong together.",
	about = [[Where it runs, its jobs are waited for first.]],
	back = "Walk the upgrade again.",
	run = function(s)
		local with_it, all, waking = mastodon.hosts_with(s, s.site, "sidekiq"), {}, {}
		for _, host in ipairs(with_it) do waking[host] = services.waking(host, mastodon.units(s.site, host, "sidekiq")) end
		for _, host in ipairs(with_it) do
			all[s.site.hosts[host].hostname] = math.huge
			if not services.is_stopped(s, host, "sidekiq") then sidekiq.quiet(s, s.site, host) end
		end
		sidekiq.drain(s, s.site, all, s.params.drain)
		each(with_it, function(host)
			services.restart(host, mastodon.units(s.site, host, "sidekiq"), waking[host])
		end)
		retry({ times = 90, every = "1s", waiting = "for the old Sidekiq to show in Redis", what = "the old Sidekiq processes are not all there (journalctl -u 'mastodon-sidekiq*' shows why)" },
			function() return sidekiq_is_old(s) end)
	end,
	done = function(s) return sidekiq_is_old(s) end }

change "streaming" { title = "Start the old streaming", needs = { "site", "back" }, takes = "1m", timeout = "10m",
	why = "It must speak as the old web does.",
	about = [[Open pages and apps lose their connection and come back at once.]],
	back = "Walk the upgrade again.",
	run = function(s) services.restart_streaming(s, s.site) end,
	done = function(s)
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "streaming")) do
			if not services.streaming_is_new(s, host, mastodon.code_since(s, host)) then return false end
		end
		return true
	end }

phase "Does it work?"

observe "check" { title = "Look from inside", needs = { "site", "back", "before" }, uses = { "restarted" }, timeout = "5m",
	about = [[The web answers with the old version and reaches database and Redis; streaming answers; the server is who it was.]],
	run = function(s)
		local problems = verify.identity_problems(s.before, verify.identity(s, s.site))
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "web")) do
			for _, one in ipairs(verify.web_problems(s, host, s.back.from)) do problems[#problems + 1] = one end
		end
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "streaming")) do
			for _, one in ipairs(verify.streaming_problems(s, host)) do problems[#problems + 1] = one end
		end
		check(#problems == 0, "Not everything works:\n- " .. table.concat(problems, "\n- "))
		if s.back.after then s:note "Home timelines are mended by themselves; `tootctl feeds build` does it at once." end
	end }
