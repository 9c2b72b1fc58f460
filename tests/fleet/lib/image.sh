# shellcheck shell=bash disable=SC2034,SC2153,SC2174
# image.sh - what a fresh host's disk holds: /etc with users, sudo, pam and sshd, empty homes. Made once, copied per host.
# SPDX-License-Identifier: GPL-3.0-or-later

# Of this machine's /etc only what programs below /usr need; never keys, never its users.
ETC_KEEP=(alternatives ca-certificates.conf debian_version default/locale environment ld.so.cache ld.so.conf ld.so.conf.d
	locale.alias localtime login.defs nginx/mime.types nsswitch.conf openssl ssl/certs ssl/openssl.cnf os-release pam.conf
	perl postgresql-common profile profile.d protocols python3 python3.11 rpc security services shells skel ssh/moduli
	terminfo timezone bash.bashrc mime.types gai.conf host.conf)
USERS=("deploy 1000 /home/deploy /bin/bash" "secure 1001 /home/secure /bin/bash" "pwlogin 1002 /home/pwlogin /bin/bash"
	"mastodon 2000 /home/mastodon /usr/sbin/nologin" "sshd 120 /run/sshd /usr/sbin/nologin"
	"postgres 121 /var/lib/postgresql /bin/bash" "redis 122 /var/lib/redis /usr/sbin/nologin")

make_template() {
	local t=$W/template
	mkdir -p "$t" && cd "$t" || return 1
	mkdir -p etc usr proc sys dev run tmp root home srv mnt opt/standin old \
		var/{lib,log,tmp,cache,spool,mail,backups,www} var/lib/{nginx,sudo/lectured,dpkg} etc/{ssh,pam.d,fleet,sudoers.d}
	chmod 1777 tmp var/tmp
	chmod 700 root var/lib/sudo
	local d
	for d in bin sbin lib lib32 lib64 libx32; do [ ! -d "/usr/$d" ] || ln -s "usr/$d" "$d"; done
	ln -s ../run var/run
	ln -s ../run/lock var/lock
	(cd /etc && for d in "${ETC_KEEP[@]}"; do
		[ ! -e "$d" ] || printf '%s\n' "$d"
	done | xargs cp -r -P --parents --preserve=mode,timestamps,links -t "$t/etc") 2>/dev/null
	image_users
	image_pam
	image_sshd
	image_homes
	chown 33:33 var/www
	ln -sf /proc/self/mounts etc/mtab
	printf '%s\n' 'hosts: files' 'passwd: files' 'group: files' 'shadow: files' >etc/nsswitch.conf
}

# Debian's static accounts, then ours. "*" is no password but not locked: sshd refuses a "!" account.
image_users() {
	local u name id home shell hash
	cat /usr/share/base-passwd/passwd.master >etc/passwd
	cat /usr/share/base-passwd/group.master >etc/group
	hash=$(perl -e 'print crypt($ARGV[0], "\$6\$practice\$")' "$PASSWORD")
	for u in "${USERS[@]}"; do
		read -r name id home shell <<<"$u"
		echo "$name:x:$id:$id::$home:$shell" >>etc/passwd
		echo "$name:x:$id:" >>etc/group
	done
	sed -i 's/^\([^:]*\):[^:]*:/\1:x:/' etc/passwd
	awk -F: -v hash="$hash" '{ print $1 ":" ($1 ~ /^(secure|pwlogin)$/ ? hash : "*") ":19700:0:99999:7:::" }' etc/passwd >etc/shadow
	chmod 640 etc/shadow
	chown 0:42 etc/shadow
	printf '%s\n' 'Defaults env_reset' 'Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"' \
		'root ALL=(ALL:ALL) ALL' 'deploy ALL=(ALL:ALL) NOPASSWD: ALL' 'secure ALL=(ALL:ALL) ALL' \
		'@includedir /etc/sudoers.d' >etc/sudoers
	chmod 440 etc/sudoers
}

