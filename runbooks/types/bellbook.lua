---@meta bellbook
-- bellbook.lua - types of what a runbook may call, for editors with lua-language-server.
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Made by `bellbook check --types`. Do not edit.

---@alias bellbook.Duration string|number a text like "90s", "10m" or "6h", or seconds

---What a runbook is.
---@class bellbook.Runbook
---@field id string its name in the journal: small letters, digits, - and _
---@field bellbook 1 the version of this language
---@field title string one line for people
---@field about? string when to use it and what it does, for a newcomer
---@field window? string how long the maintenance window is, like "2h"
---@field way_back? bellbook.WayBack the runbook that undoes this one as a whole
---@field params? table<string, bellbook.Param> what may differ from walk to walk
---@field roles? table<string, string> role: "1", "1+", "0+" … hosts

---The runbook that undoes another one.
---@class bellbook.WayBack
---@field runbook string the id of the runbook that undoes this one
---@field with? string[] parameters and variables that it gets by the same name
---@field open? string until when it can be gone

---A parameter of a runbook.
---@class bellbook.Param
---@field type? "text"|"integer"|"number"|"boolean"|"duration"|"choice"|"host"|"secret" usually text
---@field default? any what it is when nobody says
---@field min? number the least
---@field max? number the most
---@field choices? string[] of a choice
---@field pattern? string a Lua pattern that the whole text must match
---@field ask? string the question
---@field help? string more about it
---@field optional? boolean it may stay unset
---@field later? boolean it may stay unset, and a step asks for it then
---@field role? string of a host, for those who read the runbook

---What all steps have.
---@class bellbook.Step
---@field title string one line
---@field why? string what it is for, and what it means for members
---@field about? string more, for who sees it for the first time
---@field needs? string[] variables that it reads; without them it does not run
---@field uses? string[] variables that it reads and can do without
---@field gives? string[] variables that it sets
---@field takes? string about how long, like "10m"
---@field timeout? string of each call in it; then the outcome is unknown
---@field downtime? "begins"|"ends" the clock of the downtime
---@field refuses? string for about so long the site refuses requests
---@field meanwhile? string what must be known before it is run
---@field back? string the way back, in words
---@field because? string why a dangerous flag is in it all the same
---@field was? string[] former ids
---@field target? string of an irreversible step: what must be typed
---@field stall? string without progress for so long people are told
---@field on? any where it works, for those who read the runbook
---@field only? table<string, string> parameters and the values with which it belongs to the walk
---@field otherwise? string why other walks leave it out
---@field run? fun(s: bellbook.S): any does it
---@field done? fun(s: bellbook.S): any only looks: is it done?
---@field undo? fun(s: bellbook.S): any takes it back
---@field meter? fun(s: bellbook.S): any, any, any only looks: how far is it?
---@field when? fun(s: bellbook.S): any only looks: is it needed here? A text is the reason why not
---@field question? string of a manual step: what is to be answered
---@field commands? (string|fun(s: bellbook.S): any)[]|fun(s: bellbook.S): any of a manual step: commands to copy
---@field text? string of a manual step: what to do
---@field command? bellbook.Command in place of run: commands, and where they run
---@field done_when? string|bellbook.DoneWhen|fun(s: bellbook.S, host: string): string in place of done: a command that only looks; 0 is done, 1 is not

---Where the commands of a plain step run.
---@class bellbook.Form
---@field on? string|string[]|fun(s: bellbook.S): string|string[] roles and hosts
---@field at_once? integer|fun(s: bellbook.S): integer on how many hosts at once (10)
---@field stop_after? integer|fun(s: bellbook.S): integer after so many failures no host is begun any more (1)

---What exit statuses mean.
---@class bellbook.Status
---@field codes? integer[] exit statuses that are fine; usually only 0
---@field check? boolean false: any exit status is fine

---How each() goes.
---@class bellbook.EachOptions
---@field at_once? integer side by side (10)
---@field stop_after? integer failures after which no more are begun (1)

---How retry() goes.
---@class bellbook.RetryOptions
---@field times? integer how often (5)
---@field every? bellbook.Duration time between two tries ("2s")
---@field waiting? string what for: "for the web to answer"
---@field what? string the words when it never came true

