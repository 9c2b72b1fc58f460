# shellcheck shell=bash disable=SC2034,SC2153,SC2174
# config.sh - keys and files that the ops side uses: ssh_config, hosts, fleet.lua, env. All are in the state directory.
# SPDX-License-Identifier: GPL-3.0-or-later

# $1 = tier. Keys are made later, in the world, beside other work.
write_config() {
	if [ "$1" = loopback ]; then choose_port >"$STATE/port"; fi
	write_ssh_config "$1" >"$STATE/ssh_config"
	write_hosts >"$STATE/hosts"
	write_fleet_lua >"$STATE/fleet.lua"
	printf 'export %s\n' "FLEET_STATE='$STATE'" "BELLBOOK_SSH_CONFIG='$STATE/ssh_config'" "BELLBOOK_FLEET='$STATE/fleet.lua'" >"$STATE/env"
	: >"$STATE/notes"
	mkdir -p "$STATE/faults"
}

# HostName and Port of $1 in the tier $2.
where_is() {
	if [ "$2" = loopback ]; then
		printf '  HostName %s\n  Port %s\n' "$(loop_address "$1")" "$(loop_port)"
	else
		printf '  HostName %s\n' "$(address_of "$1")"
	fi
}

# ssh takes the first value it meets, but collects IdentityFile: so no key stands under "Host *".
write_ssh_config() {
	local tier=$1 h
	local -a id=("  IdentityFile $STATE/id" "  IdentitiesOnly yes")
	echo "# made by tests/fleet/fleet up; removed by down"
	for h in "${HOSTS[@]}"; do
		printf '%s\n' "Host $h" "${id[@]}"
		where_is "$h" "$tier"
	done
	printf '%s\n' "Host rsa-app1" "  IdentityFile $STATE/id_rsa" "  IdentitiesOnly yes" "$(where_is app1 "$tier")" \
		"Host enc-app1" "  IdentityFile $STATE/id_enc" "  IdentitiesOnly yes" "$(where_is app1 "$tier")" \
		"Host jump-db1" "${id[@]}" "  ProxyJump app1" "$(where_is db1 "$tier")" \
		"Host chain-db2" "${id[@]}" "  ProxyJump app1,app2" "$(where_is db2 "$tier")" \
		"Host unknown-app2" "${id[@]}" "  UserKnownHostsFile $STATE/known_hosts.unknown" "  StrictHostKeyChecking ask" \
		"$(where_is app2 "$tier")"
	if [ "$tier" != loopback ]; then
		printf '%s\n' "Host pw-app1" "  User pwlogin" "  PubkeyAuthentication no" \
			"  PreferredAuthentications keyboard-interactive,password" "$(where_is app1 "$tier")" \
			"Host secure-app1" "${id[@]}" "  User secure" "$(where_is app1 "$tier")"
	fi
	printf '%s\n' "Host *" "  User $([ "$tier" = loopback ] && id -un || echo deploy)" \
		"  UserKnownHostsFile $STATE/known_hosts" "  GlobalKnownHostsFile /dev/null" "  StrictHostKeyChecking yes" \
		"  UpdateHostKeys no"
}

write_hosts() {
	local h
	echo "127.0.0.1 localhost"
	for h in "${HOSTS[@]}"; do
		echo "$(address_of "$h") $h$([ "$h" = app1 ] && echo " social.practice.test streaming.social.practice.test")"
	done
}

write_fleet_lua() {
	cat <<E
-- the practice fleet, written by tests/fleet/fleet up
fleet { name = "practice",
  ssh_config = "$STATE/ssh_config",
  hosts = { app1 = {}, app2 = {}, db1 = {}, db2 = {}, search1 = {} },
  roles = { web = { "app1" }, sidekiq = { "app1", "app2" }, streaming = { "app1" }, app = { "app1", "app2" },
            db = { "db1" }, replica = { "db2" }, redis = { "db1" }, search = { "search1" } },
  mastodon = { domain = "social.practice.test", web = "social.practice.test", url = "http://social.practice.test", live = "/home/mastodon/live",
               user = "mastodon" },
  policy = { alone = "waiver", delay = "0s" },
}
E
}

# In the order in which they are needed: the hosts' keys, the volunteer's, and last the RSA key, which may take seconds.
make_keys() {
	local h
	mkdir -p -m 700 "$STATE/hostkeys"
	for h in "${BOOT_ORDER[@]}"; do
		ssh-keygen -q -t ed25519 -N '' -C "root@$h" -f "$STATE/hostkeys/$h.ed25519"
		ssh-keygen -q -t ecdsa -N '' -C "root@$h" -f "$STATE/hostkeys/$h.ecdsa"
		: >"$STATE/hostkeys/$h.ready"
	done
	known_hosts >"$STATE/known_hosts"
	grep -v '^app2,' "$STATE/known_hosts" >"$STATE/known_hosts.unknown"
	ssh-keygen -q -t ed25519 -N '' -C volunteer -f "$STATE/id"
	ssh-keygen -q -t ed25519 -N "$PASSWORD" -C volunteer-enc -f "$STATE/id_enc"
	ssh-keygen -q -t rsa -b 3072 -N '' -C volunteer-rsa -f "$STATE/id_rsa"
	: >"$STATE/hostkeys/ready"
}

# As a volunteer's file looks: most hosts with all their keys, search1 with one alone.
known_hosts() {
	local h type name
	for h in "${HOSTS[@]}"; do
		for type in ed25519 ecdsa; do
			[ "$h.$type" != search1.ecdsa ] || continue
			name=$h,$(address_of "$h")
			[ "$FLEET_TIER" != loopback ] || name="$h,[$(loop_address "$h")]:$(loop_port)"
			echo "$name $(cut -d' ' -f1,2 "$STATE/hostkeys/$h.$type.pub")"
		done
	done
}