image_pam() {
	local f
	printf '%s\n' 'auth required pam_unix.so' 'account required pam_unix.so' 'password required pam_unix.so' \
		'session required pam_unix.so' >etc/pam.d/other
	for f in sshd sudo sudo-i login; do cp etc/pam.d/other "etc/pam.d/$f"; done
	for f in su su-l runuser runuser-l; do
		{ echo 'auth sufficient pam_rootok.so'; cat etc/pam.d/other; } >"etc/pam.d/$f"
	done
}

image_sshd() {
	cat >etc/ssh/sshd_config <<-'E'
		Port 22
		HostKey /etc/ssh/ssh_host_ed25519_key
		HostKey /etc/ssh/ssh_host_ecdsa_key
		UsePAM yes
		PermitRootLogin prohibit-password
		PasswordAuthentication yes
		KbdInteractiveAuthentication yes
		SetEnv PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
		AcceptEnv LANG LC_*
		LogLevel VERBOSE
		MaxStartups 200:30:400
		MaxSessions 100
		PrintMotd no
		Subsystem sftp internal-sftp
	E
}

image_homes() {
	local u name id home
	for u in "${USERS[@]}"; do
		read -r name id home _ <<<"$u"
		[ "$name" != sshd ] || continue
		mkdir -p ".$home"
		case $name in deploy | secure | pwlogin) mkdir -p -m 700 ".$home/.ssh" ;; esac
		chown -R "$id:$id" ".$home"
	done
	mkdir -p -m 700 root/.ssh
}

# Set-user-id programs as copies on a file system of the world: in a user namespace the machine's own root is nobody,
# and sudo refuses plugins that root does not own. The same in both tiers.
make_suid() {
	local d=$W/suid f
	mkdir -p "$d" && mount -t tmpfs -o mode=755,size=16m fleet-suid "$d" || return 1
	cp -r -P --preserve=mode,links /usr/libexec/sudo "$d/libexec"
	for f in sudo su; do
		cp "/usr/bin/$f" "$d/$f"
		chown 0:0 "$d/$f"
		chmod 4755 "$d/$f"
	done
}

# The disk of host $1: everything that survives a power failure.
make_disk() {
	local h=$1 d=$W/disk/$1
	mkdir -p "$d" "$W/local/$h"
	mount -t tmpfs -o "mode=755,size=${FLEET_DISK:-512m}" "fleet-$h" "$d" || return 1
	mount -t tmpfs -o mode=755,size=32m "fleet-local-$h" "$W/local/$h" || return 1
	mkdir -p "$W/local/$h"/{bin,sbin,lib,share,etc,src}
	cp -a "$W/template/." "$d/"
	echo "$h" >"$d/etc/hostname"
	cp "$STATE/hosts" "$d/etc/hosts"
	put_hostkeys "$h" ''
	put_services "$h"
	! has_systemd "$h" || put_systemd "$h"
	cp "$FLEET_DIR/lib/init.sh" "$d/etc/fleet/init"
}

# Lets the volunteer's keys in.
authorize() {
	local d=$W/disk/$1 u
	for u in root home/deploy home/secure; do
		cat "$STATE/id.pub" "$STATE/id_rsa.pub" "$STATE/id_enc.pub" >"$d/$u/.ssh/authorized_keys"
		chmod 600 "$d/$u/.ssh/authorized_keys"
		chown --reference="$d/$u" "$d/$u/.ssh/authorized_keys"
	done
}

# $2 = '' for the keys that known_hosts has, ".new" for others.
put_hostkeys() {
	local type to
	for type in ed25519 ecdsa; do
		to=$W/disk/$1/etc/ssh/ssh_host_${type}_key
		cp "$STATE/hostkeys/$1.$type$2" "$to"
		cp "$STATE/hostkeys/$1.$type$2.pub" "$to.pub"
		chmod 600 "$to"
		chown 0:0 "$to" "$to.pub"
	done
}