---What a sleep is for.
---@class bellbook.SleepOptions
---@field what? string what for
---@field look? integer which look this is
---@field of? integer of how many
---@field seen? string what was last seen
---@field unless? string of retry: what it fails with

---A question to the driver.
---@class bellbook.AskOptions
---@field text string the question
---@field type? "text"|"choice"|"integer"|"number"|"boolean"|"duration" usually text, with choices choice
---@field choices? (string|bellbook.Choice)[] what can be answered
---@field default? any what Enter answers
---@field details? string more about it

---One of the choices of a question.
---@class bellbook.Choice
---@field value string what s:ask gives
---@field label? string what is shown
---@field help? string more about it
---@field stops? string chosen, it ends the session with these words

---A secret; only its name can be seen.
---@class bellbook.Secret

---What the functions of a step get.
---@class bellbook.S
---@field params table<string, any> the parameters
---@field fleet table<string, any> the fleet file
---@field step { id: string, title: string } the step itself
---@field [string] any variables named in needs, uses or gives
local s = {}

---What a plain step runs, and where.
---@class bellbook.Command: bellbook.Form, bellbook.Status
---@field [integer] string|string[]|fun(s: bellbook.S, host: string): string|string[] the commands
---@field as? string|fun(s: bellbook.S, host: string): string run it as this user, by sudo
---@field sudo_password? string|bellbook.Secret|fun(s: bellbook.S, host: string): string|bellbook.Secret the password for sudo, a secret; without it a person is asked where sudo asks
---@field env? table<string, string|bellbook.Secret>|fun(s: bellbook.S, host: string): table<string, string|bellbook.Secret> variables of its environment; secrets in it never show in ps
---@field cwd? string|fun(s: bellbook.S, host: string): string directory to run it in
---@field stdin? string|bellbook.Secret|fun(s: bellbook.S, host: string): string|bellbook.Secret text or secret that it reads on stdin, at most 1 MiB
---@field pty? boolean|fun(s: bellbook.S, host: string): boolean give it a terminal
---@field timeout? bellbook.Duration|fun(s: bellbook.S, host: string): bellbook.Duration after this time without an end the outcome is unknown
---@field grace? bellbook.Duration|fun(s: bellbook.S, host: string): bellbook.Duration when cancelled: time between TERM and KILL (5 s)
---@field name? string|fun(s: bellbook.S, host: string): string what people call it
---@field tell? boolean|fun(s: bellbook.S, host: string): boolean its output is what people want to see: every view shows it

---What tells whether a plain step is done.
---@class bellbook.DoneWhen: bellbook.Form
---@field [integer] string|string[]|fun(s: bellbook.S, host: string): string|string[] the commands
---@field as? string|fun(s: bellbook.S, host: string): string run it as this user, by sudo
---@field sudo_password? string|bellbook.Secret|fun(s: bellbook.S, host: string): string|bellbook.Secret the password for sudo, a secret; without it a person is asked where sudo asks
---@field env? table<string, string|bellbook.Secret>|fun(s: bellbook.S, host: string): table<string, string|bellbook.Secret> variables of its environment; secrets in it never show in ps
---@field cwd? string|fun(s: bellbook.S, host: string): string directory to run it in
---@field stdin? string|bellbook.Secret|fun(s: bellbook.S, host: string): string|bellbook.Secret text or secret that it reads on stdin, at most 1 MiB
---@field pty? boolean|fun(s: bellbook.S, host: string): boolean give it a terminal
---@field timeout? bellbook.Duration|fun(s: bellbook.S, host: string): bellbook.Duration after this time without an end the outcome is unknown
---@field tell? boolean|fun(s: bellbook.S, host: string): boolean its output is what people want to see: every view shows it

---@class bellbook.step.observe: bellbook.Step

---Looks only; asks nothing; may be repeated; also runs in a dry run.
---@param id string small letters, digits, - and _
---@return fun(step: bellbook.step.observe)
function observe(id) end

---@class bellbook.step.change: bellbook.Step
---@field why string what it is for, and what it means for members

---Alters something. The driver chooses to run it.
---@param id string small letters, digits, - and _
---@return fun(step: bellbook.step.change)
function change(id) end

