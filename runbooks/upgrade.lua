-- upgrade.lua - a new minor or patch release on a bare-metal Mastodon server. SPDX-License-Identifier: GPL-3.0-or-later
local backup = require "backup"
local install = require "install"
local mastodon = require "mastodon"
local preflight = require "preflight"
local services = require "services"
local sidekiq = require "sidekiq"
local verify = require "verify"
local versions = require "versions"

runbook { id = "upgrade", bellbook = 1, title = "Upgrade Mastodon (bare metal)", window = "3h",
	about = [[
Brings a Mastodon server that was installed after the official guide (git, rbenv, systemd) to a newer release: a patch
(4.5.9 to 4.5.15) or the next series (4.5 to 4.6). It looks first and changes nothing until everything that must hold does
hold; then it makes a backup and proves that it can be read; puts the new code beside the running one; migrates the
database in two parts; restarts; looks from inside and outside; and only then does the part that cannot be undone.
Members notice a pause of about a minute, in the way called two-phase. Every step can be repeated: one whose work is done
does nothing again.]],
	params = {
		target = { type = "text", pattern = "v?%d+%.%d+%.%d+", ask = "Which version do you upgrade to?",
			help = "A release as its notes name it, like 4.6.5. Patches may be skipped, series (4.5, 4.6) may not." },
		way = { type = "choice", choices = { "two-phase", "full-stop" }, default = "two-phase", ask = "Keep the site up, or stop it?",
			help = "two-phase: the site stays up but for a short pause; the database is migrated before and after the restart. "
				.. "full-stop: everything is stopped, migrated in one go, and started; slower for members, simpler, and needed "
				.. "for very old databases." },
		backup_dir = { type = "text", pattern = "/[%w%._/-]+", default = "/var/backups/mastodon", ask = "Where shall the backup lie?",
			help = "A folder on the first app host, with room for a dump of the database. It is made when it is not there." },
		db_direct_port = { type = "integer", min = 1, max = 65535, default = 5432, ask = "PostgreSQL's own port?",
			help = "With PgBouncer, Mastodon talks to 6432; migrations must go past it, to PostgreSQL itself." },
		db_direct_host = { type = "text", optional = true, pattern = "[%w%._:/-]+", ask = "PostgreSQL's own host?",
			help = "Only when PgBouncer runs on another host than PostgreSQL; else DB_HOST of .env.production is right." },
		drain = { type = "integer", min = 2, max = 86400, default = 600, ask = "How many seconds may Sidekiq take to finish its jobs?",
			help = "Then you are asked whether to wait on." },
		account = { type = "text", optional = true, pattern = "[%w_]+", ask = "Which local account is compared before and after?",
			help = "Its signing key must not change. Without a name, the server's contact account is taken." },
	},
	roles = { app = "1+" } }

-- Runs fn on every app host, some at a time.
local function on_all(s, fn) return each(s:all "app", fn, { at_once = 10, stop_after = 1 }) end

-- True when fn is true for every app host.
local function true_on_all(s, fn)
	for _, yes in pairs(on_all(s, function(host) return fn(host) == true end)) do
		if yes ~= true then return false end
	end
	return true
end

local function target(s) return check(versions.parse(s.params.target), "the target is not a version") end
local function from(s) return check(versions.parse(s.site.from), "the version that runs is not known") end

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

local function code_is(s, host)
	local cmd = "test \"$(git rev-parse HEAD)\" = \"$(git rev-parse -q --verify %s)\""
	return mastodon.read(s, host, cmd:format(q(target(s).tag .. "^{commit}")), { check = false }).ok
end

phase "Look before you touch"

observe "facts" { title = "What runs, and where?", gives = { "site" }, timeout = "5m",
	about = [[Asks every app host for its code, programs, settings and services, and Redis and PostgreSQL for theirs. Of
passwords and keys only is noted whether they are set, and a digest, to see whether the hosts agree.]],
	run = function(s)
		preflight.look(s)
		preflight.tell(s)
	end }

