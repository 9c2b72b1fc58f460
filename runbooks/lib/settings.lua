-- settings.lua - the settings of a Mastodon server as Ruby's dotenv, systemd and Mastodon read them. SPDX-License-Identifier: GPL-3.0-or-later
--
-- A value is read on its host, by the awk program below. What leaves the host are values that are no secret, for a secret that it is
-- set, addresses without their password, and digests. Nothing of the files is executed: $(command) is named and left alone.
local M = {}

-- Modes: `facts`, one line for what may be told of each setting; `values NAME…`, NAME=value of each, for a digest; `value NAME`;
-- `password NAME`, of the address in NAME. BB_ENV: a unit's environment as `systemctl show` prints it; BB_FILES: its EnvironmentFiles,
-- with a - in front of one that needs not be there.
M.READER = [==[
function blank(c) { return c != "" && index(" \t\n\r\f\v", c) > 0 }
function skip(p) { while (blank(substr(T, p, 1))) p++; return p }
# Nothing but blanks and a comment up to an end of line? STOP is where that is.
function ends(p,  x, c) {
	for (x = skip(p); x >= p; x--) {
		c = substr(T, x, 1)
		if (c == "#") { while (c != "" && c != "\n") c = substr(T, ++x, 1); STOP = x; return 1 }
		if (c == "" || c == "\n") { STOP = x; return 1 }
	}
	return 0
}
# A quoted text, from p on: the farthest closing quote behind which the line ends; one behind a backslash is the last choice.
function quoted(p,  from, q, n, c, shut) {
	from = p; p = skip(p); q = substr(T, p, 1)
	if (q != "'" && q != "\"") return 0
	for (p++; (c = substr(T, p, 1)) != ""; p++) {
		if (c == "\\" && substr(T, p + 1, 1) == q) shut[++n] = ++p
		else if (c == q) { if (ends(p + 1)) { VALUE = substr(T, from, p - from + 1); return 1 } break }
	}
	for (; n > 0; n--) if (ends(shut[n] + 1)) { VALUE = substr(T, from, shut[n] - from + 1); return 1 }
	return 0
}
function plain(p,  x, c) {
	for (x = p; (c = substr(T, x, 1)) != "" && c != "\n" && c != "#"; x++) ;
	if (x == p) return 0
	VALUE = substr(T, p, x - p)
	return ends(x)
}
function entry(p, exported,  k, key, v) {
	for (k = p; substr(T, k, 1) ~ /^[A-Za-z0-9_.]$/; k++) ;
	if (k == p) return 0
	key = substr(T, p, k - p)
	VALUE = ""; HAS = 1; v = skip(k)
	if (substr(T, v, 1) == "=") v++
	else if (substr(T, k, 1) == ":" && blank(substr(T, k + 1, 1))) v = k + 2
	else { HAS = 0; if (!ends(k)) return 0 }
	if (HAS && !quoted(v) && !plain(v)) { HAS = 0; VALUE = ""; ends(v) }
	if (key in ENVV && key != "DOTENV_LINEBREAK_MODE") H[key] = ENVV[key]
	else if (exported && !HAS) { if (!(key in H)) broken = broken FILE ": export " key " without a value" "\n" }
	else H[key] = meaning(key, VALUE)
	return 1
}
function meaning(key, v,  n, q) {
	while (blank(substr(v, 1, 1))) v = substr(v, 2)
	while ((n = length(v)) && blank(substr(v, n, 1))) v = substr(v, 1, n - 1)
	q = substr(v, 1, 1)
	if ((q == "'" || q == "\"") && n > 1 && substr(v, n, 1) == q) v = substr(v, 2, n - 2)
	else q = ""
	if (q == "'") return v
	if (q == "\"") v = newlines(v)
	return variables(commands(key, unescape(v)))
}
function newlines(v,  mode, out, p, c) {
	mode = "DOTENV_LINEBREAK_MODE" in H ? H["DOTENV_LINEBREAK_MODE"] : ENVV["DOTENV_LINEBREAK_MODE"]
	for (p = 1; (c = substr(v, p, 1)) != ""; p++) {
		if (c == "\\" && index("nr", substr(v, p + 1, 1)) && p < length(v)) {
			c = substr(v, ++p, 1)
			out = out (mode == "legacy" ? (c == "n" ? "\n" : "\r") : "\\\\" c)
		} else out = out c
	}
	return out
}
function unescape(v,  out, p, c) {
	for (p = 1; (c = substr(v, p, 1)) != ""; p++) {
		if (c == "\\" && p < length(v) && substr(v, p + 1, 1) != "$") c = substr(v, ++p, 1)
		out = out c
	}
	return out
}
# The end of the balanced, nowhere empty parentheses that begin at p, or 0.
function balanced(v, p,  deep, c) {
	if (substr(v, p, 1) != "(") return 0
	for (; (c = substr(v, p, 1)) != ""; p++) {
		if (c == "(") { if (substr(v, p + 1, 1) == ")") return 0; deep++ }
		else if (c == ")" && --deep == 0) return p
	}
	return 0
}
function commands(key, v,  out, p, c, e) {
	for (p = 1; (c = substr(v, p, 1)) != ""; p++) {
		if (c == "\\" && substr(v, p + 1, 1) == "$" && (e = balanced(v, p + 2))) { out = out substr(v, p + 1, e - p); p = e }
		else if (c == "$" && (e = balanced(v, p + 1))) { COMMAND[key] = 1; p = e }
		else out = out c
	}
	return out
}
function known(name) {
	if (name in H) return H[name]
	if (name in ENVV) return ENVV[name]
	return name ~ /^(HOME|USER|LOGNAME|SHELL|LANG)$/ ? ENVIRON[name] : ""
}
function variables(v,  out, p, d, e, name, c) {
	for (p = 1; (c = substr(v, p, 1)) != ""; p++) {
		d = c == "\\" ? p + 1 : p
		if (substr(v, d, 1) != "$" || substr(v, d + 1, 1) == "(") { out = out c; continue }
		e = d + 1
		if (substr(v, e, 1) == "{") e++
		name = ""
		while (substr(v, e, 1) ~ /^[A-Za-z0-9_]$/) name = name substr(v, e++, 1)
		if (substr(v, e, 1) == "}") e++
		out = out (d > p ? substr(v, d, e - d) : name != "" ? known(name) : substr(v, p, e - p))
		p = e - 1
	}
	return out
}
function slurp(path,  line, n, got) {
	T = ""
	while ((got = (getline line < path)) > 0) T = T (n++ ? "\n" : "") line
	close(path)
	return got == 0
}
function dotenv(path,  p, c, k) {
	if (!slurp(path)) return
	read = read " " path
	FILE = path; delete H
	if (substr(T, 1, 3) == "\357\273\277") T = substr(T, 4)
	gsub(/\r\n?/, "\n", T)
	for (p = 1; p <= length(T); p++) {
		STOP = 0; k = skip(p)
		if (!(substr(T, k, 6) == "export" && blank(substr(T, k + 6, 1)) && entry(skip(k + 6), 1)) && !entry(k, 0)) STOP = p
		for (p = STOP; (c = substr(T, p, 1)) != "" && c != "\n"; p++) ;
	}
	for (k in H) if (!(k in ENVV)) { ENVV[k] = H[k]; FROM[k] = path }
}
# One file of EnvironmentFile=: systemd's own rules. With a - in front it needs not be there.
function environment_file(path,  p, c, q, key, v, keep, before, may) {
	if (substr(path, 1, 1) == "-") { may = 1; path = substr(path, 2) }
	if (!slurp(path)) { if (!may) lost = lost " " path; return }
	files = files " " path
	for (p = 1; p <= length(T); p++) {
		p = skip(p)
		c = substr(T, p, 1)
		if (c == "#" || c == ";") { while ((c = substr(T, p, 1)) != "" && c != "\n") { if (c == "\\") p++; p++ } continue }
		key = ""; v = ""; q = ""; keep = 0
		while ((c = substr(T, p, 1)) != "" && c != "=" && c != "\n") { key = key c; p++ }
		sub(/[ \t]+$/, "", key)
		if (c != "=") continue
		for (p++; substr(T, p, 1) == " " || substr(T, p, 1) == "\t"; p++) ;
		for (before = 1; (c = substr(T, p, 1)) != ""; p++) {
			if (q == "" && (c == "\n" || c == "\r")) break
			if (q == "" && before) {
				if (c == " " || c == "\t") continue
				before = 0
				if (c == "'" || c == "\"") { q = c; continue }
			}
			if (q != "" && c == q) { q = ""; before = 1; keep = length(v); continue }
			if (c == "\\" && q != "'") {
				c = substr(T, ++p, 1)
				if (c == "\n") continue
				if (q != "" && !index("\"\\`$", c)) v = v "\\"
			}
			v = v c
			if (q != "" || !blank(c)) keep = length(v)
		}
		v = substr(v, 1, keep)
		unit(key, v, "file")
	}
}
function unit(key, v, where) { if (key ~ /^[A-Za-z_][A-Za-z0-9_]*$/) { ENVV[key] = v; FROM[key] = where } }
function environment(text,  p, c, q, w) {
	for (p = 1; p <= length(text) + 1; p++) {
		c = substr(text, p, 1)
		if (c == "" || q == "" && blank(c)) { if (index(w, "=")) unit(substr(w, 1, index(w, "=") - 1), substr(w, index(w, "=") + 1), "unit"); w = "" }
		else if (c == "\"") q = q == "" ? c : ""
		else if (c == "\\") w = w substr(text, ++p, 1)
		else w = w c
	}
}
function hex(c) { return index("0123456789abcdef", tolower(c)) - 1 }
function decoded(v, plus,  out, p, c) {
	for (p = 1; (c = substr(v, p, 1)) != ""; p++) {
		if (c == "%" && substr(v, p + 1, 2) ~ /^[0-9A-Fa-f][0-9A-Fa-f]$/) { c = sprintf("%c", hex(substr(v, p + 1, 1)) * 16 + hex(substr(v, p + 2, 1))); p += 2 }
		else if (c == "+" && plus) c = " "
		out = out c
	}
	return out
}
# Takes an address apart: BEFORE, USERINFO (up to the last @ in front of ?), AFTER.
function apart(url,  at, mark, query, x) {
	at = index(url, "://")
	BEFORE = at ? substr(url, 1, at + 2) : ""; AFTER = substr(url, length(BEFORE) + 1); USERINFO = ""; query = ""
	if ((mark = index(AFTER, "?"))) { query = substr(AFTER, mark); AFTER = substr(AFTER, 1, mark - 1) }
	for (x = length(AFTER); x > 0 && substr(AFTER, x, 1) != "@"; x--) ;
	if (x) { USERINFO = substr(AFTER, 1, x - 1); AFTER = substr(AFTER, x + 1); WITH = 1 } else WITH = 0
	AFTER = AFTER query
}
function password(url,  colon, redis) {
	apart(url); redis = BEFORE ~ /^(redis|unix)/; colon = index(USERINFO, ":")
	if (colon) return decoded(substr(USERINFO, colon + 1), redis)
	return redis ? decoded(USERINFO, 1) : ""
}
# The address without what is secret in it; a ! in front says that it is not written as an address must be.
function shown(url,  colon, who) {
	apart(url); colon = index(USERINFO, ":")
	who = colon ? substr(USERINFO, 1, colon) (colon < length(USERINFO) ? "(set)" : "") : BEFORE ~ /^(redis|unix)/ && USERINFO != "" ? "(set)" : USERINFO
	gsub(/password=[^&]*/, "password=(set)", AFTER)
	return (BEFORE == "" || USERINFO ~ /[\/@ \t#]/ || USERINFO ~ /%([^0-9A-Fa-f]|.[^0-9A-Fa-f])/ ? "!" : "") BEFORE who (WITH ? "@" : "") AFTER
}
function clean(v) { gsub(/[[:cntrl:]]/, "?", v); return v }
function facts(  n, i, name, list, key) {
	print "env_files=" read files
	if (lost != "") print "env_lost=" lost
	if (broken != "") { sub(/\n$/, "", broken); gsub(/\n/, "; ", broken); print "env_broken=" broken }
	n = split("LOCAL_DOMAIN WEB_DOMAIN ALTERNATE_DOMAINS DB_HOST DB_PORT DB_NAME DB_USER DB_SSLMODE PREPARED_STATEMENTS ES_ENABLED MASTODON_USE_LIBVIPS " \
		"REDIS_NAMESPACE MASTODON_VERSION_METADATA MASTODON_VERSION_PRERELEASE " family("HOST PORT DB USER SENTINELS SENTINEL_MASTER SENTINEL_PORT"), list, " ")
	for (i = 1; i <= n; i++) if (list[i] in ENVV) print "env_" list[i] "=" clean(ENVV[list[i]])
	n = split("DATABASE_URL " family("URL"), list, " ")
	for (i = 1; i <= n; i++) if (ENVV[list[i]] != "") print "env_" list[i] "=" clean(shown(ENVV[list[i]]))
	n = split("DB_PASS OTP_SECRET SELF_DESTRUCT SECRET_KEY_BASE " family("PASSWORD SENTINEL_USERNAME SENTINEL_PASSWORD"), list, " ")
	for (i = 1; i <= n; i++) if (ENVV[list[i]] != "") print "env_" list[i] "=(set)"
	n = 0
	for (key in ENVV) {
		if (key ~ /^ACTIVE_RECORD_ENCRYPTION_(DETERMINISTIC_KEY|KEY_DERIVATION_SALT|PRIMARY_KEY)$/ && ENVV[key] != "") n++
		if (key in COMMAND) print "command_" key "=" FROM[key]
		if (FROM[key] ~ /^(unit|file)$/) print FROM[key] "_" key "=" (key ~ /PASS|SECRET|KEY|TOKEN|URL/ || FROM[key] == "file" ? "(set)" : clean(ENVV[key]))
	}
	print "keys=" n
}
function family(names,  n, list, i, out) {
	n = split(names, list, " ")
	for (i = 1; i <= n; i++) out = out " REDIS_" list[i] " SIDEKIQ_REDIS_" list[i] " CACHE_REDIS_" list[i]
	return substr(out, 2)
}
BEGIN {
	RS = "\n"
	if ("BB_ENV" in ENVIRON) environment(ENVIRON["BB_ENV"])
	else for (k in ENVIRON) { ENVV[k] = ENVIRON[k] }
	n = split(ENVIRON["BB_FILES"], list, "\n")
	for (i = 1; i <= n; i++) if (list[i] != "") environment_file(list[i])
	mode = "RAILS_ENV" in ENVV ? ENVV["RAILS_ENV"] : "production"
	dotenv(".env." mode ".local"); dotenv(".env.local"); dotenv(".env." mode); dotenv(".env")
	if (ARGV[1] == "facts") facts()
	else if (ARGV[1] == "value") printf "%s", ENVV[ARGV[2]]
	else if (ARGV[1] == "password") printf "%s", password(ENVV[ARGV[2]])
	else if (ARGV[1] == "values") for (i = 2; i < ARGC; i++) print ARGV[i] "=" ENVV[ARGV[i]]
	else if (ARGV[1] == "all") for (k in ENVV) if (FROM[k] != "") printf "%s=%s%c", k, ENVV[k], 0
	exit
}
]==]

-- ---- what a host says ----

local PLAIN = [[sed -n "s/^\(export \)\{0,1\}%s=//p" .env.production | tail -n 1 | sed "s/^['\"]//; s/['\"]\$//"]]
local PLAIN_URL = [[sed -n "s#^%s=.*://[^:]*:\([^@]*\)@.*#\1#p" .env.production | tail -n 1]]

-- Shell text before what reads settings, as root in Mastodon's folder with READER as stdin: r MODE… reads them as the unit's processes do.
local READ = [=[prog=$(cat) unit=%s
HOME=$(getent passwd %s | cut -d : -f 6) USER=%s LOGNAME=%s BB_ENV=RAILS_ENV=production BB_FILES=
[ -z "$unit" ] || BB_ENV=$(systemctl show -p Environment --value "$unit") BB_FILES=$(systemctl show -p EnvironmentFiles --value "$unit" |
	sed -e 's/^\(.*\) (ignore_errors=yes)$/-\1/' -e 's/ (ignore_errors=no)$//' | while IFS= read -r f; do
	case $f in *[*?[]*) may=; case $f in -*) may=-; f=${f#-} ;; esac; for one in $f; do printf '%%s\n' "$may$one"; done ;; *) printf '%%s\n' "$f" ;; esac
done)
export HOME USER LOGNAME BB_ENV BB_FILES LC_ALL=C
r() { awk "$prog" "$@"; }
]=]

-- Run as root in Mastodon's folder, with READER as stdin. plain_NAME: a short command gives the same value.
local LOOK = READ .. [=[
r facts || exit 1
case $BB_ENV in *\"*) echo quoted=yes ;; esac
base=$(r value SECRET_KEY_BASE)
digest() { printf '%%s\n%%s\n' "$base" "$(r values "$@")" | sha256sum | cut -c 1-16; }
echo "keys_sha=$(digest ACTIVE_RECORD_ENCRYPTION_DETERMINISTIC_KEY ACTIVE_RECORD_ENCRYPTION_KEY_DERIVATION_SALT ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY)"
echo "base_sha=$(digest SECRET_KEY_BASE OTP_SECRET)"
for n in DB_PASS REDIS_PASSWORD SIDEKIQ_REDIS_PASSWORD CACHE_REDIS_PASSWORD; do
	v=$(r value $n)
	[ -z "$v" ] || { echo "sha_$n=$(digest $n)"; [ "$v" != "$(]=] .. PLAIN:format("$n") .. [=[)" ] || echo "plain_$n=yes"; }
done
for n in DATABASE_URL REDIS_URL SIDEKIQ_REDIS_URL CACHE_REDIS_URL; do
	v=$(r password $n)
	[ -z "$v" ] || { echo "sha_$n=$(digest $n)"; [ "$v" != "$(]=] .. PLAIN_URL:format("$n") .. [=[)" ] || echo "plain_$n=yes"; }
done
for n in VAPID_PRIVATE_KEY VAPID_PUBLIC_KEY; do [ -z "$(r value $n)" ] || echo "sha_$n=$(digest $n)"; done
# A file of EnvironmentFile= that sh reads as systemd does can be given to our own commands.
printf '%%s\n' "$BB_FILES" | while read -r f; do
	f=${f#-}; [ -z "$f" ] || [ ! -r "$f" ] || grep -Evq "^[[:space:]]*(#.*)?$|^[A-Za-z_][A-Za-z0-9_]*=(\"[^\"\$\`\\\\]*\"|'[^']*'|[]A-Za-z0-9_./:@%%+,=-]*)[[:space:]]*$" "$f" || echo "sourced=$f"
done
true]=]

-- NAME=DIGEST of every setting that is not empty, wherever it comes from. A digest of a short password could be guessed, so each is made
-- together with SECRET_KEY_BASE, which is long and stays there; that one stands for itself. A value of several lines is made one.
M.DIGESTS = READ .. [=[
base=$(r value SECRET_KEY_BASE)
r all | tr '\n\000' '\036\n' | while IFS= read -r line; do
	name=${line%%%%=*}; value=${line#*=}
	[ -n "$value" ] || continue
	key=$base; [ "$name" != SECRET_KEY_BASE ] || key=
	printf '%%s=%%s\n' "$name" "$(printf '%%s\n%%s' "$key" "$value" | sha256sum | cut -c 1-12)"
done
true]=]

-- Takes the lines of LOOK apart. given: what may be told, also when it is empty; env: what is not empty; unit, file: names that come from
-- the unit's Environment= and EnvironmentFile=, with the value where that is no secret.
function M.parsed(text)
	local h = { given = {}, env = {}, unit = {}, file = {}, command = {}, plain = {}, sha = {}, sourced = {} }
	for row in (text .. "\n"):gmatch("([^\n]*)\n") do
		local key, value = row:match("^([%w_]+)=(.*)$")
		local kind, name = (key or ""):match("^(%l+)_([%u%d_]+)$")
		if kind == "env" then
			h.given[name] = value
			if value ~= "" then h.env[name] = value end
		elseif key == "sourced" then
			h.sourced[#h.sourced + 1] = value
		elseif kind and type(h[kind]) == "table" then
			h[kind][name] = value
		elseif key then
			h[key] = value
		end
	end
	return h
end

-- Settings of a host as its unit's processes read them. unit may be nil.
function M.look(host, live, user, unit)
	local who = q(user)
	local h = M.parsed(ssh.read(host, LOOK:format(q(unit or ""), who, who, who), { as = "root", cwd = live, stdin = M.READER }).out)
	h.settings_unit = unit
	return h
end

-- NAME → digest of the settings of a host as its unit's processes read them.
function M.digests(host, live, user, unit)
	local who, map = q(user), {}
	local out = ssh.read(host, M.DIGESTS:format(q(unit or ""), who, who, who), { as = "root", cwd = live, stdin = M.READER }).out
	for name, digest in ("\n" .. out):gmatch("\n([%w_]+)=(%x+)") do map[name] = digest end
	return map
end

-- What a unit sets for its own process, and no command of ours needs.
local ITS_OWN = { RAILS_ENV = true, NODE_ENV = true, PORT = true, BIND = true, SOCKET = true, LD_PRELOAD = true, PATH = true, LANG = true, DB_POOL = true,
	MAX_THREADS = true, WEB_CONCURRENCY = true, SIDEKIQ_CONCURRENCY = true, MALLOC_ARENA_MAX = true, MALLOC_CONF = true, RUBY_YJIT_ENABLE = true,
	STREAMING_CLUSTER_NUM = true, PREPARED_STATEMENTS = true }

local function sorted_keys(map)
	local list = {}
	for key in pairs(map) do list[#list + 1] = key end
	table.sort(list)
	return list
end

-- Shell text before a command: e NAME prints a value of the unit's Environment=. systemctl puts a word with blanks or other signs of a shell into
-- quotes, with a backslash before some of them.
local QUOTED = [==[e() { systemctl show -p Environment --value %s | awk -v n="$1=" 'BEGIN { RS = "\001" } { for (p = 1; p <= length($0); p++) { c = substr($0, p, 1)
if (c == "\"") q = !q; else if (c == "\\") w = w substr($0, ++p, 1); else if (q || c != " " && c != "\n") w = w c; else { if (index(w, n) == 1) v = substr(w, length(n) + 1); w = "" } } }
END { printf "%%s", v }'; }; ]==]

-- What our commands on that host need so that they read what its services read: shell text before the command, and variables.
-- Or nil and what is in the way.
function M.carried(h, can_read)
	local text, env = {}, {}
	for _, name in ipairs(sorted_keys(h.unit)) do
		if not ITS_OWN[name] and h.unit[name] == "(set)" and h.quoted then
			text[#text + 1] = (#text == 0 and QUOTED:format(q(h.settings_unit)) or "") .. ("export %s=\"$(e %s)\"; "):format(name, name)
		elseif not ITS_OWN[name] and h.unit[name] == "(set)" then
			text[#text + 1] = ("export %s=\"$(systemctl show -p Environment --value %s | tr ' ' '\\n' | sed -n 's/^%s=//p')\"; ")
				:format(name, q(h.settings_unit), name)
		elseif not ITS_OWN[name] then
			env[name] = h.unit[name]
		end
	end
	local wanted = false
	for name in pairs(h.file) do wanted = wanted or not ITS_OWN[name] end
	if wanted then
		for path in (h.env_files or ""):gmatch("(/%S+)") do
			local how
			for _, good in ipairs(h.sourced) do how = how or good == path end
			if not how then
				return nil, ("%s holds settings (EnvironmentFile= of %s) in a form that sh reads otherwise than systemd does. Write each as NAME=value, "
					.. "with '…' around a value that has blanks or signs in it"):format(path, h.settings_unit)
			end
			if not can_read(path) then
				return nil, ("%s holds settings (EnvironmentFile= of %s), and Mastodon's user may not read it, so that no command of this runbook would "
					.. "have them. chgrp it to that user's group and chmod 640"):format(path, h.settings_unit)
			end
			text[#text + 1] = ("set -a; . %s; set +a; "):format(q(path))
		end
	end
	return { text = table.concat(text), env = env }
end

-- ---- secrets, as shell text that gives them on the host ----

-- The value of a setting, in double quotes.
function M.value(h, name)
	if h.unit[name] or h.file[name] then return ('"$%s"'):format(name) end
	if h.plain[name] then return ('"$(%s)"'):format(PLAIN:format(name)) end
	return ('"$(awk -f - value %s)"'):format(name)
end

-- The password in an address, in double quotes.
function M.url_password(h, name)
	if h.plain[name] and not h.unit[name] and not h.file[name] then return ('"$(%s)"'):format(PLAIN_URL:format(name)) end
	return ('"$(awk -f - password %s)"'):format(name)
end

-- A command with such a text in it wants the reader on its stdin.
function M.stdin_for(cmd) return cmd:find('"$(awk -f - ', 1, true) and M.READER or nil end

-- ---- addresses ----

local function unescape(text)
	return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- Parts of an address as READER shows it, or nil and what is wrong with it.
function M.url(text)
	if text:sub(1, 1) == "!" then return nil, "has signs in its user or password that must be written as %XX there (@ is %40, / is %2F, # is %23)" end
	local scheme, rest = text:match("^(%a[%w+.-]*)://(.*)$")
	if not scheme then return nil, "does not look like an address" end
	local place, query = rest:match("^([^?#]*)%??([^#]*)")
	local info, after = place:match("^(.*)@(.*)$")
	local authority, path = (after or place):match("^([^/]*)(.*)$")
	local host, port = authority:match("^(%[.*%]):?(%d*)$")
	if not host then host, port = authority:match("^([^:]*):?(%d*)$") end
	if not host then return nil, "has an address that is not understood" end
	local user, secret
	if info then
		user, secret = info:match("^([^:]*):?(.*)$")
	end
	local options = {}
	for key, value in query:gmatch("([^&=]+)=([^&]*)") do options[key] = value end
	return { scheme = scheme, host = host:match("^%[(.*)%]$") or host, port = tonumber(port), path = path, user = user ~= "" and user or nil,
		secret = secret ~= "" and secret ~= nil, options = options }
end

-- ---- Redis ----

local function redis_from_url(env, name)
	local url, why = M.url(env[name])
	if not url then return nil, name .. " " .. why end
	local place = { name = name, db = 0, tls = url.scheme == "rediss" }
	local unix = url.scheme == "unix"
	if not unix and url.scheme ~= "redis" and url.scheme ~= "rediss" then
		return nil, ("%s begins with %s://, which Mastodon does not know; it should look like redis://HOST:PORT/0"):format(name, url.scheme)
	end
	local only = url.user == "(set)"
	if url.secret or only then place.auth = { url = name } end
	if url.secret and not only then place.user = url.user end
	if unix then
		place.path = url.path
		if url.path == "" then return nil, name .. " names no socket" end
	else
		place.host, place.port = url.host ~= "" and url.host or "localhost", url.port or 6379
		local db = url.path:match("^/?(.*)$")
		if db ~= "" and not tonumber(db) then return nil, ("%s names the database “%s”, which is no number"):format(name, db) end
		place.db = tonumber(db) or 0
	end
	if url.options.db then place.db = tonumber(url.options.db) or place.db end
	return place
end

local function port_of(given, name, usual)
	local text = given[name]
	if text == nil or text == "" then return usual end
	return tonumber(text:match("^%s*(%d+)%s*$"))
end

-- Sentinels of a setting: { {host, port} … }, or nil.
local function sentinels_of(given, p)
	local list, port = {}, port_of(given, p .. "SENTINEL_PORT", 26379) or 26379
	for one in (given[p .. "SENTINELS"] or ""):gmatch("[^,]+") do
		local host, its = one:match("^%s*([^:%s]+):?(%d*)%s*$")
		if host then list[#list + 1] = { host = host, port = tonumber(its) or port } end
	end
	return given[p .. "SENTINEL_MASTER"] and given[p .. "SENTINEL_MASTER"] ~= "" and #list > 0 and list or nil
end

-- Where a Redis of Mastodon is, as Mastodon finds it: an address of its own, else host and port of its own, else the common one's.
-- kind: "", "SIDEKIQ_" or "CACHE_". Or nil and what is wrong.
function M.redis_place(h, kind)
	local given, env, p = h.given, h.env, kind .. "REDIS_"
	if env[p .. "URL"] then return redis_from_url(env, p .. "URL") end
	local list = sentinels_of(given, p)
	local host = given[p .. "HOST"]
	if host == nil and kind == "" then host = "localhost" end
	if (host == nil or host == "") and not list then
		if kind ~= "" then return M.redis_place(h, "") end
		return nil, "REDIS_HOST is there, but empty"
	end
	local place = { name = p .. "HOST", host = host, port = port_of(given, p .. "PORT", 6379), db = port_of(given, p .. "DB", 0), user = env[p .. "USER"],
		auth = env[p .. "PASSWORD"] and { name = p .. "PASSWORD" } or nil, sentinels = list, master = list and given[p .. "SENTINEL_MASTER"] }
	if not place.port then return nil, ("%sPORT is “%s”, which is no number"):format(p, given[p .. "PORT"]) end
	if not place.db then return nil, ("%sDB is “%s”, which is no number"):format(p, given[p .. "DB"]) end
	if list and (env[p .. "SENTINEL_PASSWORD"] or env[p .. "SENTINEL_USERNAME"]) then place.locked = p .. "SENTINEL_PASSWORD" end
	if not place.auth then place.user = nil end
	return place
end

-- In words, for people: where that Redis is.
function M.redis_words(place)
	local where = place.path or ("%s:%d"):format(place.host or "?", place.port or 0)
	return ("%s, database %d%s"):format(where, place.db, place.master and (" (the master that Sentinel names for %s)"):format(place.master) or "")
end

-- redis-cli to that place; the password comes from the host's own settings.
function M.redis_cli(h, place, words)
	local auth = place.auth and "REDISCLI_AUTH=" .. (place.auth.url and M.url_password(h, place.auth.url) or M.value(h, place.auth.name)) .. " " or ""
	local where = place.path and "-s " .. q(place.path) or ("-h %s -p %d"):format(q(place.host), place.port)
	return ("%sredis-cli --no-auth-warning%s%s %s -n %d %s"):format(auth, place.user and " --user " .. q(place.user) or "", place.tls and " --tls" or "",
		where, place.db, words)
end

-- ---- PostgreSQL ----

-- Where the settings say that the database is: host ("" = PostgreSQL's own socket folder), port, name, user. Or nil and what is wrong.
function M.db_place(h, user)
	local given = h.given
	local function set(name, usual) if given[name] == nil then return usual end return given[name] end
	local db = { host = set("DB_HOST", "localhost"), name = set("DB_NAME", "mastodon_production"), user = set("DB_USER", "mastodon"),
		port = port_of(given, "DB_PORT", 5432), password = h.env.DB_PASS and { name = "DB_PASS" } or nil, sslmode = h.env.DB_SSLMODE }
	if not db.port then return nil, ("DB_PORT is “%s”, which is no number"):format(given.DB_PORT) end
	if h.env.DATABASE_URL then
		local url, why = M.url(h.env.DATABASE_URL)
		if not url then return nil, "DATABASE_URL " .. why end
		if url.scheme ~= "postgres" and url.scheme ~= "postgresql" then return nil, "DATABASE_URL is no address of PostgreSQL (postgres://…)" end
		local name = unescape(url.path:match("^/?(.*)$"))
		db.url = true
		db.host = url.options.host and unescape(url.options.host) or url.host ~= "" and unescape(url.host) or db.host
		db.port = tonumber(url.options.port) or url.port or db.port
		db.name = name ~= "" and name or db.name
		db.user = url.user and unescape(url.user) or db.user
		db.sslmode = url.options.sslmode or db.sslmode
		if url.secret then db.password = { url = "DATABASE_URL" } end
	end
	if db.user == "" then db.user = user end
	if db.name == "" then db.name = db.user end
	return db
end

-- In words, for people.
function M.db_words(db, host, port)
	host = host or db.host
	return ("%s at %s, port %d"):format(db.name, host == "" and "PostgreSQL's own socket" or host, port or db.port)
end

-- A program of PostgreSQL with its connection; the password comes from the host's own settings.
function M.pg(h, db, program, host, port)
	host, port = host or db.host, port or db.port
	local password = db.password and "PGPASSWORD=" .. (db.password.url and M.url_password(h, db.password.url) or M.value(h, db.password.name)) .. " " or ""
	local ssl = db.sslmode and db.sslmode ~= "prefer" and ("PGSSLMODE=%s "):format(q(db.sslmode)) or ""
	return ("%s%s%s%s -p %d -U %s -d %s"):format(password, ssl, program, host ~= "" and " -h " .. q(host) or "", port, q(db.user), q(db.name))
end

return M
