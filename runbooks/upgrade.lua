-- upgrade.lua - a new minor or patch release on a bare-metal Mastodon server. SPDX-License-Identifier: GPL-3.0-or-later
local back = require "back"
local backup = require "backup"
local code = require "code"
local compare = require "compare"
local copies = require "copies"
local elsewhere = require "elsewhere"
local hosts = require "hosts"
local install = require "install"
local mastodon = require "mastodon"
local migration = require "migration"
local pages = require "pages"
local preflight = require "preflight"
local proof = require "proof"
local renew = require "renew"
local replicas = require "replicas"
local runtime = require "runtime"
local services = require "services"
local sidekiq = require "sidekiq"
local sorted = require "sorted"
local verify = require "verify"
local versions = require "versions"
local watch = require "watch"

runbook { id = "upgrade", bellbook = 1, title = "Upgrade Mastodon (bare metal)", window = "3h",
	about = [[
Brings a Mastodon server that was installed after the official guide (git, systemd, Ruby of rbenv; asdf, mise or a Ruby of
the system will do) to a newer release: a patch (4.5.9 to 4.5.15) or the next series (4.5 to 4.6). A fork goes to its own
tags and branches. It looks first and changes nothing until everything that must hold does
hold; then it makes a backup and proves that it can be read; puts the new code beside the running one; migrates the
database in two parts; restarts; looks from inside and outside; and only then does the part that cannot be undone.
In the way called two-phase the web is restarted once: for 6 to 10 s requests are refused, and they are counted from outside.
When a reload is enough, nobody is refused, and requests wait for up to 14 s. Every step can be repeated: one whose work is done
does nothing again.]],
	params = {
		target = { type = "text", later = true, pattern = "%w[%w%._+/-]*", ask = "Which version do you upgrade to?",
			help = "A release as its notes name it, like 4.6.5. Patches may be skipped, series (4.5, 4.6) may not. For a fork, a tag or a branch of it; "
				.. "for commits of your own, the branch that carries them. Leave it out to be asked once the server was looked at, with the releases to choose from." },
		way = { type = "choice", choices = { "two-phase", "full-stop" }, default = "two-phase", ask = "Keep the site up, or stop it?",
			help = "two-phase: the site stays up but for the restart of the web (6 to 10 s of refused requests); the database is migrated before and after the restart. "
				.. "full-stop: everything is stopped, migrated in one go, and started; slower for members, simpler, and needed "
				.. "for very old databases." },
		backup_dir = { type = "text", pattern = "/[%w%._/-]+", default = "/var/backups/mastodon", ask = "Where shall the backup lie?",
			help = "A folder on the first app host, with room for a dump of the database. It is made when it is not there." },
		copy_to = { type = "text", later = true, pattern = "[%w%._:/-]+", ask = "Where shall a copy of the backup go?",
			help = "A folder of this computer, or HOST:/FOLDER of a host of the fleet. Leave it out to be asked once the backup is there, and to copy by hand." },
		db_direct_port = { type = "integer", optional = true, min = 1, max = 65535, ask = "PostgreSQL's own port?",
			help = "Leave it out: the port of the settings is taken, and behind a PgBouncer PostgreSQL itself is asked for its own. Give it where that is "
				.. "not reached." },
		db_direct_host = { type = "text", optional = true, pattern = "[%w%._:/-]+", ask = "PostgreSQL's own host?",
			help = "Only when PgBouncer runs on another host than PostgreSQL; else DB_HOST of .env.production is right." },
		drain = { type = "integer", min = 2, max = 86400, default = 600, ask = "How many seconds may Sidekiq take to finish its jobs?",
			help = "Then you are asked whether to wait on." },
		lock_wait = { type = "integer", min = 0, max = 600, default = 5, ask = "How many seconds may a migration wait for a lock?",
			help = "While it waits, members wait behind it. Then it gives way and is tried again, where that is safe: outside of a transaction "
				.. "(indexes built beside the writers) it always waits. 0 = as long as it takes." },
		account = { type = "text", optional = true, pattern = "[%w_]+", ask = "Which local account is compared before and after?",
			help = "Its signing key must not change. Without a name, the server's contact account is taken." },
	},
	way_back = { runbook = "upgrade-back", with = { "record", "backup_dir", "db_direct_port", "db_direct_host", "drain", "account" },
		open = "as long as the record and the dump lie in the backup folder; once the second part of the migration has run, "
			.. "what was written since the dump is lost by it, and counted before you agree" },
	roles = { app = "1+" } }

local true_on_all = hosts.true_on_all

-- The same for changes: when it fails on one host, that is said at once, while the others are still at work.
local function do_on_all(s, fn) return hosts.each(s, s:all "app", fn) end

-- What the step “way” found, as versions.parse gives it; tag is what git finds it by.
local function target(s)
	local goal = s.site.goal
	if not goal or goal.asked ~= code.wanted(s, s.site) then
		return check(versions.parse(code.wanted(s, s.site) or ""), "what the target is was not looked at: repeat the step “May we go from here to there?”")
	end
	local v = versions.parse(goal.version)
	v.tag = goal.checkout
	return v
end
local function from(s) return check(versions.parse(s.site.from), ("the web says that it runs “%s”, which is no version"):format(tostring(s.site.from))) end

-- What is to be known at this step on this way.
local function tell(s, step)
	for _, text in ipairs(versions.texts_for(from(s), target(s), step, s.site)) do s:note(text) end
end

-- Fails with everything that is wrong at once, so that it can be mended in one go.
local function demand(problems, what)
	if #problems > 0 then fail(("%s\n- %s"):format(what, table.concat(problems, "\n- "))) end
end

-- As demand, but where the step it checks was not run (a dry run, a step skipped), it only warns.
local function demand_after(s, happened, problems, what)
	if happened then return demand(problems, what) end
	if #problems > 0 then s:warn(("Not upgraded in this walk, so only said: %s"):format(table.concat(problems, "; "))) end
end

-- Whether what is migrated gets to the replicas.
local function tell_of_replicas(s)
	local notes, warnings = replicas.look(s, s.site)
	for _, text in ipairs(notes) do s:note(text) end
	for _, text in ipairs(warnings) do s:warn(text .. ".") end
end

local function code_is(s, host)
	target(s)	-- fails when it was not looked at
	return mastodon.read(s, host, code.is_there_cmd(s.site), { check = false }).ok
end

-- As sidekiq.coded_since, and knows the tables as the last run of migrations left them.
local function fresh_since(s)
	local changed, since = mastodon.migrated_since(s, s.site), sidekiq.coded_since(s, s.site)
	for name, at in pairs(since) do since[name] = math.max(at, changed) end
	return since
end

