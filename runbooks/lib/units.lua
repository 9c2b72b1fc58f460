-- units.lua - what of Mastodon runs on a host: its units by what they run, its processes, and where they listen.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Names tell little: units may be split, be instances of a template or have names of their own, and an old one may lie there disabled.
-- So a unit is known by its command, or by the process that runs in it; a process by its command line and the folder it runs in.
local M = {}

-- Units whose text has to do with Mastodon, and every process that looks like one of its three, with its ancestors, cgroup and sockets.
-- Of Environment= only where a process is to listen leaves the host: there may be passwords in it.
local LOOK = [=[
live=$(readlink -f %s)
export LC_ALL=C
echo "now=$(date +%%s)"
echo "live=$live"
procs=$(ps -ww -eo pid=,ppid=,etimes=,user:32=,args= | awk '
	{ pid = $1; parent[pid] = $2; age[pid] = $3; user[pid] = $4; args = $0; sub(/^ *[0-9]+ +[0-9]+ +[0-9]+ +[^ ]+ +/, "", args)
	  word = args; sub(/ .*/, "", word); sub(/.*\//, "", word); sub(/:$/, "", word)
	  if (word ~ /^(systemctl|journalctl|grep|rg|tail|less|vi|vim|nano|sh|bash|dash|sudo|su|runuser|tmux|screen|watch|ssh|sshd|git|cat|ps|awk|man|timeout|nohup)$/) next
	  if (args ~ /(^|[ \/])sidekiq(swarm)?( |$)/) kind[pid] = "sidekiq"
	  else if (args ~ /(^|[ \/])puma[: ]/ || args ~ /rails s(erver)?( |$)/) kind[pid] = "web"
	  else if (args ~ /(^|[ \/])node.* [^ ]*streaming/) kind[pid] = "streaming"
	  line[pid] = substr(args, 1, 160) }
	END { for (pid in kind) { top = parent[pid]; chain = pid; for (n = 0; top > 1 && n < 40; n++) { chain = chain " " top; top = parent[top] }
		helper = (parent[pid] in kind) && kind[parent[pid]] == kind[pid] ? parent[pid] : 0
		print pid "|" kind[pid] "|" age[pid] "|" user[pid] "|" helper "|" chain "|" line[pid] } }' | sort -n)
seen=$(printf '%%s\n' "$procs" | while IFS='|' read -r pid kind age user helper chain args; do
	[ -n "$pid" ] || continue
	cwd=$(readlink "/proc/$pid/cwd" 2>/dev/null); case $cwd in "$live" | "$live/"*) cwd=live ;; *) cwd=other ;; esac
	group=$(grep -E '^(0:|1:name=systemd|[0-9]+:name=systemd)' "/proc/$pid/cgroup" 2>/dev/null | grep -oE '[^/:]+\.(service|scope)' | tail -n 1)
	grep -qE '/user@[0-9]+\.service/' "/proc/$pid/cgroup" 2>/dev/null && group="user:$group"
	echo "proc=$pid|$kind|$age|$user|$helper|$cwd|$group|$chain|$args"
	{
		ls -l "/proc/$pid/fd" 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\].*/fd \1/p'
		sed 's/^/tcp /' "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null
		sed 's/^/unix /' "/proc/$pid/net/unix" 2>/dev/null
	} | awk -v pid="$pid" '$1 == "fd" { mine[$2] = 1 }
		$1 == "tcp" && $5 == "0A" && ($11 in mine) { print "listen=" pid "|tcp|" $3 }
		$1 == "unix" && $5 == "00010000" && ($8 in mine) { print "listen=" pid "|unix|" $9 }' | sort -u
done)
printf '%%s\n' "$seen"
names=$({ systemctl list-unit-files --no-legend '*.service'; systemctl list-units --all --plain --no-legend '*.service'; printf '%%s\n' "$seen" | sed -n 's/^proc=.*|\([^|:]*\.service\)|.*/\1/p'; } |
	awk '$1 !~ /@\.service$/ { print $1 }' | sort -u)
[ -z "$names" ] || systemctl show -p Id -p Type -p LoadState -p ActiveState -p SubState -p UnitFileState -p MainPID -p NRestarts -p InvocationID -p Result \
	-p TimeoutStopUSec -p NeedDaemonReload -p WorkingDirectory -p Environment -p ExecStart -p PartOf -p Wants $names 2>/dev/null |
	awk -v live="$live" -v raw=%s -v seen="$seen" 'BEGIN { RS = ""; FS = "\n" } {
		id = ""
		for (i = 1; i <= NF; i++) if ($i ~ /^Id=/) id = substr($i, 4)
		if (index($0, live) == 0 && index($0, raw) == 0 && id !~ /^mastodon-/ && index(seen, "|" id "|") == 0 && $0 !~ /sidekiq|streaming|puma/) next
		print "unit=" id
		for (i = 1; i <= NF; i++) {
			if ($i !~ /^Environment=/) { print $i; continue }
			gsub(/"/, "", $i); n = split(substr($i, 13), word, " ")
			for (k = 1; k <= n; k++) if (word[k] ~ /^(PORT|BIND|SOCKET)=/) print "env_" word[k]
		} }'
true]=]

