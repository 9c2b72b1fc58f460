-- assets.lua - tests: a build counts as done only while all of it lies there, also behind a link. Run as: lua5.4 assets.lua RUNBOOKS/LIB FOLDER
-- SPDX-License-Identifier: GPL-3.0-or-later
-- luacheck: std lua54, globals q lines trim fail same verdict
package.path = arg[1] .. "/?.lua"
dofile((arg[0]:gsub("[^/]*$", "globals.lua")))
local place, built = arg[2], 0
function fail(text) error({ text = text }, 0) end

local function shell(text)
	local p = assert(io.popen(("cd %s; { %s\n} 2>/dev/null"):format(q(place .. "/live"), text)))
	local out = p:read "a"
	return { out = out, err = "", ok = p:close() == true }
end

package.loaded.mastodon = {
	read = function(_, _, cmd) return shell(cmd) end, run = function(_, _, cmd) return shell(cmd) end,
	-- As vite: it begins with an empty folder.
	job = function(_, _, _, cmd)
		built = built + 1
		return shell((cmd:gsub("bundle exec rails assets:precompile", [[rm -rf public/packs/.vite public/packs/*; mkdir -p public/packs/.vite public/packs/assets
for n in application-3f9AqZ01.js common-Bk29xY02.css; do echo x >public/packs/assets/$n; done
printf '{ "a": { "file": "assets/application-3f9AqZ01.js", "css": ["assets/common-Bk29xY02.css"] } }' >public/packs/.vite/manifest.json]])))
	end,
}
package.loaded.code = { umask = function() return "" end }
package.loaded.reason, package.loaded.runtime = {}, {}
local install = require "install"
local s, to = { site = {}, warn = function() end }, { tag = "v4.6.5" }
local function done() return install.assets_are_built(s, "app1", to) end

assert(os.execute(("mkdir -p %s/live %s/disk"):format(q(place), q(place))))
assert(shell "git init -q .; git config user.name a; git config user.email a@b; : >vite.config.mts; git add .; git commit -qm x; git tag v4.6.5; mkdir public; ln -s ../../disk public/packs".ok)
same("nothing was built", done(), false)
install.assets(s, "app1", to)
same("built behind a link", done(), true)
install.assets(s, "app1", to)
same("and not built again", built, 1)
shell "rm ../disk/assets/common-Bk29xY02.css"
same("a style of it was removed", done(), false)
install.assets(s, "app1", to)
same("built again", done(), true)
shell ": >../disk/assets/application-3f9AqZ01.js"
same("a script of it is empty", done(), false)
verdict()
