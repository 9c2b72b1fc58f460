-- plain.lua - the functions that a step in its data form stands for: of its command and done_when.
-- SPDX-License-Identifier: GPL-3.0-or-later
local plain = {} -- look and change come from bellbook: a command on a host that only looks, and one that may change something

-- A field as it stands there, or what its function gives.
local function value(field, s, host)
	if type(field) == "function" then return field(s, host) end
	return field
end

-- Raises what a function of bellbook's raises; words that are no table of an answer get the place
-- of the step.
local function call(where, fn, ...)
	local ok, result = pcall(fn, ...)
	if ok then return result end
	error(type(result) == "string" and where .. ": " .. result or result, 0)
end

-- The hosts of `on`: a role or a host, or a list of them; each host once.
local function hosts(spec, s, where)
	local on, list, seen = value(spec.on, s), {}, {}
	for _, name in ipairs(type(on) == "table" and on or { on }) do
		if type(name) ~= "string" then
			error(("%s: on names a %s, which is no role and no host"):format(where, type(name)), 0)
		end
		for _, host in ipairs(call(where, s.all, s, name)) do
			if not seen[host] then list[#list + 1] = host end
			seen[host] = true
		end
	end
	if #list == 0 and type(on) ~= "string" then error(where .. ": on names no host", 0) end
	return list
end

-- Variables, whose values may be functions too: in the order of their names, so that a replay meets
-- the same calls.
local function variables(env, s, host)
	if type(env) ~= "table" then return env end
	local names, all = {}, {}
	for name in pairs(env) do names[#names + 1] = name end
	table.sort(names)
	for _, name in ipairs(names) do all[name] = value(env[name], s, host) end
	return all
end

local function options(spec, names, s, host)
	local all = {}
	for _, name in ipairs(names) do all[name] = value(spec[name], s, host) end
	all.env = variables(all.env, s, host)
	return all
end

local function command(field, s, host, where)
	local text = value(field, s, host)
	if type(text) == "string" and text ~= "" or type(text) == "table" then return text end
	local gave = text == "" and "an empty text" or "a " .. type(text)
	error(("%s: a function gave %s, and a command is needed: a text, or a list of words"):format(where, gave), 0)
end

local function counts(spec, s, where)
	local all = {}
	for _, name in ipairs { "at_once", "stop_after" } do
		local count = value(spec[name], s)
		if count ~= nil and (math.type(count) ~= "integer" or count < 1) then
			error(("%s: %s must be a whole number of at least 1"):format(where, name), 0)
		end
		all[name] = count
	end
	return all
end

-- On each host every command, one behind the other. run: plain.look or plain.change; names: of its
-- options, in a fixed order.
function plain.run(run, spec, names, where)
	return function(s)
		local all = hosts(spec, s, where)
		each(all, function(host)
			for i = 1, #spec do
				local cmd = command(spec[i], s, host, where)
				call(where, run, host, cmd, options(spec, names, s, host))
			end
		end, counts(spec, s, where))
	end
end

local STATUS = "; for done_when, 0 means done and 1 not done: this tells neither"

-- Done where it is so on every host.
function plain.done(read, spec, names, where)
	return function(s)
		local left, all = 0, hosts(spec, s, where)
		each(all, function(host)
			for i = 1, #spec do
				local cmd, opts = command(spec[i], s, host, where), options(spec, names, s, host)
				opts.codes = { 0, 1 }
				local ok, answer = pcall(call, where, read, host, cmd, opts)
				if not ok and type(answer) == "table" and answer.code then
					local first, rest = answer.text:match("^([^\n]*)(.*)$")
					answer.text = first .. STATUS .. rest
				end
				if not ok then error(answer, 0) end
				if answer.code ~= 0 then left = left + 1 end
			end
		end, counts(spec, s, where))
		return left == 0
	end
end

-- What a person is to run: each a text, from a text or a function; a function may give several.
function plain.commands(list, where)
	return function(s)
		local all = {}
		for _, field in ipairs(type(list) == "table" and list or { list }) do
			local given = value(field, s)
			for _, text in ipairs(type(given) == "table" and given or { given }) do
				if type(text) ~= "string" then
					error(("%s: commands gave a %s, and texts are needed"):format(where, type(text)), 0)
				end
				all[#all + 1] = text
			end
		end
		return all
	end
end

return plain
