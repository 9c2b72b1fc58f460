-- backup-folder.lua - a small runbook to copy and change: docs/first-change.md.
-- SPDX-License-Identifier: GPL-3.0-or-later
runbook { id = "backup-folder", bellbook = 1, title = "Make the folder for backups",
	about = "Before the first backup of a host: a folder that only Mastodon's user can read.",
	roles = { app = "1+" } }

phase "Look before you touch"

observe "room" { title = "Is there room for a dump?",
	command = { on = "app", tell = true, "df -h /var" } }

phase "Make it"

change "folder" { title = "Make the folder", takes = "5s",
	why = "A dump holds every password hash and private post: nobody else may read it.",
	back = "rmdir the folder, while it is empty.",
	command = { on = "app", as = "root",
		"install -d -o mastodon -g mastodon -m 0755 /var/backups/mastodon" },
	done_when = "test \"$(stat -c '%U %a' /var/backups/mastodon)\" = 'mastodon 755'" }
