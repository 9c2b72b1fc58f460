-- backup.lua - a dump of the database that is proven to be readable. SPDX-License-Identifier: GPL-3.0-or-later
local mastodon = require "mastodon"
local settings = require "settings"
local M = {}

-- The folder for backups on the first app host; only Mastodon's user may look into it.
function M.make_folder(s, site)
	local user = mastodon.user(s)
	mastodon.root_run(site.first, ("install -d -m 700 -o %s -g %s %s"):format(user, user, q(s.params.backup_dir)))
end

-- Reads the whole file back: --list alone is content with a file that was cut off. Then every table must have its data.
function M.is_readable(s, site, file)
	local whole = mastodon.read(s, site.first, ("test -s %s && pg_restore -f /dev/null %s"):format(q(file), q(file)), { check = false })
	if not whole.ok then return false end
	local found = mastodon.read(s, site.first, ("pg_restore --list %s | grep -c 'TABLE DATA'"):format(q(file)), { check = false })
	local tables = mastodon.sql(s, site, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
	return (tonumber(trim(found.out)) or 0) >= (tonumber(tables[1]) or 1)
end

-- A dump much smaller or larger than the one before deserves a look.
function M.compare_sizes(s, site, file)
	local sizes = mastodon.read(s, site.first, ("ls -lt %s/*-*.dump 2>/dev/null | awk '{ print $5, $NF }'")
		:format(q(s.params.backup_dir)), { check = false })
	local size, last
	for _, line in ipairs(lines(sizes.out)) do
		local n, name = line:match("^(%d+) (.+)$")
		if name == file then size = tonumber(n) elseif n and not last then last = tonumber(n) end
	end
	if size and last and last > 0 and (size < 0.8 * last or size > 1.2 * last) then
		s:warn(("The dump has %d bytes, the one before had %d: look whether you know why."):format(size, last))
	elseif size then
		s:note(("The dump has %d bytes: %s:%s"):format(size, site.first, file))
	end
end

-- A copy of each Redis that Mastodon has; it gets its name when it is whole. Gives the names. A managed one may refuse: that is bearable, and said.
function M.keep_redis(s, site, name)
	local kept = {}
	for _, one in ipairs(site.redises) do
		local file = name:format(one.label)
		local answer = mastodon.run(s, site.first, ("umask 077 && %s && mv %s %s"):format(mastodon.redis(site, "--rdb " .. q(file .. ".part"), one.place),
			q(file .. ".part"), q(file)), { check = false })
		if answer.ok then
			kept[#kept + 1] = file
		else
			local said = trim(answer.err .. "\n" .. answer.out)
			check(said:find("SYNC", 1, true) and (said:find("unknown command", 1, true) or said:find("NOPERM", 1, true) or said:find("not allowed", 1, true)),
				("Redis at %s could not be copied: %s"):format(settings.redis_words(one.place), said))
			s:warn("Redis gives no copy of itself, so there is none: " .. (said:match("[^\n]*SYNC[^\n]*") or said) .. ". Queued jobs and home timelines would be lost with it.")
		end
	end
	return kept
end

function M.are_there(s, site, files)
	for _, file in ipairs(files) do
		if not mastodon.read(s, site.first, "test -s " .. q(file), { check = false }).ok then return false end
	end
	return true
end

return M