---@class bellbook.step.irreversible: bellbook.Step
---@field why string what it is for, and what it means for members
---@field target string of an irreversible step: what must be typed

---Has no way back. Another person types the name in its target and agrees.
---@param id string small letters, digits, - and _
---@return fun(step: bellbook.step.irreversible)
function irreversible(id) end

---@class bellbook.step.manual: bellbook.Step
---@field why string what it is for, and what it means for members

---What bellbook cannot do: the driver does it and says so.
---@param id string small letters, digits, - and _
---@return fun(step: bellbook.step.manual)
function manual(id) end

---What this runbook is; stands once, first.
---@param header bellbook.Runbook
function runbook(header) end

---Begins a part of the walk.
---@param title string
function phase(title) end

---Loads lib/NAME.lua beside the runbook, once.
---@param name string
---@return any
function require(name) end

---Runs fn(host) for each, side by side.
---@param hosts string[] host names, or other texts
---@param fn fun(host: string, index: integer): any for each
---@param options? bellbook.EachOptions
---@return table<string, any>
function each(hosts, fn, options) end

---Tries until fn returns something true.
---@param options bellbook.RetryOptions
---@param fn fun(try: integer): any, any until it returns something true
---@return any
function retry(options, fn) end

---Waits, and says what for.
---@param duration bellbook.Duration
---@param what? string|bellbook.SleepOptions what for
function sleep(duration, what) end

---The time in seconds; the same again in a replay.
---@return number
function now() end

---A number from 0 to 1; the same again in a replay.
---@return number
function random() end

---Fails the step with the text when ok is not true.
---@param ok any
---@param text? string what the step fails with
---@return any
function check(ok, text) end

---Fails the step with the text.
---@param text string
function fail(text) end

---The lines that say why a command failed.
---@param answer table|string an answer, or what was printed on stderr
---@param out? string what was printed
---@return string
function cause(answer, out) end

---Quotes for the shell.
---@param text string|number|boolean
---@return string
function q(text) end

---Without blanks at both ends.
---@param text string
---@return string
function trim(text) end

---The lines of a text.
---@param text string
---@return string[]
function lines(text) end

---A secret by its name in the fleet file.
---@param name string
---@return bellbook.Secret
function secret(name) end

json = {}

---A value of the text.
---@param text string
---@return any
function json.decode(text) end

---A text of the value.
---@param value any
---@return string
function json.encode(value) end

---The one host of a role.
---@param role string a role or a host of the fleet
---@return string
function s:one(role) end

---The first host of a role.
---@param role string a role or a host of the fleet
---@return string
function s:first(role) end

---All hosts of a role.
---@param role string a role or a host of the fleet
---@return string[]
function s:all(role) end

---Asks the driver.
---@param question bellbook.AskOptions
---@return any
function s:ask(question) end

---A note in the journal.
---@param text string|number
function s:note(text) end

---A warning; the step ends as warn.
---@param text string|number
function s:warn(text) end

---A lesson for the next time.
---@param text string|number
function s:lesson(text) end

ssh = {}

---@class bellbook.ssh.read.Options: bellbook.Status
---@field as? string run it as this user, by sudo
---@field sudo_password? string|bellbook.Secret the password for sudo, a secret; without it a person is asked where sudo asks
---@field env? table<string, string|bellbook.Secret> variables of its environment; secrets in it never show in ps
---@field cwd? string directory to run it in
---@field stdin? string|bellbook.Secret text or secret that it reads on stdin, at most 1 MiB
---@field pty? boolean give it a terminal
---@field timeout? bellbook.Duration after this time without an end the outcome is unknown
---@field tell? boolean its output is what people want to see: every view shows it

---@class bellbook.ssh.read.Result
---@field code integer its exit status; -1 when a signal ended it
---@field ok boolean whether that is 0
---@field out string what it printed on stdout
---@field err string what it printed on stderr
---@field signal string the signal that ended it, like KILL
---@field host string where it ran; an empty text is the ops host
---@field out_cut boolean true when out or err was longer than 1 MiB, and is its beginning and its end

---run a command on a host that only looks; repeated freely
---@param host string a host of the fleet
---@param cmd string|string[] what to run: a text for sh, or a list of words
---@param options? bellbook.ssh.read.Options
---@return bellbook.ssh.read.Result
function ssh.read(host, cmd, options) end

