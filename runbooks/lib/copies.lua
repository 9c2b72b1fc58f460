-- copies.lua - the backup once more, on another machine: what belongs to it, the place, the way there, digests of both ends.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The folder of the backup is its owner's alone, so no login user can copy from it: it is read as root over the channel that
-- bellbook has, file by file, and what came is compared with what the host says. What lies there already is not copied again.
local elsewhere = require "elsewhere"
local mastodon = require "mastodon"
local M = {}

M.BY_HAND = "by hand"
local NOT_COMPARED = "not compared"
local SPARE_KB = 64 * 1024

local function in_words(bytes)
	if bytes >= 1 << 20 then return ("%.1f MiB"):format(bytes / (1 << 20)) end
	return ("%d bytes"):format(bytes)
end

-- Files and digests of a backup that is there: { host, file, sha, bytes }; told by root, as the settings are root's. Reads all of
-- it, so it is asked once.
function M.files(s, site)
	local wanted, list = {}, {}
	local first = { s.backup, s.kept, s.record }
	for _, file in ipairs(s.kept_redis or {}) do first[#first + 1] = file end
	wanted[1] = { host = site.first, files = first }
	for _, host in ipairs(s:all "app") do
		if host ~= site.first then wanted[#wanted + 1] = { host = host, files = { s.kept } } end
	end
	local others = elsewhere.by_host(s, site)
	for _, host in ipairs(others) do wanted[#wanted + 1] = { host = host, files = { s.kept } } end
	for _, one in ipairs(wanted) do
		local names = {}
		for i, file in ipairs(one.files) do names[i] = q(file) end
		local out = mastodon.root_read(one.host, ("for f in %s; do [ ! -f \"$f\" ] || { h=$(sha256sum <\"$f\") && printf '%%s %%s %%s\\n' \"${h%%%% *}\" \"$(stat -c %%s \"$f\")\" \"$f\"; }; done")
			:format(table.concat(names, " ")), { timeout = "12h" }).out
		local found = {}
		for _, line in ipairs(lines(out)) do
			local sha, bytes, file = line:match("^(%x+) (%d+) (.+)$")
			if sha then
				found[file] = true
				list[#list + 1] = { host = one.host, file = file, sha = sha, bytes = tonumber(bytes) }
			end
		end
		for _, file in ipairs(one.files) do
			check(found[file] or file:find("%.record$"), ("%s: %s of the backup is not there any more"):format(one.host, file))
		end
	end
	return list
end

-- A place in parts: { host (nil: this computer), folder, words }; nil and words when it is none.
local function parse(s, text)
	local host, folder = text:match("^([^/:]+):(/.*)$")
	folder = (folder or text):gsub("(.)/+$", "%1")
	if not folder:match("^/[%w%._/-]+$") or (folder .. "/"):find("/../", 1, true) then
		return nil, ("“%s” is no place: a folder of this computer begins with /, one of a host of the fleet is HOST:/FOLDER"):format(text:sub(1, 100))
	end
	if host and not (s.fleet.hosts or {})[host] then return nil, ("the fleet file names no host %s"):format(host:sub(1, 60)) end
	return { host = host, folder = folder, words = (host or "this computer") .. ":" .. folder }
end

local function read_at(place, cmd, opts)
	if place.host then return ssh.read(place.host, cmd, opts) end
	return here.read(cmd, opts)
end

-- Where a file of the backup lies at the place: each host has a folder there, as the archives of hosts have one name.
local function target(place, one) return ("%s/%s/%s"):format(place.folder, one.host, one.file:match("[^/]+$")) end

-- To read a large backup takes longer than a look may. So the digest that was compared is noted beside the copy, with size, times and number of the
-- file: as long as these are the same nobody wrote to it since, and the note counts. Else all of it is read.
local STATE = [[s=$(TZ=UTC stat -c '%s %y %z %i' "$f") note=${f%/*}/.${f##*/}.sha256]]
M.DIGESTS = "for f in %s; do [ -r \"$f\" ] || continue; " .. STATE:gsub("%%", "%%%%") .. [[; h=
	{ read -r h n <"$note"; } 2>/dev/null && [ "$n" = "$s" ] || { h=$(sha256sum <"$f") && h=${h%%%% *}; } && printf '%%s %%s\n' "$h" "$f"
done; true]]
M.NOTE = "umask 077; for f in %s; do h=${f%%%%:*} f=${f#*:}; " .. STATE:gsub("%%", "%%%%") .. [[ && printf '%%s %%s\n' "$h" "$s" >"$note" || exit 1; done]]

-- The digests of what is at the place, by file; without those that are not there.
local function digests(place, list)
	local names, found = {}, {}
	for i, one in ipairs(list) do names[i] = q(target(place, one)) end
	local out = read_at(place, M.DIGESTS:format(table.concat(names, " ")), { timeout = "12h" }).out
	for _, line in ipairs(lines(out)) do
		local sha, file = line:match("^(%x+) (.+)$")
		if sha then found[file] = sha end
	end
	return found
end

-- What is not there, or differs.
local function missing(place, list)
	local there, rest = digests(place, list), {}
	for _, one in ipairs(list) do
		if there[target(place, one)] ~= one.sha then rest[#rest + 1] = one end
	end
	return rest
end

local function sum(list)
	local bytes, largest = 0, 0
	for _, one in ipairs(list) do bytes, largest = bytes + one.bytes, math.max(largest, one.bytes) end
	return bytes, largest
end

local ROOM = [[d=%s; while [ ! -e "$d" ]; do d=$(dirname "$d"); done; [ -d "$d" ] || echo "no folder"; [ -w "$d" ] || echo "not writable: $d by $(id -un)"
df -Pk "$d" | awk 'NR == 2 { print "free " $4 }'; echo "machine $(uname -n) $(cat /etc/machine-id 2>/dev/null)"]]

-- Room and right to write at a place; words when it will not do.
local function refused(place, bytes)
	local answer = read_at(place, ROOM:format(q(place.folder)), { check = false })
	if not answer.ok then return ("%s could not be looked at: %s"):format(place.words, cause(answer)) end
	if answer.out:find("no folder", 1, true) then return place.words .. " is no folder" end
	local which, user = answer.out:match("not writable: ([^\n]*) by ([^\n]*)")
	if which then
		return ("%s: %s may not be written to by %s, who %s; there, sudo install -d -o %s %s makes the folder"):format(place.words, which, user,
			place.host and "logs in there" or "runs bellbook", q(user), q(place.folder))
	end
	local free = tonumber(answer.out:match("free (%d+)"))
	if free and free * 1024 < bytes + SPARE_KB * 1024 then
		return ("there is no room at %s: %s are free, and the copy wants %s"):format(place.words, in_words(free * 1024), in_words(bytes))
	end
	return nil, answer.out:match("machine ([^\n]*)")
end

-- Another user's state folder is not ours; what goes from host to host lies here for as long as it takes.
local function stage() return trim(here.read([[printf %s "${XDG_STATE_HOME:-$HOME/.local/state}/bellbook/copy"]]).out) end

-- Why a place will not do, in words; nil when it will.
local function problem(s, site, list, text)
	local place, why = parse(s, text)
	if not place then return why end
	for _, one in ipairs(list) do
		if one.host == place.host then return ("the backup of %s lies on it already; a disk that dies would take both"):format(place.host) end
	end
	local rest = missing(place, list)
	local bytes, largest = sum(rest)
	local refusal, machine = refused(place, bytes)
	if refusal then return refusal end
	if place.host then
		refusal = largest > 0 and refused({ folder = stage(), words = "this computer, through which it goes" }, largest)
		return refusal or nil
	end
	local first = mastodon.root_read(site.first, "echo \"$(uname -n) $(cat /etc/machine-id 2>/dev/null)\"").out
	if trim(first) == machine then return ("this computer is %s itself, where the backup lies; a disk that dies would take both"):format(site.first) end
	return nil
end

-- Asks where the copy is to go until a place will do.
function M.choose(s, site, list)
	local text, why = s.params.copy_to, nil
	for _ = 1, 20 do
		text = trim(text or s:ask { type = "text", default = M.BY_HAND, text = "Where shall a copy of the backup go?",
			details = (why and ("It cannot be there: %s.\n\n"):format(why) or "") .. ("A folder of this computer (%s, where bellbook runs), like /srv/copies; or HOST:/FOLDER of a host of the fleet. "
				.. "bellbook copies there and compares digests. %s: you copy it yourself, and are asked what sha256sum says there.")
				:format(trim(here.read("uname -n").out), M.BY_HAND) })
		if text == M.BY_HAND then return text end
		why = problem(s, site, list, text)
		if not why then return text end
		s:note(("A copy cannot go to %s: %s."):format(text:sub(1, 100), why))
		text = nil
	end
	fail("no place was named that will do")
end

local function tell(s, place, one)
	s:note(("%s:%s (%s) lies at %s%s too. SHA-256 of both: %s"):format(one.host, one.file, in_words(one.bytes), place.host and place.host .. ":" or "", target(place, one), one.sha))
end

local function same(got, one)
	check(not got.sha256 or got.sha256 == one.sha, ("%s: %s was changed meanwhile, or did not come whole: SHA-256 %s, and before %s"):format(one.host, one.file, tostring(got.sha256), one.sha))
end

-- A folder that only its owner may look into, unless it was made before; run: ssh.run to a host, or here.run.
local function make(made, file, run)
	local folder = file:match("^(.*)/")
	if not made[folder] then run(("umask 077 && mkdir -p %s"):format(q(folder))) end
	made[folder] = true
end

-- From host to host it goes through this computer, and stays here only on the way.
local function pass_on(place, one, dir, made)
	local file, part = target(place, one), ("%s/%s-%s"):format(dir, one.host, one.file:match("[^/]+$"))
	make(made.here, part, here.run)
	make(made.there, file, function(cmd) ssh.run(place.host, cmd) end)
	local ok, why = pcall(function()
		same(ssh.get(one.host, one.file, { as = "root", to = part }), one)
		ssh.put(place.host, { file = part, path = file, mode = "0600" })
	end)
	here.run({ "rm", "-f", part })
	if not ok then error(why, 0) end
end

-- Notes the digests of what has been compared.
local function note(place, list)
	local words = {}
	for i, one in ipairs(list) do words[i] = q(one.sha .. ":" .. target(place, one)) end
	local cmd = M.NOTE:format(table.concat(words, " "))
	if place.host then ssh.run(place.host, cmd) else here.run(cmd) end
end

-- Copies what is not there yet.
function M.copy(s, list, text)
	local place, why = parse(s, text)
	check(place, why)
	local rest = missing(place, list)
	local refusal = refused(place, (sum(rest)))
	check(not refusal, refusal)
	local dir, to_do, made = place.host and #rest > 0 and stage(), {}, { here = {}, there = {} }
	for _, one in ipairs(rest) do to_do[one] = true end
	for _, one in ipairs(list) do
		if to_do[one] and place.host then
			pass_on(place, one, dir, made)
		elseif to_do[one] then
			make(made.here, target(place, one), here.run)
			same(ssh.get(one.host, one.file, { as = "root", to = target(place, one) }), one)
		end
		tell(s, place, one)
	end
	note(place, list)
end

-- Everything is at the place, digest for digest.
function M.are_there(s, list, text)
	local place = parse(s, text)
	return place ~= nil and #missing(place, list) == 0
end

-- The files that what was typed has no digest of; of one at least 16 digits count.
local function unproven(list, typed)
	local rest = {}
	for _, one in ipairs(list) do
		local found = false
		for hex in typed:lower():gmatch("%x+") do
			found = found or (#hex >= 16 and one.sha:sub(1, #hex) == hex)
		end
		if not found then rest[#rest + 1] = one end
	end
	return rest
end

-- What a person types to read a file there: as root no sudo is needed; where it wants a password, that is fed to it, because a terminal would
-- change the bytes. Only the file's own bytes are kept, whatever the log-in prints before them.
local function read_words(how, one)
	local cat = ({ root = "ssh %s cat %s", free = "ssh %s sudo cat %s", asks = "printf '%%s\\n' \"$P\" | ssh %s \"sudo -S -p '' cat %s\"" })[how]
	return (cat .. " | tail -c %d"):format(one.host, q(one.file), one.bytes)
end

-- How the log-in of each host becomes root: "root", "free" (sudo without a password) or "asks".
local function sudo_moods(list)
	local moods, any = {}, false
	for _, one in ipairs(list) do
		if not moods[one.host] then
			local answer = ssh.read(one.host, "if [ \"$(id -u)\" = 0 ]; then echo root; elif sudo -n true 2>/dev/null; then echo free; else echo asks; fi", { check = false })
			moods[one.host] = trim(answer.out):match("^(root)$") or trim(answer.out):match("^(asks)$") or "free"
			any = any or moods[one.host] == "asks"
		end
	end
	return moods, any
end

-- A copy by hand: what sha256sum says there is compared with what the hosts say.
function M.by_hand(s, list)
	local moods, asks = sudo_moods(list)
	local details = asks and { "  $ read -rs P   # sudo's password, for the lines below; nothing is shown" } or {}
	for _, one in ipairs(list) do
		local name = one.host .. "-" .. one.file:match("[^/]+$")
		details[#details + 1] = ("  $ %s >%s   # %s"):format(read_words(moods[one.host], one), name, in_words(one.bytes))
	end
	details[#details + 1] = "  $ sha256sum * | cut -c 1-16 | tr '\\n' ' '"
	local rest = list
	for _ = 1, 20 do
		local typed = s:ask { type = "text", default = NOT_COMPARED, text = "What does sha256sum say of the copies?",
			details = (#rest < #list and ("Of these nothing that was typed is the digest: %s\n\n"):format(M.names(rest)) or "")
				.. "Where the copy lies, the last line gives the first 16 digits of each; paste them all here. The folder is 0700, so the files are read with sudo.\n" .. table.concat(details, "\n") }
		if trim(typed) == NOT_COMPARED then
			s:warn("The copy of the backup was made by hand, and its digests were not compared: whether it is whole is not known.")
			return
		end
		rest = unproven(list, typed)
		if #rest == 0 then
			for _, one in ipairs(list) do s:note(("%s:%s was copied by hand. SHA-256 of both: %s"):format(one.host, one.file, one.sha)) end
			return
		end
		s:note(("Not the same, or not typed: %s."):format(M.names(rest)))
	end
	fail("the copy by hand is not what lies on the hosts: " .. M.names(rest))
end

-- Hosts and files, in a line.
function M.names(list)
	local names = {}
	for i, one in ipairs(list) do names[i] = one.host .. ":" .. one.file end
	return table.concat(names, ", ")
end

return M