observe "way" { title = "May we go from here to there?", needs = { "site" },
	about = [[One release of every series must have run, because each brings the database one step on. The release notes of
every version on the way are listed: read them, they may ask for more than this runbook knows.]],
	run = function(s)
		local a, b = from(s), target(s)
		demand({ versions.closed(a, b) }, "This way is closed:")
		if s.params.way == "two-phase" then demand({ versions.no_two_phase(b, s.site.schema) }, "Two phases cannot be:") end
		s:note(("From %s to %s: %s."):format(a.text, b.text, a.text == b.text and "that version runs already; the steps only repeat their checks"
			or a.series == b.series and "a patch" or "a new series"))
		for _, tag in ipairs(preflight.tags_between(s, a, b)) do
			s:note("Release notes: https://github.com/mastodon/mastodon/releases/tag/" .. tag)
		end
	end }

observe "programs" { title = "Are the programs new enough?", needs = { "site" }, gives = { "site" },
	about = [[Node.js, libvips, FFmpeg and corepack of every app host, PostgreSQL and Redis, against the table of the
releases. Ruby is not looked at: the upgrade builds it. Also memory and disk: building the assets dies without a word on
a small machine.]],
	run = function(s)
		preflight.look(s)
		local problems = versions.server_problems(from(s), target(s), s.site)
		for _, host in ipairs(s:all "app") do
			for _, text in ipairs(versions.host_problems(target(s), s.site.hosts[host])) do problems[#problems + 1] = host .. ": " .. text end
		end
		demand(problems, "These must be mended before anything else; nothing was changed:")
		for _, text in ipairs(preflight.room_warnings(s, s.site)) do s:warn(text) end
		demand(preflight.room_problems(s, s.site), "There is not room enough:")
	end }

observe "gates" { title = "What this release wants from the settings", needs = { "site" }, gives = { "site" },
	about = [[Each series changed something that a server must have ready before: keys, variables that are gone, queues that
are new. What the new release is known to trip over is checked here, while nothing is changed yet.]],
	run = function(s)
		preflight.look(s)
		local problems = {}
		for _, gate in ipairs(versions.gates) do problems[#problems + 1] = gate(from(s), target(s), s.site) end
		demand(problems, "The settings are not ready; nothing was changed:")
		tell(s, "gates")
	end }

observe "tree" { title = "Is the code on the hosts unchanged?", needs = { "site" }, gives = { "site" },
	about = [[A theme or a mend of your own would be in git's way. `git stash`, or a branch of your own, is the way out.]],
	run = function(s)
		preflight.look(s)
		local problems = {}
		for _, host in ipairs(s:all "app") do
			local h = s.site.hosts[host]
			if h.dirty ~= "" then problems[#problems + 1] = host .. ": changed files: " .. h.dirty end
			if h.env_mode ~= "600" and h.env_mode ~= "640" then
				s:warn(("%s: .env.production can be read by others (mode %s); chmod 600 it"):format(host, h.env_mode))
			end
		end
		demand(problems, "git would refuse or lose something:")
	end }

observe "database" { title = "Is the database healthy?", needs = { "site" }, timeout = "2h",
	about = [[Three looks. Whether the port for migrations leads to PostgreSQL itself and not to PgBouncer, where Rails loses
its lock. Whether an interrupted migration left an invalid index. And before 4.7, whether unique indexes are whole: after
an upgrade of the operating system's C library old indexes can be silently wrong, and 4.7 fails on the double accounts
they let in. The last look reads the indexes and locks nobody out; on a big server it takes a while.]],
	run = function(s)
		demand(preflight.pooler_problems(s, s.site), "Migrations would not get through:")
		local invalid = mastodon.invalid_indexes(s, s.site)
		demand(invalid, "These indexes are invalid: an earlier migration was interrupted. Drop each (DROP INDEX CONCURRENTLY name) when you know "
			.. "which migration makes it, and run that one again:")
		preflight.index_check(s, s.site, target(s), from(s))
		local long = mastodon.sql(s, s.site, "SELECT pid, usename, date_trunc('second', now() - xact_start) FROM pg_stat_activity "
			.. "WHERE xact_start < now() - interval '10 minutes' AND datname = current_database()")
		for _, row in ipairs(long) do s:warn("An old transaction (pid|user|age " .. row .. ") would make index building wait for its end") end
	end }

observe "queues" { title = "Is Sidekiq keeping up?", needs = { "site" }, gives = { "old_ids" },
	about = [[Sidekiq does the work behind the pages. Its queues should be short before an upgrade, and only hosts that this
runbook knows may run one: a worker forgotten on another machine would go on with the old code.]],
	run = function(s)
		local state = sidekiq.look(s, s.site)
		s.old_ids = sidekiq.ids(state)
		local strangers = sidekiq.strangers(s, s.site, state)
		demand(strangers, "Sidekiq runs on hosts that the fleet file does not know. Stop it there, or add the host to the role app:")
		for _, queue in ipairs(state.queues) do
			if queue.latency > 300 then
				s:warn(("The queue %s is %d s behind (%d jobs): perhaps wait until it is empty"):format(queue.name, queue.latency, queue.size))
			end
		end
		if #state.processes == 0 then s:warn "No Sidekiq process runs now." end
		s:note(("%d Sidekiq processes, %d jobs waiting to be tried again."):format(#state.processes, state.retry))
		local killed = preflight.killed_early(s, s.site)
		if #killed > 0 then
			s:note(("A stop kills these units before Sidekiq's 25 s are over, with the jobs they run: %s. This runbook waits for the jobs; for other "
				.. "times a drop-in with TimeoutStopSec=90 is wise."):format(table.concat(killed, ", ")))
		end
	end }

observe "before" { title = "Remember what must not change", needs = { "site" }, gives = { "before" },
	about = [[The signing key of an account, the key of push notifications, the server's name and the number of members: the
same must be found after the upgrade.]],
	run = function(s)
		s.before = verify.identity(s, s.site)
		if s.before.key then
			s:note(("Compared afterwards: the key of @%s, %d members."):format(s.before.user, s.before.users))
		else
			s:warn("The actor of @" .. tostring(s.before.user) .. " shows no key now; whether keys stay the same cannot be compared.")
		end
	end }

manual "agree" { title = "Agree on the upgrade",
	why = "A release may ask for something that no table knows, and in trouble somebody must decide quickly.",
	question = "Are the release notes read, and is it agreed who decides about going back?",
	text = [[Read the release notes of every version on the way, for “upgrade notes”, new settings and known faults: the record of
this session (the r key, or the word record) has their addresses. Name the person who decides about going back, and tell the members
when it happens. Nothing has been changed so far.]] }

phase "Backup"

change "backup" { title = "Dump the database and prove the dump", needs = { "site" }, gives = { "backup" }, takes = "15m", timeout = "12h",
	why = "After the point of no return, this file is the only way back.",
	about = [[pg_dump writes a consistent copy while the site runs. That pg_restore --list works proves nothing, it does so
even for a file that was cut off: the whole file is read back instead (pg_restore -f /dev/null), and its tables counted.]],
	back = "Delete the file.",
	run = function(s)
		local file = ("%s/before-%s-%s.dump"):format(s.params.backup_dir, target(s).text, s.site.stamp)
		backup.make_folder(s, s.site)
		mastodon.job(s, s.site.first, "dump", ("umask 077 && %s -Fc -f %s"):format(mastodon.pg(s.site, "pg_dump"), q(file .. ".part")))
		mastodon.run(s, s.site.first, ("mv %s %s"):format(q(file .. ".part"), q(file)))
		s.backup = file
		s:note(("The dump is %s:%s."):format(s.site.first, file))
		backup.compare_sizes(s, s.site, file)
	end,
	done = function(s) return s.backup and backup.is_readable(s, s.site, s.backup) or false end }

change "settings" { title = "Keep the settings and Redis", needs = { "site" }, gives = { "kept" }, takes = "2m", timeout = "1h",
	why = "Without .env.production a dump is worth little: the keys in it are the server's identity.",
	about = [[.env.production, the systemd units and nginx's files of every app host go into an archive there; Redis gives a
copy of what it holds (queued jobs, home timelines), which would be bearable to lose.]],
	back = "Delete the files.",
	run = function(s)
		local dir = s.params.backup_dir
		local kept = ("%s/settings-before-%s-%s.tar.gz"):format(dir, target(s).text, s.site.stamp)
		on_all(s, function(host)
			local user = mastodon.user(s)
			mastodon.root_run(host, ("install -d -m 700 -o %s -g %s %s && umask 077 && tar -czf %s --ignore-failed-read -C / %s"):format(user, user, q(dir),
				q(kept), table.concat({ q(mastodon.live(s):sub(2) .. "/.env.production"), "$(cd / && ls -d etc/systemd/system/mastodon-* etc/nginx 2>/dev/null)" }, " ")))
		end)
		mastodon.run(s, s.site.first, ("umask 077 && %s"):format(mastodon.redis(s.site, "--rdb " .. q(dir .. "/redis-before-" .. target(s).text
			.. "-" .. s.site.stamp .. ".rdb"))))
		s.kept = kept
		s:note(("The settings of each app host are there in %s, Redis is on %s in the same folder."):format(kept, s.site.first))
		for _, host in ipairs(s:all "app") do s:note(("%s: .env.production has the SHA-256 %s"):format(host, s.site.hosts[host].env_sha)) end
	end,
	done = function(s)
		return s.kept and true_on_all(s, function(host)
			return mastodon.root_read(host, "tar -tzf " .. q(s.kept) .. " | grep -c '/\\.env\\.production$'", { check = false }).ok
		end) or false
	end }

manual "off-host" { title = "Copy the backup to another machine", needs = { "backup", "kept" },
	why = "A disk that dies takes a backup on it along. Snapshots of the same storage are no backup of a database.",
	question = "Does a copy of the dump and of the settings lie on another machine?",
	commands = { "scp HOST:/var/backups/mastodon/before-* ELSEWHERE:", "scp HOST:/var/backups/mastodon/settings-before-* ELSEWHERE:" },
	text = [[The record of this session (the r key, or the word record) names the files. They hold the members' data and the server's
keys: keep them as you keep those. Nothing of Mastodon has been changed so far.]] }

phase "New code beside the old"

change "checkout" { title = "Get the new code", needs = { "site" }, gives = { "checked_out" }, takes = "2m", timeout = "30m",
	why = "Everything that follows is done by the new release's own code.",
	about = [[The running processes keep the old code in memory and do not notice. But from now until the restart a process
that dies would come back as a half-installed new one: do not restart anything by hand, and do not stop here for long.]],
	back = "git checkout the old tag on every host, then bundle install, yarn install and assets:precompile again.",
	run = function(s)
		on_all(s, function(host)
			if code_is(s, host) then return end
			mastodon.run(s, host, "git fetch --tags && git checkout " .. q(target(s).tag))
		end)
		s.checked_out = true
	end,
	done = function(s) return true_on_all(s, function(host) return code_is(s, host) end) end }

observe "changed" { title = "What is different in this release?", needs = { "site" }, gives = { "changed" },
	about = [[Compares the two releases in git: whether Ruby, the gems or the streaming server changed decides how services are
restarted; changed files in dist/ are samples of units and nginx that you may want to compare with yours.]],
	run = function(s)
		s.changed = preflight.changed(s, s.site, from(s), target(s))
		if s.changed.dist ~= "" then s:note("Samples that changed, to be compared with yours: " .. s.changed.dist) end
		s:note(("Ruby %s, gems %s, streaming %s."):format(s.changed.ruby and "changed" or "same", s.changed.gems and "changed" or "same",
			s.changed.streaming and "changed" or "same"))
	end }

change "ruby" { title = "Build the Ruby it wants", needs = { "site" }, takes = "20m", timeout = "2h",
	why = "Each release names the Ruby it was tested with; without it no command of Mastodon starts.",
	about = [[rbenv builds the version that .ruby-version names, with jemalloc. Its list of Rubies is a git repository that is
brought up to date first. The old Ruby stays; the running processes use it until they are restarted.]],
	back = "Nothing to undo: the old Ruby is still there.",
	when = function(s)
		local there = true_on_all(s, function(host) return code_is(s, host) and install.has_ruby(s, host) end)
		return not there or "the right Ruby is there on every host"
	end,
	run = function(s)
		on_all(s, function(host)
			if code_is(s, host) and install.has_ruby(s, host) then return end
			mastodon.job(s, host, "ruby", ("git -C %s/plugins/ruby-build pull && RUBY_CONFIGURE_OPTS=--with-jemalloc rbenv install -s")
				:format(q(mastodon.rbenv(s))))
		end)
	end,
	done = function(s) return true_on_all(s, function(host) return code_is(s, host) and install.has_ruby(s, host) end) end }

change "gems" { title = "Install the Ruby libraries", needs = { "site" }, takes = "5m", timeout = "2h",
	why = "The new code needs exactly the versions in Gemfile.lock.",
	about = [[bundle install, as Mastodon's user. With a new compiler the gem charlock_holmes does not build unless it is told
to use C++17; that is tried when it fails.]],
	back = "Go back to the old code; the old gems are still there.",
	when = function(s)
		local there = true_on_all(s, function(host) return code_is(s, host) and install.has_gems(s, host) end)
		return not there or "the gems are there on every host"
	end,
	run = function(s)
		on_all(s, function(host)
			if not (code_is(s, host) and install.has_gems(s, host)) then install.bundle(s, host) end
		end)
	end,
	done = function(s) return true_on_all(s, function(host) return code_is(s, host) and install.has_gems(s, host) end) end }

change "yarn" { title = "Install the JavaScript libraries", needs = { "site" }, takes = "5m", timeout = "2h",
	why = "The pages and the streaming server are built with them. Left out, pages show an error while apps still work.",
	about = [[From 4.3 on through corepack, which brings the yarn that the release names; before, with yarn 1. That it ended
well for this yarn.lock is noted in tmp/bellbook.]],
	back = "Go back to the old code and run this step's command again.",
	when = function(s)
		return not true_on_all(s, function(host) return install.yarn_is_done(s, host) end) or "they are there on every host"
	end,
	run = function(s)
		tell(s, "yarn")
		on_all(s, function(host) install.yarn(s, host, target(s)) end)
	end,
	done = function(s) return true_on_all(s, function(host) return install.yarn_is_done(s, host) end) end }

change "assets" { title = "Build the pages' assets", needs = { "site" }, takes = "5m", timeout = "2h",
	why = "Style and scripts of the pages belong to one release. Left out, pages come without style.",
	about = [[Building takes much memory. When it dies, the next try says “Everything's OK” and builds nothing, and old assets
stay: so after a failure, or when it says so, its cache is cleared and it is built again. If it dies twice, add swap. The
old assets stay beside the new ones, so the running pages keep working.]],
	back = "Go back to the old code and build again.",
	when = function(s)
		return not true_on_all(s, function(host) return install.assets_are_built(s, host, target(s)) end) or "they are built on every host"
	end,
	run = function(s) on_all(s, function(host) install.assets(s, host, target(s)) end) end,
	done = function(s) return true_on_all(s, function(host) return install.assets_are_built(s, host, target(s)) end) end }

phase "The database, first part"

-- The code is the new one, its migrations are done (skip: but for those of after the restart), and no index is half-built.
local function migrated(s, skip)
	return code_is(s, s.site.first) and #mastodon.down(s, s.site, skip) == 0 and #mastodon.invalid_indexes(s, s.site) == 0
end

-- One migration run, with an invalid index of an earlier try out of its way, and words when it fails.
local function migrate(s, name, env)
	preflight.drop_invalid(s, s.site)
	local answer = mastodon.job(s, s.site.first, name, "bundle exec rails db:migrate", { env = mastodon.migrate_env(s.site, env), check = false })
	if not answer.ok then fail("The migration failed.\n" .. mastodon.migration_words(answer.out, answer.err)) end
end

change "migrate" { title = "Migrate the database, the part that old code bears", needs = { "site", "backup", "checked_out" }, takes = "30m", timeout = "24h",
	why = "The new code needs new tables and columns; the old code still runs and does not mind them.",
	about = [[Migrations marked “post deployment” are left for later (SKIP_POST_DEPLOYMENT_MIGRATIONS). It goes past PgBouncer.
Never interrupt it: an index that is being built stays behind invalid. To see how far an index is:
SELECT phase, blocks_done, blocks_total FROM pg_stat_progress_create_index. If it fails, nothing has been restarted and it
is safe to stop here. “No lock timeout set” is said for every migration and means nothing.]],
	back = "Usually nothing: old code works with the new columns. Go back to the old code and its gems and assets.",
	when = function(s)
		if s.params.way ~= "two-phase" then return "everything is migrated in one go, while it is stopped" end
		return not s.checked_out or not migrated(s, true) or "this release has no migrations for before the restart"
	end,
	run = function(s)
		if not s.backup then s:warn "No backup was made in this walk." end
		tell(s, "migrate")
		migrate(s, "migrate", { SKIP_POST_DEPLOYMENT_MIGRATIONS = "true" })
	end,
	done = function(s) return migrated(s, true) end }

phase "Change over"

-- Hosts whose Sidekiq is still an old one, or quiet, or not there.
local function old_sidekiq_hosts(s, old)
	local state, list = sidekiq.look(s, s.site), {}
	for _, host in ipairs(mastodon.hosts_with(s, s.site, "sidekiq")) do
		if not sidekiq.is_renewed(state, s.site.hosts[host].hostname, old) then list[#list + 1] = host end
	end
	return list
end

-- Quiet Sidekiq processes are stopped and new ones started; a host that has new ones already is left alone.
local function renew_sidekiq(s, old)
	sidekiq.drain(s, s.site, old, s.params.drain)
	each(old_sidekiq_hosts(s, old), function(host)
		for _, unit in ipairs(mastodon.units(s.site, host, "sidekiq")) do
			mastodon.root_run(host, ("systemctl stop %s; systemctl start %s"):format(q(unit), q(unit)))
		end
	end)
	retry({ times = 90, every = "1s", what = "the new Sidekiq processes are not all there (journalctl -u 'mastodon-sidekiq*' shows why)" },
		function() return #old_sidekiq_hosts(s, old) == 0 end)
end

-- Tells every Sidekiq to take no new jobs; the processes that were told.
local function quiet_sidekiq(s)
	local ids = sidekiq.ids(sidekiq.look(s, s.site))
	each(mastodon.hosts_with(s, s.site, "sidekiq"), function(host) sidekiq.quiet(s.site, host) end)
	return ids
end

change "quiet" { title = "Let Sidekiq finish what it has", needs = { "site", "old_ids" }, gives = { "quieted" }, takes = "5m",
	why = "A job that runs lives only in its process; stopping that too early loses it.",
	about = [[Sidekiq is told to take no new jobs (TSTP), then its running jobs are waited for. New ones wait in Redis until it
is started again: nothing is lost, posts arrive a little later. It cannot be told to go on, only be restarted, so do not
stop between this step and the restart.]],
	back = "Restart Sidekiq: systemctl restart of its units.",
	run = function(s)
		s.quieted = quiet_sidekiq(s)
		sidekiq.drain(s, s.site, s.quieted, s.params.drain)
	end,
	done = function(s)
		local old = s.quieted or s.old_ids or {}
		for _, p in ipairs(sidekiq.remaining(sidekiq.look(s, s.site), old)) do
			if not p.quiet then return false end
		end
		return true
	end }

-- Stops the units of one kind on every host.
local function stop(s, kind)
	for _, host in ipairs(mastodon.hosts_with(s, s.site, kind)) do
		for _, unit in ipairs(mastodon.units(s.site, host, kind)) do mastodon.root_run(host, "systemctl stop " .. q(unit)) end
	end
end

change "stop" { title = "Stop Mastodon", needs = { "site" }, gives = { "stopped" }, downtime = "begins", takes = "1m",
	why = "In the full stop nothing may write while the database is migrated.",
	about = [[First the web, so that nothing new comes in, then streaming, then Sidekiq, which has finished its jobs. Members see
the proxy's error page from now on; other servers try again later.]],
	back = "Start the services again: nothing else was changed.",
	when = function(s) return s.params.way == "full-stop" or "the site stays up in the two-phase way" end,
	run = function(s)
		stop(s, "web")
		stop(s, "streaming")
		stop(s, "sidekiq")
		s.stopped = true
	end,
	done = function(s)
		return true_on_all(s, function(host) return services.is_stopped(s, s.site, host) end) and #sidekiq.look(s, s.site).processes == 0
	end }

irreversible "migrate-all" { title = "Migrate the database, all of it", needs = { "site", "backup" }, takes = "1h", timeout = "24h",
	target = "fleet.mastodon.domain", why = "With everything stopped, both parts of the migration are one.",
	about = [[After this only the dump leads back. It may take hours on a big server; never interrupt it. To see how far an
index is: SELECT phase, blocks_done, blocks_total FROM pg_stat_progress_create_index.]],
	back = "Only by restoring the dump with the old code and the old .env.production.",
	when = function(s) return s.params.way == "full-stop" or "the second part comes at the end, when the new code is proven" end,
	run = function(s)
		if not s.backup then s:warn "No backup was made in this walk." end
		tell(s, "migrate")
		tell(s, "migrate-post")
		migrate(s, "migrate-all")
	end,
	done = function(s) return migrated(s) end }

change "web" { title = "Restart the web", needs = { "site", "changed", "stopped" }, gives = { "restarted" }, downtime = "ends", takes = "3m", timeout = "15m",
	why = "From here on members get the new release.",
	about = [[The web goes before Sidekiq: jobs that the new code makes are then met by the new Sidekiq, and wait until then. A
reload is enough when Ruby and the gems are the same. It is called a phased restart, but Mastodon loads its code before it
forks, so Puma does a hot restart: requests wait while it boots, and nobody is refused. A new Ruby, new gems or a changed
unit need a real restart. With several web hosts one goes after the other. Then Mastodon's cache is cleared, because the
version it tells is kept there for 3 minutes (and for 30 in nodeinfo).]],
	back = "Check out the old tag, bundle install, yarn, assets:precompile, restart: the old code works with the first part of the migration.",
	run = function(s)
		tell(s, "web")
		local reload = s.changed and not s.changed.ruby and not s.changed.gems and not s.stopped
		services.restart_web(s, s.site, reload and "reload" or "restart")
		mastodon.run(s, s.site.first, "bin/tootctl cache clear")
		s.restarted = true
	end,
	done = function(s)
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "web")) do
			if mastodon.running_version(s, host) ~= target(s).text then return false end
		end
		return true
	end }

change "sidekiq" { title = "Restart Sidekiq", needs = { "site", "old_ids", "quieted" }, takes = "2m", timeout = "10m",
	why = "It still holds the old code, and takes no jobs since it was quieted.",
	about = [[The official unit has TimeoutSec=15, less than the 25 s in which Sidekiq would give unfinished jobs back: systemd
would kill it, and the jobs were lost. That is why its jobs were waited for.]],
	back = "As for the web.",
	run = function(s)
		renew_sidekiq(s, s.quieted or quiet_sidekiq(s))
	end,
	done = function(s) return #old_sidekiq_hosts(s, s.quieted or s.old_ids or {}) == 0 end }

change "streaming" { title = "Restart streaming", needs = { "site", "changed", "stopped" }, gives = { "streamed" }, takes = "1m", timeout = "10m",
	why = "It carries new posts to open pages and apps, and must speak as the new web does.",
	about = [[Every open page and app loses its connection and comes back at once: choose a quiet hour. A patch that leaves
streaming alone does not need this.]],
	back = "As for the web.",
	when = function(s)
		return s.stopped or not s.changed or s.changed.streaming or s.changed.series or "this release does not change streaming"
	end,
	run = function(s)
		tell(s, "streaming")
		services.restart_streaming(s, s.site)
		s.streamed = true
	end,
	done = function(s)
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "streaming")) do
			if not services.streaming_is_new(s, s.site, host) or #verify.streaming_problems(s, host) > 0 then return false end
		end
		return true
	end }

phase "Does it work?"

observe "inside" { title = "Look from inside", needs = { "site", "before", "restarted" }, timeout = "5m",
	about = [[On the hosts: the web answers, says the new version, reaches database and Redis, and its assets are there;
streaming answers; Sidekiq serves every queue, in the right version, and works; the server is who it was. That /health
says OK alone proves nothing: it does so with a dead database, too.]],
	run = function(s)
		local problems, b = {}, target(s)
		local function add(list) for _, text in ipairs(list) do problems[#problems + 1] = text end end
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "web")) do add(verify.web_problems(s, host, b.text)) end
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "streaming")) do add(verify.streaming_problems(s, host)) end
		add(verify.sidekiq_problems(s, s.site, versions.series[b.series].sidekiq, versions.compare(b.series, "4.4") >= 0))
		add(verify.identity_problems(s.before, verify.identity(s, s.site)))
		tell(s, "inside")
		demand_after(s, s.restarted, problems, "Not everything works:")
	end }

observe "outside" { title = "Look from outside", needs = { "site", "before", "restarted" }, timeout = "5m",
	about = [[Through the public address, as members and other servers come: web, streaming, webfinger, an actor with its key,
and the inbox. An answer 301, 403 or 502 at the inbox points to the proxy.]],
	run = function(s)
		demand_after(s, s.restarted, verify.outside_problems(s, s.site, s.before), "From outside not everything works:")
	end }

manual "try" { title = "Try it as a member",
	why = "Some things only a person with an account can see, and after the next step there is only the dump to go back to.",
	question = "Does it work as it should?",
	text = [[Log in (once with a two-factor account: that proves the encryption keys). Write an unlisted post, find it from another
server, follow from there and answer. Upload a picture and look at it. Search. Look at Administration > Dashboard: no
warning may be there. In the moderation view of your account, the address must be yours and not the proxy's. If something is
wrong, this is the place to go back: stop the session, check out the old tag, and install and restart as these steps did.]] }

phase "Point of no return"

irreversible "migrate-post" { title = "Migrate the database, the part that old code does not bear", gives = { "migrated_post" },
	needs = { "site", "backup", "quieted", "restarted", "checked_out" },
	takes = "1h", timeout = "24h", target = "fleet.mastodon.domain",
	why = "It removes what only the old code used, and the dashboard warns until it is done.",
	about = [[After this the old code no longer works with the database: only the dump leads back, and what was posted since is
lost here, though other servers have it. It may take hours on a big server. Never interrupt it.]],
	back = "Only by restoring the dump with the old code and the old .env.production, everything stopped.",
	when = function(s)
		if s.params.way ~= "two-phase" then return "all was migrated while everything was stopped" end
		return not s.checked_out or #mastodon.down(s, s.site) > 0 or "this release has no migrations for after the restart"
	end,
	run = function(s)
		check(s.restarted or not s.checked_out, "the new code was not started in this walk; old processes would break on what this removes")
		demand(sidekiq.leftovers(s, s.site, s.quieted or {}), "Old processes would break on what this removes. Stop them first:")
		for _, text in ipairs(preflight.unknown_clients(s, s.site)) do s:warn(text) end
		tell(s, "migrate-post")
		migrate(s, "migrate-post")
		s.migrated_post = true
	end,
	done = function(s) return migrated(s) end }

phase "After-care"

change "restart-again" { title = "Restart once more after the migration", needs = { "site", "migrated_post" }, gives = { "second_ids" },
	takes = "5m", timeout = "30m",
	why = "Processes remember the columns of the tables as they were when they started.",
	about = [[Sidekiq finishes its jobs first, as before; the web is only reloaded.]],
	back = "Nothing to undo.",
	when = function(s) return s.migrated_post == true or "no columns were removed under running processes" end,
	run = function(s)
		s.second_ids = quiet_sidekiq(s)
		services.restart_web(s, s.site, "reload")
		renew_sidekiq(s, s.second_ids)
	end,
	done = function(s)
		if not s.second_ids or #old_sidekiq_hosts(s, s.second_ids) > 0 then return false end
		for _, host in ipairs(mastodon.hosts_with(s, s.site, "web")) do
			if not mastodon.is_healthy(s, host) then return false end
		end
		return true
	end }

observe "end" { title = "Is everything done?", needs = { "site", "before", "restarted" }, timeout = "5m",
	about = [[No migration is left, no index is invalid, nobody of the old version still talks to Redis or the database, and the
server is who it was.]],
	run = function(s)
		local problems = verify.identity_problems(s.before, verify.identity(s, s.site))
		for _, name in ipairs(mastodon.down(s, s.site)) do problems[#problems + 1] = "this migration is not done: " .. name end
		for _, name in ipairs(mastodon.invalid_indexes(s, s.site)) do problems[#problems + 1] = "this index is invalid: " .. name end
		local gem = versions.series[target(s).series].sidekiq
		for _, p in ipairs(sidekiq.look(s, s.site).processes) do
			if (p.version or ""):sub(1, #gem) ~= gem then
				problems[#problems + 1] = ("on %s still runs Sidekiq %s: stop it there"):format(p.hostname, p.version)
			end
		end
		demand_after(s, s.restarted, problems, "Something is left:")
		for _, text in ipairs(preflight.unknown_clients(s, s.site)) do s:warn(text) end
		for _, name in ipairs(preflight.updates(s, s.site)) do s:note("A newer release is known: " .. name) end
	end }

observe "search" { title = "What is left for search and the proxy", needs = { "site" },
	about = [[Search runs on its own and is not touched by the upgrade; some releases want a part of its index rebuilt. Caches
between members and the server may show the old version for a while.]],
	run = function(s)
		tell(s, "search")
		s:note "nodeinfo and a CDN may tell the old version for up to half an hour; that is no fault."
		s:note(("Keep the dump until the release has proven itself: %s."):format(s.params.backup_dir))
	end }
