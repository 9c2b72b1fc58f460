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

-- Of a link the file behind it goes along, wherever it lies: an archive with the link alone is no backup. What holds the settings must
-- have something in it. %s: words for install; those files; shell patterns below /; the archive, which gets its name when it is whole.
local ARCHIVE = [[set -e; install -d -m 700 %s; umask 077
for f in %s; do
	if [ ! -s "$f" ] && [ -L "$f" ]; then echo "$f is a link to $(readlink "$f"), where nothing lies: the archive would hold no settings" >&2; exit 1; fi
	if [ ! -s "$f" ]; then echo "$f is empty or not there: the archive would hold no settings" >&2; exit 1; fi
done
{ for f in %s; do readlink -f "$f"; done
cd /; for p in %s; do if [ -e "$p" ] || [ -L "$p" ]; then echo "/$p"; find "$p" -type l -exec readlink -f {} \; ; fi; done | while read -r f; do
	case $f in /usr/*|/dev/*|/proc/*|/sys/*) if [ -f "$f" ]; then echo "$f"; fi ;; *) if [ "$f" != / ] && [ -e "$f" ]; then echo "$f"; fi ;; esac
done; } | cut -c 2- | sort -u >%s.names
tar -czf %s.part --ignore-failed-read -C / -T %s.names; rm -f %s.names; mv %s.part %s]]

-- An archive of the files that hold settings (full names) and of what else matches patterns, made as root on the host; mode and owner of its
-- folder are words for install.
function M.archive(host, folder, files, patterns, kept)
	local names, file = {}, q(kept)
	for i, name in ipairs(files) do names[i] = q(name) end
	local list = table.concat(names, " ")
	mastodon.root_run(host, ARCHIVE:format(folder, list, list, patterns, file, file, file, file, file, file))
end

-- Every file that holds settings is in the archive with its content.
function M.holds(host, kept, files)
	for _, name in ipairs(files) do
		local cmd = ("tar -tzf %s >/dev/null && tar -xzOf %s \"$(readlink -f %s | cut -c 2-)\" | grep -q ."):format(q(kept), q(kept), q(name))
		if not mastodon.root_read(host, cmd, { check = false }).ok then return false end
	end
	return true
end

-- Shell text that fails with words unless a copy of Redis is whole: its first and its last word are there, and where redis-check-rdb is, it
-- agrees (of a newer Redis than its own it cannot tell).
local WHOLE = [[{ f=%s; [ "$(head -c 5 "$f")" = REDIS ] && [ "$(tail -c 9 "$f" | head -c 1 | od -An -tu1 | tr -d ' ')" = 255 ] ||
	{ echo "the copy of Redis was cut off" >&2; false; }; } && { ! command -v redis-check-rdb >/dev/null || c=$(redis-check-rdb "$f" 2>&1) ||
	case $c in *"RDB format version"*) ;; *) printf '%%s\n' "$c" | tail -n 3 >&2; false ;; esac; }]]

-- A copy of each Redis that Mastodon has; it gets its name when it is whole. Gives the names. A managed one may refuse: that is bearable, and said.
function M.keep_redis(s, site, name)
	local kept = {}
	for _, one in ipairs(site.redises) do
		local file = name:format(one.label)
		local answer = mastodon.run(s, site.first, ("umask 077 && %s && %s && mv %s %s"):format(mastodon.redis(site, "--rdb " .. q(file .. ".part"), one.place),
			WHOLE:format(q(file .. ".part")), q(file .. ".part"), q(file)), { check = false })
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
