-- runtime.lua - which Ruby and Node.js the services of a host run, the PATH that finds the same ones, and how to have the Ruby of a release.
-- SPDX-License-Identifier: GPL-3.0-or-later
local sorted = require "sorted"
local M = {}

-- What may be known of a unit beside its file: PATH of its Environment, and of its process when it runs.
local LOOK = [[for u in %s; do
	echo "unit=$u"
	systemctl show -p Environment --value "$u" | tr ' ' '\n' | sed -n 's/^"\{0,1\}PATH=\([^"]*\).*/path=\1/p'
	pid=$(systemctl show -p MainPID --value "$u")
	[ "${pid:-0}" -le 1 ] || tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^PATH=/process=/p'
done
true]]

-- Managers of Rubies that follow the .ruby-version of the code, by the folder where their shims lie.
local SHIMS = { { "rbenv", "^(.*/%.?rbenv)/shims/" }, { "asdf", "^(.*/%.?asdf)/shims/" }, { "asdf", "^(.*/%.?asdf%-data)/shims/" }, { "mise", "^(.*/mise)/shims/" } }
-- One Ruby of a manager, by its full name: it stays that one whatever the code says.
local ONE = { { "rbenv", "^(.*/%.?rbenv)/versions/[^/]+/bin/" }, { "asdf", "^(.*/%.?asdf)/installs/[^/]+/[^/]+/bin/" }, { "mise", "^(.*/mise)/installs/[^/]+/[^/]+/bin/" } }

local function by_pattern(list, path)
	for _, one in ipairs(list) do
		local root = path:match(one[2])
		if root then return one[1], root end
	end
end

-- Folders of a manager for PATH.
local function folders(manager, root)
	if manager == "mise" then return { root .. "/shims", (root:gsub("/%.local/share/mise$", "") .. "/.local/bin") } end
	return { root .. "/shims", root .. "/bin" }
end

-- The program that a unit runs, from the text of ExecStart: the first of these words that is a whole path, else its bare name.
local PROGRAMS = { bundle = true, bundler = true, puma = true, sidekiq = true, ruby = true, rails = true, node = true }

local function words_of(exec)
	local text = (exec or ""):match("argv%[%]=(.*)") or exec or ""
	return text:gsub(" ; ignore_errors=.*$", ""):gmatch("[^%s\"';&|]+")
end

function M.program(exec)
	local bare
	for word in words_of(exec) do
		local name = word:match("([^/]+)$") or ""
		if PROGRAMS[name:gsub("[%d.]+$", "")] then
			if word:sub(1, 1) == "/" then return word end
			bare = bare or name
		end
	end
	return bare
end

-- Managers that a unit runs themselves: rbenv exec, asdf exec, mise x. home: of Mastodon's user.
local function by_command(exec, home)
	for word in words_of(exec) do
		local root = word:match("^(/.*/%.?rbenv)/bin/rbenv$")
		if root then return "rbenv", root end
		if word:find("/asdf$") then return "asdf", word:match("^(/.*/%.asdf)/") or home .. "/.asdf" end
		if word:find("/mise$") then return "mise", home .. "/.local/share/mise" end
	end
end

-- The unit of a kind to look at: one that runs, if there is one.
local function unit_of(units, kind)
	local found
	for name, unit in sorted(units) do
		if unit.kind == kind and (unit.exec or "") ~= "" and M.program(unit.exec) and (not found or unit.active == "active" and units[found].active ~= "active") then found = name end
	end
	return found
end