-- Hosts whose Sidekiq is still an old one, or quiet, or not there.
local function old_sidekiq_hosts(s, since)
	sidekiq.bury(s, s.site)
	local state, list = sidekiq.look(s, s.site), {}
	for _, host in ipairs(mastodon.hosts_with(s, s.site, "sidekiq")) do
		if not sidekiq.is_renewed(state, s.site.hosts[host].hostname, since) then list[#list + 1] = host end
	end
	return list
end

-- Web and Sidekiq of every host were started since the last run of migrations ended. coded: and Sidekiq since the code came there.
local function all_know_tables(s, coded)
	local changed, sidekiqs = mastodon.migrated_since(s, s.site), {}
	for _, host in ipairs(s:all "app") do sidekiqs[s.site.hosts[host].hostname] = changed end
	if #old_sidekiq_hosts(s, coded and fresh_since(s) or sidekiqs) > 0 then return false end
	local since = math.floor(changed)
	for _, host in ipairs(mastodon.hosts_with(s, s.site, "web")) do
		if not services.has_booted(host, mastodon.units(s.site, host, "web"), since) or not mastodon.is_healthy(s, host) then return false end
	end
	return true
end

-- That version runs and nothing is left to migrate; does something of its upgrade lie undone all the same? Known where a walk migrated, or left a record.
local function is_unended(s, b)
	if mastodon.migrated_since(s, s.site) > 0 and not all_know_tables(s) then return true end
	if not back.begun_before(s, s.site, b.text) then return false end
	if #old_sidekiq_hosts(s, sidekiq.coded_since(s, s.site)) > 0 then return true end
	for _, host in ipairs(mastodon.hosts_with(s, s.site, "web")) do
		if not verify.web_is(s, host, b.text) then return true end
	end
	return false
end

phase "Look before you touch"

observe "facts" { title = "What runs, and where?", gives = { "site" }, timeout = "5m",
	about = [[Asks every app host for its code, programs, settings and services, and Redis and PostgreSQL for theirs. Of
passwords and keys only is noted whether they are set, and a digest, to see whether the hosts agree. Nothing begins before it
is proven that this database is the one that the running web uses (by the sockets that its processes hold, and by Rails'
own word), and that Redis knows the Sidekiq that runs.]],
	run = function(s)
		preflight.look(s)
		preflight.tell(s)
		preflight.demand_clocks(s)
		proof.database(s)
		proof.redis(s)
		for _, text in ipairs(elsewhere.words(s, s.site)) do s:note(text) end
	end }

observe "services" { title = "Do all services run and answer?", needs = { "site" }, gives = { "site" }, timeout = "5m",
	about = [[What counts is a unit that is active or enabled, whatever its name; one that is switched off stays off. Every process is
matched to its unit, and every place where one listens is asked. A site that does not work now is mended before it is upgraded.]],
	run = function(s)
		preflight.look(s)
		for _, text in ipairs(services.resting(s, s.site)) do s:note(text) end
		local site = s.site
		services.ask_about_idle(s, site)
		s.site = site
		local problems = services.strays(s, site)
		for i, text in ipairs(problems) do
			problems[i] = text .. ": this runbook could neither stop nor restart it, and it would go on with the old code. Stop it, or make it a unit"
		end
		for _, text in ipairs(services.problems(s, site)) do problems[#problems + 1] = text end
		for _, text in ipairs(sidekiq.unknown_problems(s, site)) do problems[#problems + 1] = text end
		demand(problems, "Not everything runs as it should; nothing was changed:")
	end }

-- What is to be known of the target before anything else.
local function tell_of_goal(s, a, b)
	local goal = s.site.goal
	for _, v in ipairs { a, b } do
		local text = versions.no_release(v)
		if text then s:warn(text .. ".") end
	end
	if goal.kind ~= "tag" then
		s:note(("%s is a branch%s: commit %s, which says that it is %s. That commit is meant from now on, whatever comes to the branch later.")
			:format(goal.asked, goal.kind == "local" and " of the host's own" or " at " .. goal.remote, goal.commit:sub(1, 12), goal.version))
	end
	-- What the server itself has heard of, too: a mirror's tags may be old.
	local known = table.move(goal.tags, 1, #goal.tags, 1, {})
	for _, name in ipairs(preflight.updates(s, s.site)) do known[#known + 1] = "v" .. name:match("^%S*") end
	local newer, own = versions.newer_patch(b, known), code.goal_is_vanilla(goal)
	local tag = newer and own and newer.text or not own and versions.newer_of_fork(goal.name, goal.tags)
	if tag then
		s:warn(("%s is out, and patches mend security holes: unless you mean %s, stop here and start again with target=%s."):format(tag, goal.asked, tag))
	elseif newer then
		s:warn(("Mastodon's makers have released %s, and patches mend security holes; what this fork has of it, only its makers can say."):format(newer.text))
	end
	-- What to compare the new release with: the code that lies there, when it is the one that runs.
	local git = s.site.hosts[s.site.first].git
	local lies = versions.parse(git.version or "")
	if lies and lies.text == a.text and git.head ~= s.site.hosts[s.site.first].tree.commit then s.site.old = git.head end
end

-- why: what the session ends with when somebody stops it here.
local function stop_here(s, text, details, go, why)
	s:ask { type = "choice", text = text, details = details, default = "stop",
		choices = { { value = "stop", label = "Stop here", help = "The session ends. Nothing was changed.", stops = why }, { value = "go", label = go } } }
end

-- What a person may not have meant: a version that runs already, a fork that becomes what it was made from, commits that would vanish.
local function ask_whether_wanted(s, a, b)
	local site = s.site
	if a.text == b.text then
		local open, others = mastodon.down(s, site), {}
		for _, host in ipairs(s:all "app") do
			if site.hosts[host].git.head ~= site.hosts[host].tree.commit then others[#others + 1] = host end
		end
		if #others > 0 then s:note(("The version is the same, but the code on %s is another one than %s."):format(table.concat(others, ", "), site.goal.asked)) end
		if #open > 0 then s:note(("%s runs, but %d of its migrations are not done: its upgrade was not ended."):format(a.full, #open)) end
		site.unended = #others == 0 and #open == 0 and is_unended(s, b)
		if site.unended then
			s:warn(("%s runs and its migrations are done, but not every process was started since, and works: one from before has the old code, or remembers the tables as "
				.. "they were. Its upgrade was not ended."):format(a.full))
		end
		if #others == 0 and #open == 0 and not site.unended then
			stop_here(s, ("%s runs already: there is nothing to do. Go through all of it once more?"):format(b.full),
				"Its code lies on every host, and no migration is open. Going on makes a backup, builds what is not as it was built, and restarts everything once.",
				"Go through it once more", ("%s runs already: nothing to do, and nothing was changed"):format(b.full))
			site.again = true
		end
	end
	local signs = code.fork_signs(s, site)
	if #signs > 0 and code.goal_is_vanilla(site.goal) then
		s:warn(("This server runs a fork of Mastodon: %s. %s is a release of Mastodon's own makers."):format(table.concat(signs, "; "), site.goal.name))
		stop_here(s, ("Replace the fork by Mastodon's own %s?"):format(b.text), "What the fork added is gone then (themes, settings, longer posts), and its migrations "
			.. "stay in the database. To stay with the fork, start again with a tag or branch of it as target.", "Yes, leave the fork",
			"the fork stays; start again with a tag or branch of it as target. Nothing was changed")
	elseif #signs > 0 then
		s:note("A fork: " .. table.concat(signs, "; ") .. ".")
	end
	for host, missing in sorted(code.left_behind(s, site) or {}) do
		local commands, name = code.carry_commands(s, site, host)
		s:warn(("%s: commits of your own on %s are not in %s, so they would no longer run:\n%s"):format(host, site.hosts[host].git.branch ~= "" and
			site.hosts[host].git.branch or "the code there", site.goal.asked, table.concat(missing, "\n")))
		local how = ("To carry them, beside the folder of the code so that nothing that runs is touched, as %s on %s:\n%s\nThen start again with target=%s. "
			.. "A conflict is solved there, as git says."):format(mastodon.user(s), host, table.concat(commands, "\n"), name)
		s:note(("Commits of your own on %s. %s"):format(host, how))
		stop_here(s, ("%s: leave commits of your own behind (%d)?"):format(host, #missing), how, "Leave them; they stay in git",
			("commits of your own would be left behind on %s; its note says how to carry them. Then start again with target=%s. Nothing was changed"):format(host, name))
	end
end

-- Which version is meant, where the walk was not started with one: asked with what can be had from here.
local function ask_target(s, site)
	if s.params.target then return end
	local tags, where = code.releases(s, site)
	local a, signs = from(s), code.fork_signs(s, site)
	local offers, beyond = versions.offers(a, tags or {})
	local text, default = {}, nil
	local function add(line, ...) text[#text + 1] = line:format(...) end
	if not tags then
		add("Which releases there are could not be asked: %s", where)
	elseif #signs > 0 then
		add("This server runs a fork (%s). The newest tags at %s: %s.", table.concat(signs, "; "), where, table.concat(tags, ", ", math.max(1, #tags - 5)))
	else
		if #offers == 0 then add("Nothing newer than %s can be gone to with what %s has; its newest is %s.", a.full, where, tags[#tags]) end
		for _, one in ipairs(offers) do add("- %s: %s", one.text, one.words) end
		if beyond then add("%s is out, too, and the way to it leads over what stands above.", beyond.text) end
		default = offers[1] and offers[1].text
	end
	add("Type one of them, or another release as its notes name it%s. Nothing is changed by the answer: it is looked at first.", #signs > 0 and ", or a branch" or "")
	site.wanted = trim(s:ask { type = "text", text = ("Which version do you upgrade to? %s runs%s"):format(a.full, default and (", the newest that it can go to is %s."):format(default) or "."),
		details = table.concat(text, "\n"), default = default })
	check(site.wanted:find("^%w[%w%._+/-]*$"), ("“%s” is no version: type it as the release notes name it, like 4.6.5"):format(site.wanted))
end

observe "way" { title = "May we go from here to there?", needs = { "site" }, gives = { "site" }, timeout = "20m",
	about = [[One release of every series must have run, because each brings the database one step on. Also whether git can
bring the new code to every host, what it is, and whether a fork or commits of your own would be lost. The release notes
of every version on the way are listed: read them, they may ask for more than this runbook knows.]],
	run = function(s)
		local site = s.site
		code.look(s, site)
		demand(code.git_problems(s, site), "New code could not be fetched; nothing was changed:")
		ask_target(s, site)
		s.site = site
		local typed = versions.parse(code.wanted(s, site))
		if typed and typed.full == typed[1] .. "." .. typed[2] .. "." .. typed[3] then demand({ versions.closed(from(s), typed) }, "This way is closed:") end
		demand(code.find_goal(s, site), "The new code cannot be had; nothing was changed:")
		local a, b = from(s), target(s)
		demand({ versions.closed(a, b) }, "This way is closed:")
		if s.params.way == "two-phase" then demand({ versions.no_two_phase(b, site.schema) }, "Two phases cannot be:") end
		s:note(("From %s to %s: %s."):format(a.full, b.full, a.text == b.text and "that version runs already" or a.series == b.series and "a patch" or "a new series"))
		tell_of_goal(s, a, b)
		ask_whether_wanted(s, a, b)
		for _, tag in ipairs(preflight.tags_between(site, a, b)) do
			s:note("Release notes: https://github.com/mastodon/mastodon/releases/tag/" .. tag)
		end
		s.site = site
	end }

observe "programs" { title = "Are the programs new enough?", needs = { "site" }, gives = { "site" },
	about = [[Node.js, libvips, FFmpeg and corepack of every app host, PostgreSQL, Redis and the programs that save them,
against the table of the releases. Whether the Ruby that the release names is there or can be built, for the Ruby that the
services really run. Also memory and disk: building the assets dies without a word on a small machine.]],
	run = function(s)
		preflight.look(s)
		local problems = versions.server_problems(from(s), target(s), s.site)
		for _, text in ipairs(preflight.dump_problems(s, s.site)) do problems[#problems + 1] = text end
		local function look(host, cmd, extra) return mastodon.read(s, host, cmd, extra) end
		for _, host in ipairs(s:all "app") do
			local h, goal = s.site.hosts[host], s.site.goal or {}
			if (h.tools or ""):find(" curl", 1, true) then problems[#problems + 1] = host .. ": curl is not installed, with which its services are asked (apt install curl)" end
			preflight.look_for_vips(s, host, h)
			if h.vips == "?" then s:warn(host .. ": libvips is there, but nothing tells its version; 4.6 and newer want at least 8.13") end
			local ffmpeg = versions.series[target(s).series].ffmpeg
			if h.ffmpeg == "?" and ffmpeg then s:warn(("%s: FFmpeg is there, but tells no number as its version; at least %s is wanted"):format(host, ffmpeg)) end
			for _, text in ipairs(versions.host_problems(target(s), h)) do problems[#problems + 1] = host .. ": " .. text end
			local text = goal.ruby and runtime.ruby_problem(look, versions.compare, host, h, goal.ruby, goal.range)
			if text then problems[#problems + 1] = host .. ": " .. text end
			s:note(("%s: the services run %s%s."):format(host, h.ruby_by.program or "Ruby", h.ruby_by.manager ~= "fixed" and " of " .. h.ruby_by.manager or ""))
		end
		demand(problems, "These must be mended before anything else; nothing was changed:")
		for _, text in ipairs(preflight.room_warnings(s, s.site)) do s:warn(text) end
		local refused = preflight.sync_refused(s, s.site)
		if refused then s:warn("Redis gives no copy of itself (" .. refused .. "), so none will lie in the backup: queued jobs and home timelines are not saved.") end
		local room = preflight.room_problems(s, s.site)
		for _, host in ipairs(s:all "app") do
			local full, little = elsewhere.room(s, host)
			for _, text in ipairs(full) do room[#room + 1] = text end
			for _, text in ipairs(little) do s:warn(text) end
		end
		demand(room, "There is not room enough:")
	end }

observe "gates" { title = "What this release wants from the settings", needs = { "site" }, gives = { "site" },
	about = [[Each series changed something that a server must have ready before: keys, variables that are gone, queues that
are new. What the new release is known to trip over is checked here, while nothing is changed yet.]],
	run = function(s)
		preflight.look(s)
		local problems = {}
		local differ, remarks = compare.judge(s:all "app", compare.look(s), versions.compare(from(s).series, "4.4") < 0)
		for _, text in ipairs(differ) do problems[#problems + 1] = text end
		for _, text in ipairs(remarks) do s:warn(text .. "; is that meant?") end
		for _, gate in ipairs(versions.gates) do problems[#problems + 1] = gate(from(s), target(s), s.site) end
		demand(problems, "The settings are not ready; nothing was changed:")
		tell(s, "gates")
	end }

observe "tree" { title = "Is anything in the way of the new code?", needs = { "site" }, gives = { "site" },
	about = [[Files of your own (a theme, a dump) stay where they are, unless the new release brings one of the same name. Files
of Mastodon's that were changed by hand are in git's way only where the new release changes them, too. And everything must
be writable for Mastodon's user.]],
	run = function(s)
		preflight.look(s)
		local site = s.site
		code.look(s, site)
		demand(code.git_problems(s, site), "git does not work:")
		demand(code.probe(s, site), "The new code cannot be had:")
		s.site = site
		local problems, notes = code.tree_problems(s, site)
		for _, text in ipairs(notes) do s:note(text) end
		for _, host in ipairs(s:all "app") do
			local h = s.site.hosts[host]
			if h.env_mode ~= "600" and h.env_mode ~= "640" then
				s:warn(("%s: .env.production can be read by others (mode %s); chmod 600 it"):format(host, h.env_mode))
			end
		end
		demand(problems, "git would refuse, or something would be lost; nothing was changed:")
	end }

observe "database" { title = "Is the database healthy?", needs = { "site" }, timeout = "2h",
	about = [[Four looks. Whether the port for migrations leads to PostgreSQL itself and not to PgBouncer, where Rails loses
its lock. Whether an interrupted migration left an invalid index. Whether replicas follow. And before 4.7, whether unique indexes are whole: after
an upgrade of the operating system's C library old indexes can be silently wrong, and 4.7 fails on the double accounts
they let in. The last look reads the indexes and locks nobody out; on a big server it takes a while.]],
	run = function(s)
		proof.still(s, s.site)
		local invalid = mastodon.invalid_indexes(s, s.site)
		demand(invalid, "These indexes are invalid: an earlier migration was interrupted. Drop each (DROP INDEX CONCURRENTLY name) when you know "
			.. "which migration makes it, and run that one again:")
		for _, text in ipairs(preflight.schema_warnings(s, s.site)) do s:warn(text) end
		tell_of_replicas(s)
		preflight.index_check(s, s.site, target(s), from(s))
		local long = mastodon.sql(s, s.site, "SELECT pid, usename, date_trunc('second', now() - xact_start) FROM pg_stat_activity "
			.. "WHERE xact_start < now() - interval '10 minutes' AND datname = current_database()")
		for _, row in ipairs(long) do s:warn("An old transaction (pid|user|age " .. row .. ") would make index building wait for its end") end
	end }

observe "queues" { title = "Is Sidekiq keeping up?", needs = { "site" },
	about = [[Sidekiq does the work behind the pages. Its queues should be short before an upgrade, and only hosts that this
runbook knows may run one: a worker forgotten on another machine would go on with the old code.]],
	run = function(s)
		local state = sidekiq.look(s, s.site)
		local strangers = sidekiq.strangers(s, s.site, state)
		demand(strangers, "Sidekiq runs on hosts that the fleet file does not know. Stop it there, or add the host to the role app:")
		for _, queue in ipairs(state.queues) do
			if queue.latency > 300 then
				s:warn(("The queue %s is %d s behind (%d jobs): perhaps wait until it is empty"):format(queue.name, queue.latency, queue.size))
			end
		end
		for _, p in ipairs(state.processes) do
			local host = sidekiq.host_of(s.site, p)
			if p.quiet then
				s:warn(("Sidekiq on %s (pid %d) takes no jobs, as it was told to be quiet: they wait until it is started anew. %s"):format(host, p.pid,
					s.site.hosts[host].code == from(s).text and "That can be done at once, as the code that lies there is the one that runs: systemctl restart its unit"
					or "By hand it would run the code that lies there, another one than the web's: this walk does it in “Restart Sidekiq”, upgrade-back with the old code"))
			end
		end
		if #state.processes == 0 then
			s:warn "No Sidekiq process runs now."
		else
			-- Who has no list of its own serves what the code names once it was started anew, which this walk does.
			local comes = not s.site.own_lists and sidekiq.any_older(state, sidekiq.coded_since(s, s.site))
			local missing = sidekiq.unserved(state, versions.compare(from(s).series, "4.4") >= 0 and not comes)
			check(#missing == 0, "no Sidekiq process serves the queues " .. table.concat(missing, ", ") .. ": their jobs wait for ever. Add them to a unit's "
				.. "ExecStart (-q NAME), run systemctl daemon-reload and restart that unit")
			local schedulers = sidekiq.served(state).scheduler or 0
			if schedulers > 1 then s:warn(("%d Sidekiq processes serve the queue “scheduler”; Mastodon wants exactly one."):format(schedulers)) end
		end
		s:note(("Sidekiq processes: %d; jobs that wait to be tried again: %d."):format(#state.processes, state.retry))
		local killed = preflight.killed_early(s, s.site)
		if #killed > 0 then
			s:note(("A stop kills these units before Sidekiq's 25 s are over, with the jobs they run: %s. This runbook waits for the jobs; for other "
				.. "times a drop-in with TimeoutStopSec=90 is wise."):format(table.concat(killed, ", ")))
		end
	end }

observe "before" { title = "Remember what must not change", needs = { "site" }, gives = { "before", "watch" },
	about = [[The signing key of an account, the key of push notifications, the server's name and the number of members: the
same must be found after the upgrade. The site is looked at from outside, so that afterwards only what became different
is a fault. And from here on it is asked from outside each second, to the end, because nginx gives out pages from its
cache for days while the web is dead: something is posted to the inbox, unsigned, which a Mastodon that lives refuses (by
the name bellbook-outside). Refused and slow answers are counted, and told beside what the steps say. With a member's
token in the fleet file (mastodon.probe_token) a timeline is read, too, and an empty post refused.]],
	run = function(s)
		s.before = verify.identity(s, s.site)
		s.before.outside = verify.outside(s, s.site, s.before.user)
		verify.outside_before(s, s.before)
		s.watch = watch.look(s, s.site)
		if s.before.key then
			s:note(("Compared afterwards: the key of @%s, %d members."):format(s.before.user, s.before.users))
		else
			s:warn("The actor of @" .. tostring(s.before.user) .. " shows no key now; whether keys stay the same cannot be compared.")
		end
		verify.watch(s)
	end }

manual "agree" { title = "Agree on the upgrade",
	why = "A release may ask for something that no table knows, and in trouble somebody must decide quickly.",
	question = "Are the release notes read, and is it agreed who decides about going back?",
	text = [[Read the release notes of every version on the way, for “upgrade notes”, new settings and known faults. Their addresses stand
below; y copies them. Name the person who decides about going back, and tell the members
when it happens. Nothing has been changed so far.]] }

phase "Backup"

-- Part of the names of what is kept: before-4.6.5, or at-4.6.5 when that runs already.
local function when_kept(s) return (s.site.again and "at-" or "before-") .. target(s).text end

change "backup" { title = "Dump the database and prove the dump", needs = { "site" }, uses = { "before" }, gives = { "backup", "record" }, takes = "15m", timeout = "12h",
	why = "After the point of no return, this file is the only way back.",
	about = [[pg_dump writes a consistent copy while the site runs. That pg_restore --list works proves nothing, it does so
even for a file that was cut off: the whole file is read back instead (pg_restore -f /dev/null), and its tables counted.]],
	back = "Delete the file.",
	run = function(s)
		local file = ("%s/%s-%s.dump"):format(s.params.backup_dir, when_kept(s), s.site.stamp)
		proof.still(s, s.site)
		local at = back.now(s, s.site)
		backup.make_folder(s, s.site)
		mastodon.job(s, s.site.first, "dump", ("umask 077 && %s -Fc -f %s"):format(mastodon.pg(s.site, "pg_dump"), q(file .. ".part")))
		mastodon.run(s, s.site.first, ("mv %s %s"):format(q(file .. ".part"), q(file)))
		s.backup = file
		s:note(("The dump is %s:%s."):format(s.site.first, file))
		backup.compare_sizes(s, s.site, file)
		s.record = back.write(s, s.site, file, target(s).text, at, s.before)
	end,
	done = function(s) return s.backup and backup.is_readable(s, s.site, s.backup) or false end }

-- The name of a copy of Redis; %s is which one.
local function redis_copy(s) return ("%s/redis%%s-%s-%s.rdb"):format(s.params.backup_dir, when_kept(s), s.site.stamp) end

-- The files that the settings of a host were read from, by their full names.
local function settings_files(s, host)
	local list = {}
	for name in (s.site.hosts[host].env_files or ""):gmatch("%S+") do
		list[#list + 1] = name:sub(1, 1) == "/" and name or mastodon.live(s) .. "/" .. name
	end
	return list
end

change "settings" { title = "Keep the settings and Redis", needs = { "site" }, gives = { "kept", "kept_redis" }, takes = "2m", timeout = "1h",
	why = "Without .env.production a dump is worth little: the keys in it are the server's identity.",
	about = [[.env.production, the systemd units and nginx's files of every app host go into an archive there; Redis gives a
copy of what it holds (queued jobs, home timelines), which would be bearable to lose.]],
	back = "Delete the files.",
	run = function(s)
		local dir = s.params.backup_dir
		local kept = ("%s/settings-%s-%s.tar.gz"):format(dir, when_kept(s), s.site.stamp)
		do_on_all(s, function(host)
			local user = mastodon.user(s)
			backup.archive(host, ("-o %s -g %s %s"):format(user, user, q(dir)), settings_files(s, host), mastodon.unit_files(s.site, host) .. " etc/nginx", kept)
		end)
		local others, folders = elsewhere.by_host(s, s.site)
		hosts.each(s, others, function(host)
			backup.archive(host, q(dir), {}, folders[host], kept)
			s:note(("The configuration of %s (%s) is there in %s."):format(host, folders[host], kept))
		end)
		for _, one in ipairs(elsewhere.elsewhere(s, s.site)) do
			if not one.host then s:warn(("%s runs at %s, which the fleet file does not name: its configuration is not in this backup."):format(one.what, one.address)) end
		end
		s.kept, s.kept_redis = kept, backup.keep_redis(s, s.site, redis_copy(s))
		s:note(("The settings of each app host are there in %s%s."):format(kept, #s.kept_redis > 0 and (", Redis is on %s: %s"):format(s.site.first,
			table.concat(s.kept_redis, ", ")) or ""))
		for _, host in ipairs(s:all "app") do s:note(("%s: .env.production has the SHA-256 %s"):format(host, s.site.hosts[host].env_sha)) end
	end,
	done = function(s)
		if not s.kept then return false end
		return backup.are_there(s, s.site, s.kept_redis or {}) and true_on_all(s, function(host)
			return backup.holds(host, s.kept, settings_files(s, host))
		end)
	end }

observe "off-host-place" { title = "Where shall a copy of the backup go?", needs = { "site", "backup", "kept" }, uses = { "kept_redis", "record" }, gives = { "copy_to", "copy_list" }, timeout = "12h",
	about = [[A folder of this computer, where bellbook runs, a host of the fleet, or by hand. Whether it may be written there and
has room for what is not there yet is looked at before anything is copied.]],
	run = function(s)
		s.copy_list = copies.files(s, s.site)
		s.copy_to = copies.choose(s, s.site, s.copy_list)
		if s.copy_to ~= copies.BY_HAND then s:note(("The copy of the backup goes to %s."):format(s.copy_to)) end
	end }

change "off-host-copy" { title = "Copy the backup off the host", needs = { "copy_to", "copy_list" }, takes = "15m", timeout = "12h",
	why = "A disk that dies takes a backup on it along. Snapshots of the same storage are no backup of a database.",
	about = [[Dump, settings and the copy of Redis go there, in a folder for each host that only you may look into. They are read
as root, because the folder of the backup is Mastodon's alone. The digests of both ends are compared and noted; what lies there
already is not copied again. It holds the members' data and the server's keys: keep it as you keep those.]],
	back = "Delete the copies.",
	when = function(s) return s.copy_to ~= copies.BY_HAND or "it is copied by hand" end,
	run = function(s) copies.copy(s, s.copy_list, s.copy_to) end,
	done = function(s) return copies.are_there(s, s.copy_list, s.copy_to) end }

manual "off-host" { title = "Copy the backup to another machine by hand", needs = { "copy_to", "copy_list" },
	why = "A disk that dies takes a backup on it along. Snapshots of the same storage are no backup of a database.",
	question = "Is another machine at hand that you copy dump, settings and Redis to now? The commands come next.",
	text = [[Only Mastodon's user may look into the folder of the backup, so read each file with sudo; the next question lists them with
the commands, and compares what sha256sum says of the copies. They hold the members' data and the server's keys: keep them as you
keep those. Nothing of Mastodon has been changed so far.]],
	when = function(s)
		return s.copy_to == copies.BY_HAND or not copies.are_there(s, s.copy_list, s.copy_to) or ("it was copied to %s, and the digests are the same"):format(s.copy_to)
	end,
	run = function(s) copies.by_hand(s, s.copy_list) end }

phase "New code beside the old"

change "checkout" (watch.over { title = "Get the new code", needs = { "site" }, uses = { "before" }, gives = { "checked_out" }, takes = "2m", timeout = "30m",
	why = "Everything that follows is done by the new release's own code.",
	meanwhile = "Until the web is restarted, a page that it has not shown yet may answer with error 500, and a process that dies comes back as a half-installed "
		.. "new release: do not stop here for long, and restart nothing by hand.",
	about = [[The running web reads the template of a page from disk when it renders that page for the first time: from now on
such a page answers with error 500 until the restart. So each kind of page is asked for before, and looked at after it;
some (settings, moderation) only a member can ask for, and may fail. Posts and apps go on. A process that dies meanwhile
comes back as a half-installed new one: do not restart anything by hand, and do not stop here for long.]],
	back = "The runbook upgrade-back: it checks the old commit out on every host and brings back its gems, JavaScript and assets.",
	run = function(s)
		local user = s.before and s.before.user or "admin"
		local warm = verify.warm(s, s.site, user)
		do_on_all(s, function(host)
			if code_is(s, host) then return end
			local ok, why = pcall(mastodon.run, s, host, code.checkout(s.site, host))
			if ok then return end
			if type(why) == "table" and why.kind == "remote" then why.text = code.moved(s, s.site, host) or why.text end
			error(why, 0)
		end)
		s.checked_out = true
		local broken = verify.broken(s, s.site, user, warm)
		if #broken > 0 then
			s:warn(verify.broken_words(broken))
		end
	end,
	done = function(s) return true_on_all(s, function(host) return code_is(s, host) end) end })

observe "changed" { title = "What is different in this release?", needs = { "site" }, gives = { "changed" },
	about = [[Compares the two releases in git: whether Ruby, the gems or the streaming server changed decides how services are
restarted; changed files in dist/ are samples of units and nginx that you may want to compare with yours.]],
	run = function(s)
		s.changed = preflight.changed(s, s.site, from(s), target(s))
		if s.changed.dist ~= "" then s:note("Samples that changed, to be compared with yours: " .. s.changed.dist) end
		s:note(("Ruby %s, gems %s, streaming %s."):format(s.changed.ruby and "changed" or "same", s.changed.gems and "changed" or "same",
			s.changed.streaming and "changed" or "same"))
	end }

change "ruby" (watch.over { title = "Build the Ruby it wants", needs = { "site" }, takes = "20m", timeout = "2h",
	why = "Each release names the Ruby it was tested with; without it no command of Mastodon starts.",
	about = [[rbenv, asdf or mise, whichever the services use, builds the version that .ruby-version names, with jemalloc. rbenv's
list of Rubies is a git repository that is brought up to date first when it does not know that one. The old Ruby stays; the running processes use it until they are restarted.]],
	back = "Nothing to undo: the old Ruby is still there.",
	when = function(s)
		local there = true_on_all(s, function(host) return code_is(s, host) and install.has_ruby(s, host) end)
		return not there or "the right Ruby is there on every host"
	end,
	run = function(s)
		do_on_all(s, function(host)
			if code_is(s, host) and install.has_ruby(s, host) then return end
			install.ruby(s, host)
		end)
	end,
	done = function(s) return true_on_all(s, function(host) return code_is(s, host) and install.has_ruby(s, host) end) end })

change "gems" (watch.over { title = "Install the Ruby libraries", needs = { "site" }, takes = "5m", timeout = "2h",
	why = "The new code needs exactly the versions in Gemfile.lock.",
	about = [[bundle install, as Mastodon's user. With a new compiler the gem charlock_holmes does not build unless it is told
to use C++17; that is tried when it fails.]],
	back = "The runbook upgrade-back: it checks the old code out, whose gems are still there.",
	when = function(s)
		local there = true_on_all(s, function(host) return code_is(s, host) and install.has_gems(s, host) end)
		return not there or "the gems are there on every host"
	end,
	run = function(s)
		do_on_all(s, function(host)
			if not (code_is(s, host) and install.has_gems(s, host)) then install.bundle(s, host) end
		end)
	end,
	done = function(s) return true_on_all(s, function(host) return code_is(s, host) and install.has_gems(s, host) end) end })

change "yarn" (watch.over { title = "Install the JavaScript libraries", needs = { "site" }, takes = "5m", timeout = "2h",
	why = "The pages and the streaming server are built with them. Left out, pages show an error while apps still work.",
	about = [[From 4.3 on through corepack, which brings the yarn that the release names; before, with yarn 1. That it ended
well is noted in tmp/bellbook, with what lies in node_modules then: the note counts only while that is still there.]],
	back = "The runbook upgrade-back: it checks the old code out and installs what that wants.",
	when = function(s)
		return not true_on_all(s, function(host) return install.yarn_is_done(s, host) end) or "they are there on every host"
	end,
	run = function(s)
		tell(s, "yarn")
		do_on_all(s, function(host) install.yarn(s, host, target(s)) end)
	end,
	done = function(s) return true_on_all(s, function(host) return install.yarn_is_done(s, host) end) end })

change "assets" (watch.over { title = "Build the pages' assets", needs = { "site" }, takes = "5m", timeout = "2h",
	why = "Style and scripts of the pages belong to one release. Left out, pages come without style.",
	about = [[Building takes much memory. When it dies, the next try says “Everything's OK” and builds nothing, and old assets
stay: so after a failure, or when it says so, its cache is cleared and it is built again. If it dies twice, add swap. The
old assets stay beside the new ones, so the running pages keep working.]],
	back = "The runbook upgrade-back: it checks the old code out and builds its assets.",
	when = function(s)
		return not true_on_all(s, function(host) return install.assets_are_built(s, host, target(s)) end) or "they are built on every host"
	end,
	run = function(s) do_on_all(s, function(host) install.assets(s, host, target(s)) end) end,
	done = function(s) return true_on_all(s, function(host) return install.assets_are_built(s, host, target(s)) end) end })

phase "The database, first part"

-- The code is the new one, its migrations are done (skip: but for those of after the restart), and no index is half-built.
local function migrated(s, skip)
	return code_is(s, s.site.first) and #mastodon.down(s, s.site, skip) == 0 and #mastodon.invalid_indexes(s, s.site) == 0
end

change "migrate" (watch.over { title = "Migrate the database, the part that old code bears", needs = { "site" }, uses = { "backup", "checked_out" }, takes = "30m", timeout = "24h",
	why = "The new code needs new tables and columns; the old code still runs and does not mind them.",
	about = [[Migrations marked “post deployment” are left for later (SKIP_POST_DEPLOYMENT_MIGRATIONS). It goes past PgBouncer.
Never interrupt it: an index that is being built stays behind invalid. To see how far an index is:
SELECT phase, blocks_done, blocks_total FROM pg_stat_progress_create_index. If it fails, nothing has been restarted and it
is safe to stop here. While a migration waits for a lock, members wait behind it: who holds it is shown, and where a migration can be
repeated it gives way after lock_wait and tries again. “No lock timeout set” is said all the same.]],
	back = "Usually nothing: old code works with the new columns. The runbook upgrade-back brings the old code back, with its gems and assets.",
	only = { way = "two-phase" }, otherwise = "everything is migrated in one go, while it is stopped",
	when = function(s)
		return not s.checked_out or not migrated(s, true) or "this release has no migrations for before the restart"
	end,
	run = function(s)
		if not s.backup then s:warn "No backup was made in this walk." end
		tell(s, "migrate")
		migration.run(s, "migrate", true)
	end,
	meter = migration.meter,
	done = function(s) return migrated(s, true) end })

phase "Change over"

-- All processes on our hosts are to end, whenever they were started.
local function everything(s)
	local since = {}
	for _, host in ipairs(s:all "app") do since[s.site.hosts[host].hostname] = math.huge end
	return since
end

-- A process started anew is a new one only where the new code lies.
local function demand_code(s, kind)
	local problems = {}
	for _, host in ipairs(mastodon.hosts_with(s, s.site, kind)) do
		if not code_is(s, host) then problems[#problems + 1] = ("%s: the code there is not %s"):format(host, target(s).tag) end
	end
	demand(problems, "Started anew, it would be an old one again. Check the code out there first (and its gems):")
end

-- Quiet Sidekiq processes are stopped and new ones started; a host that has new ones already is left alone.
local function renew_sidekiq(s)
	demand_code(s, "sidekiq")
	renew.sidekiq(s, s.site, fresh_since(s), s.params.drain)
end

-- Tells every Sidekiq to take no new jobs.
local function quiet_sidekiq(s)
	each(mastodon.hosts_with(s, s.site, "sidekiq"), function(host) sidekiq.quiet(s, s.site, host) end)
end

-- While members have errors the web goes first: Sidekiq's jobs are then waited for at its own restart.
local function web_first(s, harm)
	if not harm or s.params.way ~= "two-phase" then return nil end
	local answer = s:ask { type = "choice", text = "Members have errors now. Restart the web at once, before Sidekiq has finished its jobs?",
		details = "Waiting for Sidekiq's jobs can take minutes. They are waited for in any case, before Sidekiq itself is restarted: nothing is lost.",
		choices = { { value = "web", label = "Restart the web first" }, { value = "quiet", label = "Let Sidekiq finish first, as planned" } }, default = "web" }
	return answer == "web" and "members have errors: the web is restarted first, and Sidekiq's jobs are waited for at its own restart" or nil
end

change "quiet" (watch.over({ title = "Let Sidekiq finish what it has", needs = { "site" }, gives = { "quieted" }, takes = "5m",
	why = "A job that runs lives only in its process; stopping that too early loses it.",
	about = [[Sidekiq is told to take no new jobs (TSTP), then its running jobs are waited for. New ones wait in Redis until it
is started again: nothing is lost, posts arrive a little later. It cannot be told to go on, only be restarted, so do not
stop between this step and the restart.]],
	back = "Sidekiq takes jobs again only when it is restarted, and would then run the code that lies there, the new one: go on to the restart, or walk the "
		.. "runbook upgrade-back, which starts it with the old code.",
	run = function(s)
		quiet_sidekiq(s)
		sidekiq.drain(s, s.site, everything(s), s.params.drain)
		s.quieted = true
		s:note("Sidekiq takes no new jobs from now on: they wait in Redis until it is started again, in the step “Restart Sidekiq”. Whoever stops before that "
			.. "leaves them there: the runbook upgrade-back starts it with the old code.")
	end,
	done = function(s)
		-- By what runs now: a process that was started after an earlier look is in no list of that look.
		sidekiq.bury(s, s.site)
		local processes = sidekiq.look(s, s.site).processes
		for _, p in ipairs(processes) do
			if not p.quiet then return false end
		end
		return #processes > 0 or true_on_all(s, function(host) return services.is_stopped(s, host, "sidekiq") end)
	end }, nil, web_first))

change "stop" (watch.over({ title = "Stop Mastodon", needs = { "site" }, gives = { "stopped" }, downtime = "begins", takes = "1m",
	why = "In the full stop nothing may write while the database is migrated.",
	about = [[First the web, so that nothing new comes in, then streaming, then Sidekiq, which has finished its jobs. Members see
the proxy's error page from now on; other servers try again later.]],
	back = "The runbook upgrade-back: old code, then the services. Started as it is, the new code would meet a database that is not migrated. Nothing is lost.",
	only = { way = "full-stop" }, otherwise = "the site stays up in the two-phase way",
	run = function(s)
		services.stop(services.stops(s, s.site, { "web", "streaming", "sidekiq" }))
		s.stopped = true
	end,
	done = function(s)
		if not true_on_all(s, function(host) return services.is_stopped(s, host) end) then return false end
		sidekiq.bury(s, s.site)
		return #sidekiq.look(s, s.site).processes == 0
	end }, { web = true, sidekiq = true, streaming = true }))

irreversible "migrate-all" (watch.over { title = "Migrate the database, all of it", needs = { "site" }, uses = { "backup", "quieted", "stopped" }, takes = "1h", timeout = "24h",
	target = "fleet.mastodon.domain", why = "With everything stopped, both parts of the migration are one.",
	about = [[After this only the dump leads back. It may take hours on a big server; never interrupt it. To see how far an
index is: SELECT phase, blocks_done, blocks_total FROM pg_stat_progress_create_index.]],
	back = "By the dump, once anything of the second part has run: the runbook upgrade-back looks, restores it beside the damaged database, and swaps the two.",
	only = { way = "full-stop" }, otherwise = "the second part comes at the end, when the new code is proven",
	run = function(s)
		-- (Where nothing was changed yet, as in a dry run, everything runs.)
		if s.checked_out or s.quieted or s.stopped then
			demand(services.running(s), "Everything must be stopped for all of the migration: what runs would write meanwhile, and break on what it removes. Stop it (the step “Stop "
				.. "Mastodon”), and find out what started it again, if it was stopped before; nothing of this step was run:")
		end
		if not s.backup then s:warn "No backup was made in this walk." end
		tell(s, "migrate")
		tell(s, "migrate-post")
		migration.run(s, "migrate-all")
	end,
	meter = migration.meter,
	done = function(s) return migrated(s) end })

local BACK_FROM_NEW = "The runbook upgrade-back. Two-phase: old code, gems, JavaScript, assets, restart; the old code works with the first part of the migration. After a full "
	.. "stop the second part has run, too, when the release has one: then only the dump leads back, and what was written since it is lost."

change "web" (watch.over({ title = "Restart the web", needs = { "site" }, uses = { "changed", "stopped" }, gives = { "restarted" }, downtime = "ends", refuses = "10s", takes = "3m", timeout = "15m",
	why = "From here on members get the new release.",
	about = [[The web goes before Sidekiq: jobs that the new code makes are then met by the new Sidekiq, and wait until then. A
restart refuses requests (502) for 6 to 10 s on a fast machine: pages still come from the proxy's cache, posts do not. A
reload is enough when Ruby and the gems are the same. It is called a phased restart, but Mastodon loads its code before it
forks, so Puma does a hot restart: requests wait while it boots, and nobody is refused. A new Ruby, new gems or a changed
unit need a real restart. With several web hosts one goes after the other. Then Mastodon's cache is cleared, because the
version it tells is kept there for 3 minutes (and for 30 in nodeinfo).]],
	back = BACK_FROM_NEW,
	run = function(s)
		tell(s, "web")
		local reload = s.changed and not s.changed.ruby and not s.changed.gems and not s.stopped
		services.restart_web(s, s.site, reload and "reload" or "restart")
		mastodon.run(s, s.site.first, "bin/tootctl cache clear")
		local problems = {}
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "web")) do
			local is, why = verify.web_is(s, host, target(s).text)
			if not is then problems[#problems + 1] = why end
		end
		demand(problems, "The web was started anew, and is not the new one:")
		s.restarted = true
	end,
	done = function(s)
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "web")) do
			if not verify.web_is(s, host, target(s).text) then return false end
		end
		return true
	end }, { web = true }))

change "sidekiq" (watch.over({ title = "Restart Sidekiq", needs = { "site" }, takes = "2m", timeout = "10m",
	why = "It still holds the old code, and takes no jobs since it was quieted.",
	about = [[The official unit has TimeoutSec=15, less than the 25 s in which Sidekiq would give unfinished jobs back: systemd
would kill it, and the jobs were lost. That is why its jobs were waited for.]],
	back = BACK_FROM_NEW,
	run = function(s)
		renew_sidekiq(s)
	end,
	done = function(s)
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "sidekiq")) do
			if not code_is(s, host) then return false end
		end
		return #old_sidekiq_hosts(s, fresh_since(s)) == 0
	end }, { sidekiq = true }))

change "streaming" (watch.over({ title = "Restart streaming", needs = { "site" }, uses = { "changed", "stopped" }, takes = "1m", timeout = "10m",
	why = "It carries new posts to open pages and apps, and must speak as the new web does.",
	about = [[Every open page and app loses its connection and comes back at once: choose a quiet hour. A patch that leaves
streaming alone does not need this.]],
	back = BACK_FROM_NEW,
	when = function(s)
		return s.stopped or not s.changed or s.changed.streaming or s.changed.series or "this release does not change streaming"
	end,
	run = function(s)
		tell(s, "streaming")
		demand_code(s, "streaming")
		services.restart_streaming(s, s.site)
	end,
	done = function(s)
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "streaming")) do
			if not code_is(s, host) or not services.streaming_is_new(s, host, mastodon.code_since(s, host)) or #verify.streaming_problems(s, host) > 0 then return false end
		end
		return true
	end }, { streaming = true }))

phase "Does it work?"

observe "inside" { title = "Look from inside", needs = { "site", "before" }, uses = { "restarted" }, timeout = "5m",
	about = [[On the hosts: the web answers, says the new version, reaches database and Redis, and its assets are there;
streaming answers; Sidekiq serves every queue, in the right version, and works; the server is who it was. A page of each
layout is asked for, every script and style of the build must be there, and errors in the web's journal since its start are
counted. That /health says OK alone proves nothing: it does so with a dead database, too.]],
	run = function(s)
		local problems, b = {}, target(s)
		local function add(list) for _, text in ipairs(list) do problems[#problems + 1] = text end end
		local post = pages.post(s, s.site)
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "web")) do add(verify.web_problems(s, host, b.text, post)) end
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "streaming")) do add(verify.streaming_problems(s, host)) end
		add(verify.sidekiq_problems(s, s.site, versions.series[b.series].sidekiq, versions.compare(b.series, "4.4") >= 0))
		add(verify.identity_problems(s.before, verify.identity(s, s.site)))
		tell(s, "inside")
		demand_after(s, s.restarted, problems, "Not everything works:")
	end }

observe "outside" { title = "Look from outside", needs = { "site", "before" }, uses = { "restarted" }, timeout = "5m",
	about = [[Through the public address, as members and other servers come, with addresses that no cache answers: web, streaming,
webfinger, an actor with its key, the inbox, a page of each layout with the scripts and styles it wants, which must be of
this release. Only what became different is a fault; what was so before is said. 301, 403 or 502 at the inbox points to
the proxy.]],
	run = function(s)
		demand_after(s, s.restarted, verify.outside_problems(s, s.site, s.before), "From outside not everything works:")
	end }

manual "try" { title = "Try it as a member",
	why = "Some things only a person with an account can see. In the two-phase way this is the last place from which nothing is lost by going back.",
	question = "Does it work as it should?",
	text = [[Log in (once with a two-factor account: that proves the encryption keys). Write an unlisted post, find it from another
server, follow from there and answer. Upload a picture and look at it. Search. Look at Administration > Dashboard: no new
warning may be there, but for that of pending database migrations (two-phase: until the next step). In the moderation view of your
account, the address must be yours and not the proxy's. If something is wrong, go back: the runbook upgrade-back looks whether it
needs the dump. It does once the second part of the migration has run: in the full stop it has when the release has one, in the
two-phase way it comes next.]] }

phase "Point of no return"

irreversible "migrate-post" (watch.over { title = "Migrate the database, the part that old code does not bear", gives = { "migrated_post" },
	needs = { "site" }, uses = { "backup", "restarted", "checked_out" },
	takes = "1h", timeout = "24h", target = "fleet.mastodon.domain",
	why = "It removes what only the old code used, and the dashboard warns until it is done.",
	about = [[After this the old code no longer works with the database: only the dump leads back, and what was posted since is
lost here, though other servers have it. It may take hours on a big server. Never interrupt it.]],
	back = "Only by the dump: the runbook upgrade-back stops everything, restores it beside the damaged database, and swaps the two.",
	only = { way = "two-phase" }, otherwise = "all was migrated while everything was stopped",
	when = function(s)
		return not s.checked_out or #mastodon.down(s, s.site) > 0 or "this release has no migrations for after the restart"
	end,
	run = function(s)
		check(s.restarted or not s.checked_out, "the new code was not started in this walk; old processes would break on what this removes")
		demand(sidekiq.leftovers(s, s.site, sidekiq.coded_since(s, s.site)), "Old processes would break on what this removes. Stop them first:")
		for _, text in ipairs(preflight.unknown_clients(s, s.site)) do s:warn(text) end
		tell(s, "migrate-post")
		migration.run(s, "migrate-post")
		s.migrated_post = true
	end,
	meter = migration.meter,
	done = function(s) return migrated(s) end })

phase "After-care"

change "restart-again" (watch.over({ title = "Restart once more after the migration", needs = { "site" }, uses = { "migrated_post" },
	takes = "5m", timeout = "30m",
	why = "Processes remember the columns of the tables as they were when they started.",
	about = [[Sidekiq finishes its jobs first, as before. Of several webs behind a proxy that gives requests to each, one after the other
is restarted while the others serve, the next when the proxy gives the one before its requests again: nobody is refused, nobody
waits. One web alone is reloaded: nobody is refused, but whoever comes while it boots waits, for up to 14 s on a fast machine and
for longer on a busy one.]],
	back = "Nothing to undo.",
	when = function(s)
		if s.migrated_post then return true end
		if s.site.unended then return not all_know_tables(s, true) or "everything was started since the migration" end
		return "no columns were removed under running processes"
	end,
	run = function(s)
		quiet_sidekiq(s)
		services.restart_web(s, s.site, "spare")
		sidekiq.drain(s, s.site, everything(s), s.params.drain)
		renew_sidekiq(s)
	end,
	done = function(s) return all_know_tables(s, true) end }, { web = true, sidekiq = true }))

observe "end" { title = "Is everything done?", needs = { "site", "before" }, uses = { "restarted" }, timeout = "5m",
	about = [[No migration is left, no index is invalid, nobody of the old version still talks to Redis or the database, and the
server is who it was.]],
	run = function(s)
		local problems = verify.identity_problems(s.before, verify.identity(s, s.site))
		for _, name in ipairs(mastodon.down(s, s.site)) do problems[#problems + 1] = "this migration is not done: " .. name end
		for _, name in ipairs(mastodon.invalid_indexes(s, s.site)) do problems[#problems + 1] = "this index is invalid: " .. name end
		local gem = versions.series[target(s).series].sidekiq
		for _, p in ipairs(sidekiq.look(s, s.site).processes) do
			if (p.version or gem:match("^6.*") or ""):sub(1, #gem) ~= gem then
				problems[#problems + 1] = ("on %s still runs Sidekiq %s%s"):format(p.hostname, p.version or "before 7", s.restarted and ": stop it there" or "")
			end
		end
		demand_after(s, s.restarted, problems, "Something is left:")
		tell_of_replicas(s)
		for _, text in ipairs(preflight.unknown_clients(s, s.site)) do s:warn(text) end
		for _, name in ipairs(preflight.updates(s, s.site)) do s:note("A newer release is known: " .. name) end
	end }

observe "search" { title = "What is left for search and the proxy", needs = { "site" },
	about = [[Search runs on its own and is not touched by the upgrade; some releases want a part of its index rebuilt. Caches
between members and the server may show the old version for a while.]],
	run = function(s)
		tell(s, "search")
		s:note "nodeinfo and a CDN may tell the old version for up to half an hour; that is no fault."
		s:note(("Keep the dump until the release has proven itself: %s. The way back is the runbook upgrade-back."):format(s.params.backup_dir))
	end }