local FIELDS = { Type = "type", ActiveState = "active", SubState = "sub", UnitFileState = "enabled", LoadState = "load", MainPID = "pid", NRestarts = "restarts",
	InvocationID = "invocation", Result = "result", TimeoutStopUSec = "stop_timeout", NeedDaemonReload = "stale", WorkingDirectory = "folder", ExecStart = "exec",
	PartOf = "part_of", Wants = "wants", env_PORT = "env_port", env_BIND = "env_bind", env_SOCKET = "env_socket" }
local NUMBERS = { pid = true, restarts = true }

local function kind_by_exec(exec)
	exec = exec:gsub("start_time=.*$", "")
	-- The word alone: sidekiq-watchdog.sh and puma_exporter are others' programs.
	local function runs(word) return exec:find("%f[%w_.-]" .. word .. "%f[^%w_.-]") ~= nil end
	if (runs "sidekiq" or runs "sidekiqswarm") and not exec:find("exists only", 1, true) then return "sidekiq" end
	if runs "puma" or exec:find("rails s[ ;e]") then return "web" end
	if exec:find("node[^;]*streaming") then return "streaming" end
end

-- "0100007F:0BB8" of /proc/net/tcp → "127.0.0.1", 3000. Every address becomes one that this host reaches itself at.
function M.decode(text)
	local hex, port = text:match("^(%x+):(%x+)$")
	if not hex then return nil end
	port = tonumber(port, 16)
	if #hex == 8 then
		local a, b, c, d = hex:match("^(%x%x)(%x%x)(%x%x)(%x%x)$")
		local address = ("%d.%d.%d.%d"):format(tonumber(d, 16), tonumber(c, 16), tonumber(b, 16), tonumber(a, 16))
		return address == "0.0.0.0" and "127.0.0.1" or address, port
	end
	local words = {}
	for a, b, c, d in hex:gmatch("(%x%x)(%x%x)(%x%x)(%x%x)") do
		words[#words + 1] = (d .. c):lower()
		words[#words + 1] = (b .. a):lower()
	end
	local all = table.concat(words, ":")
	if all == "0000:0000:0000:0000:0000:0000:0000:0000" then return "[::1]", port end
	local v4a, v4b = all:match("^0000:0000:0000:0000:0000:ffff:(%x+):(%x+)$")
	if v4a then
		return ("%d.%d.%d.%d"):format(tonumber(v4a:sub(1, 2), 16), tonumber(v4a:sub(3, 4), 16), tonumber(v4b:sub(1, 2), 16), tonumber(v4b:sub(3, 4), 16)), port
	end
	return "[" .. all .. "]", port
end

local function parse(text)
	local found, unit = { units = {}, processes = {}, listens = {}, now = 0 }, nil
	for _, line in ipairs(lines(text)) do
		local key, value = line:match("^([%w_]+)=(.*)$")
		if key == "now" then
			found.now = tonumber(value) or 0
		elseif key == "live" then
			found.live = value
		elseif key == "proc" then
			local pid, kind, age, user, helper, cwd, group, chain, args = value:match("^(%d+)|(%w+)|(%d+)|([^|]*)|(%d+)|(%w+)|([^|]*)|([^|]*)|(.*)$")
			if pid then
				found.processes[#found.processes + 1] = { pid = tonumber(pid), kind = kind, started = found.now - tonumber(age), user = user,
					helper_of = helper ~= "0" and tonumber(helper) or nil, ours = cwd == "live", group = group, chain = chain, args = args }
			end
		elseif key == "listen" then
			local pid, how, where = value:match("^(%d+)|(%w+)|(.*)$")
			if pid then found.listens[#found.listens + 1] = { pid = tonumber(pid), how = how, where = where } end
		elseif key == "unit" then
			unit = {}
			found.units[value:gsub("%.service$", "")] = unit
		elseif unit and FIELDS[key] then
			local name = FIELDS[key]
			unit[name] = NUMBERS[name] and (tonumber(value) or 0) or value
		end
	end
	return found
end

local LIVELY = { active = true, activating = true, reloading = true, deactivating = true, refreshing = true }
local ON = { enabled = true, ["enabled-runtime"] = true }

-- Is its process there, or about to be?
function M.is_up(unit) return LIVELY[unit.active] == true end

-- The unit in whose cgroup or below whose main process it runs; nil for one that was started by hand.
local function unit_of(found, p)
	for pid in p.chain:gmatch("%d+") do
		for name, unit in pairs(found.units) do
			if unit.pid == tonumber(pid) then return name end
		end
	end
	local name = p.group:match("^([^:]+)%.service$")
	return name and found.units[name] and found.units[name].load == "loaded" and name or nil
end

local function names_of(found)
	local list = {}
	for name in pairs(found.units) do list[#list + 1] = name end
	table.sort(list)
	return list
end

-- What a name tells, where nothing else does: the guide's own names their kind; a longer one only of a unit that is not there now, as of one that is, its
-- processes tell (mastodon-sidekiq-watchdog, mastodon-web-exporter).
local function kind_by_name(name, unit)
	for _, kind in ipairs { "web", "sidekiq", "streaming" } do
		local rest = name:match("^mastodon%-" .. kind .. "(.*)$")
		if rest and (rest == "" or rest:find("^@") or not M.is_up(unit) and unit.type ~= "oneshot") then
			return kind
		end
	end
end

-- Each unit's kind, and whether it belongs to this Mastodon: by its command, by what runs in it, by its folder, at last by its name.
local function classify(found, live, named)
	for _, name in ipairs(names_of(found)) do
		local unit = found.units[name]
		unit.kind = named[name] or kind_by_exec(unit.exec or "")
		unit.ours = named[name] ~= nil or unit.folder == live or (found.live ~= "" and unit.folder == found.live) or (unit.exec or ""):find(live .. "/", 1, true) ~= nil
	end
	for _, p in ipairs(found.processes) do
		p.unit = unit_of(found, p)
		local unit = p.unit and found.units[p.unit]
		if unit and p.ours then
			unit.kind, unit.ours = unit.kind or p.kind, true
		end
	end
	for _, name in ipairs(names_of(found)) do
		local unit = found.units[name]
		if not unit.kind then unit.kind = kind_by_name(name, unit) end
		if unit.kind and not unit.ours and kind_by_name(name, unit) and (unit.folder or "") == "" then unit.ours = true end
	end
	-- A unit that stands for others (mastodon-streaming) is of their kind.
	for _, name in ipairs(names_of(found)) do
		local unit = found.units[name]
		for whole in (unit.ours and unit.kind and unit.part_of or ""):gmatch("(%S+)%.service") do
			local parent = found.units[whole]
			if parent and parent.type == "oneshot" then
				parent.kind, parent.ours, unit.whole = unit.kind, true, whole
			end
		end
	end
end

-- Does it count: is it active, or enabled so that it is to be? One that was switched off or masked stays as it is, and a name that
-- systemd only remembers is no unit.
local function count(found)
	found.elsewhere = {}
	for name, unit in pairs(found.units) do
		if not unit.kind or not unit.ours then
			found.units[name] = nil
			if unit.kind and (unit.folder or "") ~= "" and M.is_up(unit) then found.elsewhere[name] = { kind = unit.kind, folder = unit.folder } end
		else
			unit.runs = M.is_up(unit) or (unit.load == "loaded" and ON[unit.enabled] == true)
		end
	end
	-- An instance that only its group starts (streaming@4000) counts with it.
	for _, unit in pairs(found.units) do
		local whole = unit.whole and found.units[unit.whole]
		if whole and whole.runs and (" " .. (whole.wants or "") .. " "):find("@", 1, true) and unit.active == "failed" then unit.runs = true end
	end
end

-- Where the processes of a kind listen: { unit, pid, address, port } or { unit, pid, socket }, each place once.
local function listeners(found, kind)
	local list, seen, by_pid = {}, {}, {}
	for _, p in ipairs(found.processes) do
		if p.kind == kind and p.ours then by_pid[p.pid] = p end
	end
	for _, l in ipairs(found.listens) do
		local p = by_pid[l.pid]
		if p and not seen[l.where] then
			local address, port = nil, nil
			if l.how == "tcp" then address, port = M.decode(l.where) end
			if port or l.how == "unix" and l.where:find("^/") then
				seen[l.where] = true
				list[#list + 1] = { unit = p.unit, pid = p.helper_of or p.pid, address = address, port = port, socket = l.how == "unix" and l.where or nil }
			end
		end
	end
	table.sort(list, function(a, b) return (a.port or 0) < (b.port or 0) or (a.port == b.port and (a.socket or a.address) < (b.socket or b.address)) end)
	return list
end

-- Where a unit is told to listen; what its process really does is better, but it may be down.
local function told(unit, usual)
	local exec = unit.exec or ""
	local socket = exec:match("unix://([^%s;]+)") or unit.env_socket
	if socket and not exec:find("tcp://", 1, true) then return { socket = socket } end
	local address, port = exec:match("tcp://([^%s;]-):(%d+)")
	port = tonumber(port or exec:match("%s%-p%s*(%d+)") or unit.env_port) or usual
	address = address or unit.env_bind or "127.0.0.1"
	return { address = address == "0.0.0.0" and "127.0.0.1" or address, port = port }
end

-- The places where something listens, and those where a unit that is up should and does not: it is broken, or still boots. When nothing
-- listens at all, where each would.
local function places(found, kind, usual)
	local list, heard, taken = listeners(found, kind), {}, {}
	local none = #list == 0
	for _, place in ipairs(list) do
		heard[place.unit or ""], taken[M.place_text(place)] = true, true
	end
	for _, name in ipairs(names_of(found)) do
		local unit = found.units[name]
		if unit.kind == kind and unit.runs and unit.type ~= "oneshot" and (none or M.is_up(unit) and not heard[name]) then
			local place = told(unit, usual)
			place.unit, place.told = name, true
			if not taken[M.place_text(place)] then list[#list + 1] = place end
			taken[M.place_text(place)] = true
		end
	end
	return list
end

-- { units, processes, web = { place … }, streaming = { place … }, now, elsewhere = { name → kind and folder of what runs another Mastodon } }. named: unit → kind, from the fleet file. Reads as root.
function M.look(host, live, named)
	local answer = ssh.read(host, LOOK:format(q(live), q(live)), { as = "root" })
	local found = parse(answer.out)
	check(found.now > 0, host .. ": its services could not be looked at: " .. trim(answer.out .. answer.err):sub(1, 200))
	classify(found, live, named or {})
	count(found)
	found.web, found.streaming = places(found, "web", 3000), places(found, "streaming", 4000)
	return found
end

-- How a place is written, for people and for curl.
function M.place_text(place)
	return place.socket and "socket " .. place.socket or ("%s:%d"):format(place.address, place.port)
end

function M.curl_place(place, path)
	if place.socket then return ("--unix-socket %s %s"):format(q(place.socket), q("http://localhost" .. path)) end
	return q(("http://%s:%d%s"):format(place.address, place.port, path))
end

return M
