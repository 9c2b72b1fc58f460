-- forty.lua - forty steps and more of every kind for the torture test: jobs, each(), questions, sleeps, parallel branches.
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Every side effect appends one line to a file on its host, named by the run, so that the hosts themselves count.
runbook { id = "forty", bellbook = 1, title = "Forty steps to be killed in",
	params = { run = { type = "text", pattern = "[a-z0-9-]+", ask = "Name of this run?" } },
	roles = { app = "1+", db = "1" } }

local function mark(s, host, word, more)
	return ssh.run(host, "echo '" .. word .. "' >> /var/tmp/torture." .. s.params.run .. (more and "; " .. more or ""))
end

local function marked(s, host, word)
	return ssh.read(host, "grep -cx '" .. word .. "' /var/tmp/torture." .. s.params.run, { check = false }).out == "1\n"
end

local function one(n)
	change("one-" .. n) { title = "One command", why = "The commonest step there is.",
		run = function(s) mark(s, s:one "db", "one-" .. n) end,
		done = function(s) return marked(s, s:one "db", "one-" .. n) end }
end

local function job(n)
	change("job-" .. n) { title = "A job with output", why = "Long enough to be killed in.",
		run = function(s)
			ssh.job(s:one "db", "job-" .. n, "i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo line $i; echo err $i >&2; sleep 0.01; done; echo 'job-" .. n .. "' >> /var/tmp/torture." .. s.params.run)
		end,
		done = function(s) return marked(s, s:one "db", "job-" .. n) end }
end

local function fan(n)
	change("fan-" .. n) { title = "Every app host at once", why = "Branches are killed too.", gives = { "fan" .. n },
		run = function(s)
			local result = each(s:all "app", function(host)
				mark(s, host, "fan-" .. n .. "-a", "sleep 0.05")
				return mark(s, host, "fan-" .. n .. "-b").code
			end, { at_once = 2 })
			s["fan" .. n] = result.app1
		end,
		done = function(s) return marked(s, "app1", "fan-" .. n .. "-b") and marked(s, "app2", "fan-" .. n .. "-b") end }
end

-- The torture counts it up when the session is to come back with another runbook.
local turn = 0

-- Long enough to be switched off in: the effect is there before the end, or comes with it; and what it says is wanted.
local function slow(n)
	change("slow-" .. n) { title = "Hosts lose power in it", why = "Some commands end in doubt, and a person says what became of them.", gives = { "slow" .. n },
		run = function(s)
			local result = each(s:all "app", function(host)
				local first = mark(s, host, "slow-" .. n .. "-a", "echo said-" .. host .. "; sleep 1.5; : " .. turn)
				local second = ssh.run(host, "echo said-" .. host .. "-b; sleep 1.5; echo 'slow-" .. n .. "-b' >> /var/tmp/torture." .. s.params.run)
				return trim(first.out) .. "-" .. first.code .. "-" .. trim(second.out) .. "-" .. second.code
			end)
			s["slow" .. n] = result.app1 .. "-" .. result.app2
		end,
		done = function(s) return marked(s, "app1", "slow-" .. n .. "-b") and marked(s, "app2", "slow-" .. n .. "-b") end }
	change("slow-after-" .. n) { title = "What the slow one gave", why = "It must be there after every doubt.", needs = { "slow" .. n },
		run = function(s) mark(s, s:one "db", "slow-after-" .. n .. "-" .. s["slow" .. n]) end,
		done = function(s) return marked(s, s:one "db", "slow-after-" .. n .. "-said-app1-0-said-app1-b-0-said-app2-0-said-app2-b-0") end }
end

local function nest(n)
	change("nest-" .. n) { title = "Branches of branches", why = "Paths must stay apart.",
		run = function(s)
			each(s:all "app", function(host)
				each({ "x", "y", "z" }, function(key) mark(s, host, "nest-" .. n .. "-" .. key) end)
			end)
		end,
		done = function(s) return marked(s, "app1", "nest-" .. n .. "-z") end }
end

local function question(n)
	change("ask-" .. n) { title = "A question in the middle", why = "An answer counts once.",
		run = function(s)
			local color = s:ask { text = "Which color?", choices = { "red", "blue" } }
			mark(s, s:one "db", "ask-" .. n .. "-" .. color)
			sleep "50ms"
			s:note("the color was " .. color)
			mark(s, s:one "db", "ask-" .. n .. "-after-" .. string.format("%d", math.floor(random() * 0)))
		end,
		done = function(s) return marked(s, s:one "db", "ask-" .. n .. "-red") end }
end

local function look(n)
	observe("look-" .. n) { title = "Look around", gives = { "load" .. n },
		run = function(s)
			s["load" .. n] = each(s:all "app", function(host) return trim(ssh.read(host, "cat /proc/loadavg").out) ~= "" end).app1
		end }
end

local function hand(n)
	manual("hand-" .. n) { title = "Something by hand", why = "People are slower than kills.", question = "Is it done?" }
end

local function fail_once(n)
	change("careful-" .. n) { title = "A command that may fail", why = "pcall across calls must replay.",
		run = function(s)
			local ok = pcall(ssh.run, s:one "db", "echo 'careful-" .. n .. "' >> /var/tmp/torture." .. s.params.run .. "; sleep 0.4; exit 3")
			check(not ok, "it should have failed")
			mark(s, s:one "db", "careful-" .. n .. "-after")
		end,
		done = function(s) return marked(s, s:one "db", "careful-" .. n .. "-after") end }
end

for round = 1, 5 do
	phase("Round " .. round)
	for _, make in ipairs { look, one, job, fan, slow, nest, question, hand, fail_once } do make(round) end
end