---@class bellbook.ssh.run.Options: bellbook.Status
---@field as? string run it as this user, by sudo
---@field sudo_password? string|bellbook.Secret the password for sudo, a secret; without it a person is asked where sudo asks
---@field env? table<string, string|bellbook.Secret> variables of its environment; secrets in it never show in ps
---@field cwd? string directory to run it in
---@field stdin? string|bellbook.Secret text or secret that it reads on stdin, at most 1 MiB
---@field pty? boolean give it a terminal
---@field timeout? bellbook.Duration after this time without an end the outcome is unknown
---@field grace? bellbook.Duration when cancelled: time between TERM and KILL (5 s)
---@field name? string what people call it

---@class bellbook.ssh.run.Result
---@field code integer its exit status; -1 when a signal ended it
---@field ok boolean whether that is 0
---@field out string what it printed on stdout
---@field err string what it printed on stderr
---@field signal string the signal that ended it, like KILL
---@field host string where it ran; an empty text is the ops host
---@field out_cut boolean true when out or err was longer than 1 MiB, and is its beginning and its end

---run a command on a host that changes something; runs once, survives a lost connection
---@param host string a host of the fleet
---@param cmd string|string[] what to run: a text for sh, or a list of words
---@param options? bellbook.ssh.run.Options
---@return bellbook.ssh.run.Result
function ssh.run(host, cmd, options) end

---@class bellbook.ssh.job.Options: bellbook.Status
---@field as? string run it as this user, by sudo
---@field sudo_password? string|bellbook.Secret the password for sudo, a secret; without it a person is asked where sudo asks
---@field env? table<string, string|bellbook.Secret> variables of its environment; secrets in it never show in ps
---@field cwd? string directory to run it in
---@field stdin? string|bellbook.Secret text or secret that it reads on stdin, at most 1 MiB
---@field pty? boolean give it a terminal
---@field timeout? bellbook.Duration after this time without an end the outcome is unknown
---@field grace? bellbook.Duration when cancelled: time between TERM and KILL (5 s)

---@class bellbook.ssh.job.Result
---@field code integer its exit status; -1 when a signal ended it
---@field ok boolean whether that is 0
---@field out string what it printed on stdout
---@field err string what it printed on stderr
---@field signal string the signal that ended it, like KILL
---@field host string where it ran; an empty text is the ops host
---@field out_cut boolean true when out or err was longer than 1 MiB, and is its beginning and its end

---run a long command on a host, with a name; as ssh.run
---@param host string a host of the fleet
---@param name string what people call it
---@param cmd string|string[] what to run: a text for sh, or a list of words
---@param options? bellbook.ssh.job.Options
---@return bellbook.ssh.job.Result
function ssh.job(host, name, cmd, options) end

---@class bellbook.ssh.put.Options
---@field content? string|bellbook.Secret text or secret that the file is to hold
---@field file? string file of the ops host that is to be copied, instead of content
---@field path string where it is to be, from / on; a link stays and what it points to is replaced
---@field mode? string permissions, like "0644"; without it those of the file that is there, or 0644
---@field owner? string user, or user:group; without it that of the file that is there
---@field as? string do it as this user, by sudo
---@field sudo_password? string|bellbook.Secret the password for sudo, a secret; without it a person is asked where sudo asks
---@field timeout? bellbook.Duration after this time without an end the outcome is unknown

---@class bellbook.ssh.put.Result
---@field changed boolean whether another file was there, or none
---@field sha256 string the digest of what it holds, in hex; not of a secret
---@field bytes integer how long it is
---@field mode string its permissions, like 0644
---@field ok boolean true: a file that cannot be put there is an error

---put a file in place on a host, whole or not at all
---@param host string a host of the fleet
---@param options bellbook.ssh.put.Options
---@return bellbook.ssh.put.Result
function ssh.put(host, options) end

---@class bellbook.ssh.get.Options
---@field max? integer refuse a larger file (1 MiB; with `to`: any size)
---@field to? string file of the ops host to write it to (0600), instead of telling it as output
---@field as? string do it as this user, by sudo
---@field sudo_password? string|bellbook.Secret the password for sudo, a secret; without it a person is asked where sudo asks
---@field timeout? bellbook.Duration at most so long