-- From units and what they say of PATH: { path, manager, root, program, unit }. own: folders of the fleet file; rbenv: where it lies when nothing
-- else is known.
function M.find(units, paths, own, rbenv)
	local list, seen, found = {}, {}, {}
	local function add(dir)
		dir = dir:gsub("/+$", "")
		if dir:sub(1, 1) == "/" and not seen[dir] then list[#list + 1], seen[dir] = dir, true end
	end
	local function add_all(text)
		for dir in (text or ""):gmatch("[^:]+") do
			local manager, root = by_pattern(SHIMS, dir .. "/")
			if not manager then manager, root = by_pattern(ONE, dir .. "/") end
			if manager then
				found.manager, found.root = found.manager or manager, found.root or root
				for _, one in ipairs(folders(manager, root)) do add(one) end
			elseif not dir:find("^/usr/s?bin$") and not dir:find("^/usr/local/s?bin$") and not dir:find("^/s?bin$") and not dir:find("/libexec$")
				and not dir:find("/plugins/") then
				add(dir)
			end
		end
	end
	-- The system's own folders come at the end, in their usual order.
	local function add_program(path)
		local dir = path:match("^(.*)/[^/]*$")
		if not dir:find("^/usr/s?bin$") and not dir:find("^/usr/local/s?bin$") and not dir:find("^/s?bin$") then add(dir) end
	end
	for dir in (own or ""):gmatch("[^:]+") do add(dir) end
	local name = unit_of(units, "web") or unit_of(units, "sidekiq")
	local program = name and M.program(units[name].exec)
	found.unit, found.program = name, program
	if program and program:sub(1, 1) == "/" then
		local manager, root = by_pattern(SHIMS, program)
		if manager then
			found.manager, found.root = manager, root
			for _, one in ipairs(folders(manager, root)) do add(one) end
		else
			found.manager = "fixed"
			add_program(program)
		end
		add_all(paths[name] and paths[name].path)
	elseif program then
		found.manager, found.root = by_command(units[name].exec, (rbenv:gsub("/[^/]*$", "")))
		for _, one in ipairs(found.manager and folders(found.manager, found.root) or {}) do add(one) end
		add_all(paths[name] and (paths[name].path or paths[name].process))
		found.manager = found.manager or "fixed"
	else
		found.manager, found.root = "rbenv", rbenv
		for _, one in ipairs(folders("rbenv", rbenv)) do add(one) end
	end
	local streaming = unit_of(units, "streaming")
	local node = streaming and M.program(units[streaming].exec)
	if node and node:sub(1, 1) == "/" then
		add_program(node)
	elseif node and paths[streaming] then
		add_all(paths[streaming].path or paths[streaming].process)
	end
	for _, dir in ipairs { "/usr/local/bin", "/usr/bin", "/bin" } do add(dir) end
	found.path = table.concat(list, ":")
	return found
end

-- The same, of a host. read(host, cmd) looks as root.
function M.look(read, host, units, own, rbenv)
	local names, paths, unit = {}, {}, nil
	for name, facts in sorted(units) do
		if facts.kind then names[#names + 1] = q(name) end
	end
	if #names > 0 then
		for _, line in ipairs(lines(read(host, LOOK:format(table.concat(names, " "))).out)) do
			local key, value = line:match("^(%a+)=(.*)$")
			if key == "unit" then
				unit = value
				paths[unit] = {}
			elseif key and unit then
				paths[unit][key] = value
			end
		end
	end
	return M.find(units, paths, own, rbenv)
end

-- Is the version within a Gemfile's bounds, like ">= 3.2.0, < 3.5.0"? What is not understood is no bound.
function M.in_range(compare, version, range)
	for op, bound in (range or ""):gmatch("([<>=~!]+)%s*([%d.]+)") do
		local d = compare(version, bound)
		if op == ">=" and d < 0 or op == ">" and d <= 0 or op == "<" and d >= 0 or op == "<=" and d > 0 or op == "=" and d ~= 0 then return false end
	end
	return true
end

-- Shell text that is true when that Ruby is there.
function M.has_cmd(by, want)
	if by.manager == "rbenv" then return ("test -x %s"):format(q(("%s/versions/%s/bin/ruby"):format(by.root, want))) end
	return ("test -x %s"):format(q(("%s/installs/ruby/%s/bin/ruby"):format(by.root, want)))
end

-- What builds it.
function M.install_cmd(by, want, pull)
	local opts = "RUBY_CONFIGURE_OPTS=--with-jemalloc "
	if by.manager == "asdf" then return opts .. "asdf install ruby " .. q(want) end
	if by.manager == "mise" then return opts .. "mise install " .. q("ruby@" .. want) end
	return (pull and ("git -C %s/plugins/ruby-build pull && "):format(q(by.root)) or "") .. opts .. "rbenv install -s"
end

-- Can that Ruby be had? One word for each thing that is found; what ruby-build's origin has is fetched into a folder that is removed again.
local RBENV = [[export LC_ALL=C GIT_TERMINAL_PROMPT=0
P=$R/plugins/ruby-build
command -v rbenv >/dev/null || echo norbenv
command -v cc >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null || echo nocc
command -v make >/dev/null || echo nomake
if [ -e "$P/share/ruby-build/$W" ]; then
	echo known
elif [ -e "$P/.git" ]; then
	t=$(mktemp -d "${TMPDIR:-/tmp}/bellbook.XXXXXXXX") || exit 1
	trap 'rm -rf "$t"' EXIT
	trap 'exit 1' HUP INT TERM
	git -C "$P" symbolic-ref -q HEAD >/dev/null && git -C "$P" rev-parse -q --verify '@{upstream}' >/dev/null 2>&1 || echo nobranch
	branch=$(git -C "$P" symbolic-ref -q --short HEAD || echo master)
	git init -q --bare "$t/r" && (cd "$P" && cat "$(git rev-parse --git-path config)") >"$t/r/config" && git --git-dir="$t/r" config core.bare true
	if timeout 120 git --git-dir="$t/r" fetch -q --no-tags --depth 1 "$(git -C "$P" config "branch.$branch.remote" || echo origin)" "$branch" 2>"$t/err"; then
		git --git-dir="$t/r" cat-file -e "FETCH_HEAD:share/ruby-build/$W" 2>/dev/null && echo pull || echo nodef
	else
		echo "nofetch $(grep -m 1 -E '^(fatal|error):' "$t/err")"
	fi
elif command -v rbenv-install >/dev/null || command -v ruby-build >/dev/null; then
	ruby-build --definitions 2>/dev/null | grep -qxF "$W" && echo known || echo "oldpackage $(ruby-build --version 2>/dev/null)"
else
	echo nobuild
fi]]

-- asdf and mise are asked in a folder that has the .ruby-version of the release.
local OTHER = [[command -v $M >/dev/null || { echo nomanager; exit 0; }
t=$(mktemp -d "${TMPDIR:-/tmp}/bellbook.XXXXXXXX") || exit 1
trap 'rm -rf "$t"' EXIT
trap 'exit 1' HUP INT TERM
echo "$W" >"$t/.ruby-version"
(cd "$t" && $M current ruby 2>&1) | grep -qF "$W" || echo nofollow
for f in .tool-versions mise.toml .mise.toml; do ! grep -q '^ *ruby[ =]' "$f" 2>/dev/null || echo "pinned $f"; done
[ -x "$R/installs/ruby/$W/bin/ruby" ] && exit 0
if [ "$M" = asdf ]; then
	asdf plugin list 2>/dev/null | tr -d ' ' | grep -qx ruby || { echo noplugin; exit 0; }
	asdf list all ruby 2>/dev/null | tr -d ' ' | grep -qxF "$W" || echo nodef
else
	mise ls-remote ruby 2>/dev/null | tr -d ' ' | grep -qxF "$W" || echo nodef
fi
true]]

local CLONE = "git clone https://github.com/rbenv/ruby-build.git %s"

local function rbenv_problem(h, want, words, rest)
	local root = h.ruby_by.root
	local clone = CLONE:format(q(root .. "/plugins/ruby-build"))
	if words.norbenv then return ("Ruby %s has to be built, and there is no rbenv in PATH (%s)"):format(want, h.ruby_by.path) end
	if words.nobuild then return ("Ruby %s has to be built, and rbenv has no ruby-build to do it. As the owner of %s: %s"):format(want, root, clone) end
	if words.oldpackage then
		return ("Ruby %s has to be built, and the installed ruby-build (%s) does not know it. A newer one, which rbenv prefers: %s")
			:format(want, rest.oldpackage ~= "" and rest.oldpackage or "a package", clone)
	end
	if words.nofetch then
		return ("Ruby %s has to be built; ruby-build in %s/plugins does not know it yet, and its origin does not answer: %s"):format(want, root,
			rest.nofetch ~= "" and rest.nofetch or "git gave no reason")
	end
	if words.nodef then return ("Ruby %s has to be built, and not even the newest ruby-build knows it"):format(want) end
	if words.pull and words.nobranch then
		return ("Ruby %s has to be built; ruby-build in %s/plugins does not know it yet, and is on no branch that could be brought up to date: git -C %s checkout master")
			:format(want, root, q(root .. "/plugins/ruby-build"))
	end
	if words.nocc or words.nomake then
		return ("Ruby %s has to be built, and there is no %s (apt install build-essential)"):format(want, words.nocc and "C compiler" or "make")
	end
end

local function other_problem(h, want, words, rest)
	local m = h.ruby_by.manager
	if words.nomanager then return ("Ruby comes from %s, and there is no %s in PATH (%s). Name its folder with mastodon.path in the fleet file"):format(m, m, h.ruby_by.path) end
	if words.pinned then
		return ("%s names a Ruby of its own in the folder of the code, so %s would go on with that one instead of %s: take the line away"):format(rest.pinned, m, want)
	end
	if words.nofollow then
		return ("%s does not go by .ruby-version, so it would go on with the old Ruby instead of %s. %s"):format(m, want,
			m == "asdf" and "Put the line “legacy_version_file = yes” into ~/.asdfrc" or "mise settings add idiomatic_version_file_enable_tools ruby")
	end
	if words.noplugin then return ("Ruby %s has to be built, and asdf has no plugin for it: asdf plugin add ruby"):format(want) end
	if words.nodef then
		return ("Ruby %s has to be built, and %s does not know it: %s"):format(want, m, m == "asdf" and "asdf plugin update ruby" or "mise self-update, mise cache clear")
	end
end

-- What stands in the way of that Ruby on a host; nil when nothing does. read(host, cmd) looks as Mastodon's user, in the folder of the code.
function M.ruby_problem(read, compare, host, h, want, range)
	local by = h.ruby_by
	if by.manager == "fixed" then
		local what = by.program and by.program:sub(1, 1) == "/" and by.program or (by.program or "Ruby") .. " in " .. by.path
		if (h.ruby or "") == "" then return ("its services run %s, and no Ruby answers there (PATH %s). Name its folder with mastodon.path in the fleet file"):format(what, by.path) end
		if M.in_range(compare, h.ruby, range) then return nil end
		local manager, root = by_pattern(ONE, by.program or "")
		return ("its services run %s, Ruby %s, and the release wants %s. %s"):format(what, h.ruby, range, manager
			and ("That path names one Ruby: let ExecStart of the units run %s/shims/%s instead, which follows the code (daemon-reload, restart), then try again")
				:format(root, by.program:match("[^/]*$"))
			or ("This runbook builds Rubies with rbenv, asdf or mise only. Install one that fits and let the units run it, or install rbenv and let them run its shims "
				.. "(https://docs.joinmastodon.org/admin/install/), then try again"))
	end
	local words, rest = {}, {}
	local script = by.manager == "rbenv" and RBENV or OTHER
	if by.manager == "rbenv" then script = M.has_cmd(by, want) .. " && exit 0\n" .. script end
	local answer = read(host, ("R=%s W=%s M=%s\n"):format(q(by.root), q(want), by.manager) .. script, { check = false })
	for _, line in ipairs(lines(answer.out)) do
		local word, more = line:match("^(%S+)%s*(.*)$")
		if word then words[word], rest[word] = true, more end
	end
	return (by.manager == "rbenv" and rbenv_problem or other_problem)(h, want, words, rest)
end

return M