---@class bellbook.ssh.get.Result
---@field out string the file; empty when it went into a file here
---@field sha256 string its digest in hex
---@field bytes integer how long it is
---@field mode string its permissions, like 0644
---@field ok boolean true: a file that cannot be read is an error

---read a file of a host
---@param host string a host of the fleet
---@param path string the file, from / on
---@param options? bellbook.ssh.get.Options
---@return bellbook.ssh.get.Result
function ssh.get(host, path, options) end

here = {}

---@class bellbook.here.read.Options: bellbook.Status
---@field as? string run it as this user, by sudo
---@field sudo_password? string|bellbook.Secret the password for sudo, a secret; without it a person is asked where sudo asks
---@field env? table<string, string|bellbook.Secret> variables of its environment; secrets in it never show in ps
---@field cwd? string directory to run it in
---@field stdin? string|bellbook.Secret text or secret that it reads on stdin, at most 1 MiB
---@field pty? boolean give it a terminal
---@field timeout? bellbook.Duration after this time without an end the outcome is unknown
---@field tell? boolean its output is what people want to see: every view shows it

---@class bellbook.here.read.Result
---@field code integer its exit status; -1 when a signal ended it
---@field ok boolean whether that is 0
---@field out string what it printed on stdout
---@field err string what it printed on stderr
---@field signal string the signal that ended it, like KILL
---@field host string where it ran; an empty text is the ops host
---@field out_cut boolean true when out or err was longer than 1 MiB, and is its beginning and its end

---run a command on the ops host that only looks; repeated freely
---@param cmd string|string[] what to run: a text for sh, or a list of words
---@param options? bellbook.here.read.Options
---@return bellbook.here.read.Result
function here.read(cmd, options) end

---@class bellbook.here.run.Options: bellbook.Status
---@field as? string run it as this user, by sudo
---@field sudo_password? string|bellbook.Secret the password for sudo, a secret; without it a person is asked where sudo asks
---@field env? table<string, string|bellbook.Secret> variables of its environment; secrets in it never show in ps
---@field cwd? string directory to run it in
---@field stdin? string|bellbook.Secret text or secret that it reads on stdin, at most 1 MiB
---@field pty? boolean give it a terminal
---@field timeout? bellbook.Duration after this time without an end the outcome is unknown
---@field grace? bellbook.Duration when cancelled: time between TERM and KILL (5 s)
---@field name? string what people call it

---@class bellbook.here.run.Result
---@field code integer its exit status; -1 when a signal ended it
---@field ok boolean whether that is 0
---@field out string what it printed on stdout
---@field err string what it printed on stderr
---@field signal string the signal that ended it, like KILL
---@field host string where it ran; an empty text is the ops host
---@field out_cut boolean true when out or err was longer than 1 MiB, and is its beginning and its end

---run a command on the ops host that changes something; runs once
---@param cmd string|string[] what to run: a text for sh, or a list of words
---@param options? bellbook.here.run.Options
---@return bellbook.here.run.Result
function here.run(cmd, options) end

outside = {}

---@class bellbook.outside.look.Options
---@field asks table[] what is asked: a list of tables
---@field timeout? bellbook.Duration for each answer (30s)

---@class bellbook.outside.look.Result
---@field looks table[] for each ask: name, status (0: no answer), wanted, kind, auth, certificate (whether it was that), took_us, body (its beginning), text (what was wrong)

---ask a site once, each ask by itself
---@param options bellbook.outside.look.Options
---@return bellbook.outside.look.Result
function outside.look(options) end

---@class bellbook.outside.watch.Options
---@field asks table[] what is asked: a list of tables
---@field slow? bellbook.Duration an answer that took longer was waited for (3s)
---@field limit? bellbook.Duration it ends after so long, whatever comes (24h)
---@field unproven? string words for what the answers do not prove, for those who read the counts

---@class bellbook.outside.watch.Result

---ask a site from here on, once a second, until the walk ends; refused and slow answers are counted
---@param options bellbook.outside.watch.Options
---@return bellbook.outside.watch.Result
function outside.watch(options) end

---@class bellbook.outside.finish.Result

---end outside.watch
---@return bellbook.outside.finish.Result
function outside.finish() end
