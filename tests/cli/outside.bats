#!/usr/bin/env bats
# outside.bats - bellbook outside: an answer, a fault, a certificate nobody vouches for, silence; and bellbook hosts without a fleet.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0
# shellcheck source=tests/lib/wait.sh
. "$BATS_TEST_DIRNAME/../lib/wait.sh"

setup() {
	[ -x "$BELLBOOK" ] || skip "no program at $BELLBOOK"
	export BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db HOME=$BATS_TEST_TMPDIR
	unset BELLBOOK_FLEET SSL_CERT_FILE XDG_CONFIG_HOME
}

teardown() {
	[ -z "${SERVER-}" ] || kill "$SERVER"
}

# Serves one address on a free port ($PORT): "/" is fine, "/broken" answers 503; with a certificate it speaks TLS. Below /dead/ only what lies
# in a cache is given out, below /deaf/ every GET; nothing is posted to either. /guarded/ refuses us what /alive/ takes.
serve() {
	python3 - "$BATS_TEST_TMPDIR/port" "$@" <<-'END' 3>&- &
		import http.server, os, ssl, sys
		class Site(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        stale = self.path.startswith("/dead/") and "?" in self.path
		        self.send_response(503 if self.path == "/broken" else 502 if stale else 200)
		        self.end_headers()
		        self.wfile.write(b'{"version":"4.5.15+ours"}' if self.path.startswith("/alive/api/v2/instance?") else b"hello")
		    def do_POST(self):
		        self.rfile.read(int(self.headers.get("content-length") or 0))
		        kind = self.path.split("/")[1]
		        self.send_response({"dead": 502, "deaf": 502, "guarded": 403, "alive": 401}.get(kind, 404))
		        self.end_headers()
		    def log_message(self, *words):
		        pass
		server = http.server.HTTPServer(("127.0.0.1", 0), Site)
		if len(sys.argv) > 2:
		    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		    context.load_cert_chain(sys.argv[2], sys.argv[3])
		    server.socket = context.wrap_socket(server.socket, server_side=True)
		with open(sys.argv[1] + ".new", "w") as f:
		    f.write(str(server.server_address[1]))
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		server.serve_forever()
	END
	SERVER=$!
	until_true test -e "$BATS_TEST_TMPDIR/port"
	PORT=$(<"$BATS_TEST_TMPDIR/port")
}

@test "an answer, a fault of the server, and nobody there" {
	serve
	run -0 "$BELLBOOK" outside "http://127.0.0.1:$PORT/"
	[[ $output == *"  ok  http 200 in "* ]]
	run -1 "$BELLBOOK" outside "http://127.0.0.1:$PORT/broken" --json
	[[ $output == *'"state":"attention","status":503'* ]]
	printf 'fleet { name = "t", mastodon = { url = "http://127.0.0.1:%s" } }\n' "$PORT" >"$BATS_TEST_TMPDIR/f.lua"
	run -0 "$BELLBOOK" outside --fleet "$BATS_TEST_TMPDIR/f.lua"
	run -1 "$BELLBOOK" outside http://127.0.0.1:1/
	[[ $output == *"silent"*"onnect"* ]]
	run -1 "$BELLBOOK" outside "file:///etc/passwd"
	[[ $output != *root* ]]
	[ ! -e "$BELLBOOK_JOURNAL" ]
}

@test "a page out of a cache is no sign of life" {
	serve
	run -1 "$BELLBOOK" outside "http://127.0.0.1:$PORT/dead/"
	[[ $output == *"  attention  http 200 in "*"out of a cache"*"502"* ]]
	run -1 "$BELLBOOK" outside "http://127.0.0.1:$PORT/dead/" --json
	[[ $output == *'"fresh_status":502'*'"state":"attention","status":200'* ]]
	run -0 "$BELLBOOK" outside "http://127.0.0.1:$PORT/alive/" --json
	[[ $output == *'"fresh_status":200'* ]]
}

@test "of a fleet's site it is also asked whether anything can be posted to it" {
	serve
	fleet() { printf 'fleet { name = "t", mastodon = { url = "http://127.0.0.1:%s/%s" } }\n' "$PORT" "$1" >"$BATS_TEST_TMPDIR/f.lua"; }
	fleet deaf
	run -1 "$BELLBOOK" outside --fleet "$BATS_TEST_TMPDIR/f.lua"
	[[ $output == *"attention"*"inbox"*"502"* ]]
	fleet alive
	run -0 "$BELLBOOK" outside --fleet "$BATS_TEST_TMPDIR/f.lua" --json
	[[ $output == *'"inbox_status":401'*'"state":"ok"'* && $output == *'"version":"4.5.15+ours"'* ]]
	run -0 "$BELLBOOK" outside --fleet "$BATS_TEST_TMPDIR/f.lua"
	[[ $output == *"  Mastodon 4.5.15+ours"* ]]
	# Whoever guards the site may not want us: that is said, and is no fault of the site.
	fleet guarded
	run -0 "$BELLBOOK" outside --fleet "$BATS_TEST_TMPDIR/f.lua"
	[[ $output == *"ok"*"403"*"not seen"* ]]
}

@test "a certificate is believed only from an authority that is trusted" {
	command -v openssl >/dev/null || skip "no openssl"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 40 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$BATS_TEST_TMPDIR/key" -out "$BATS_TEST_TMPDIR/cert"
	serve "$BATS_TEST_TMPDIR/cert" "$BATS_TEST_TMPDIR/key"
	run -1 "$BELLBOOK" outside "https://127.0.0.1:$PORT/"
	[[ $output == *"NOT trusted"* ]]
	SSL_CERT_FILE=$BATS_TEST_TMPDIR/cert run -0 "$BELLBOOK" outside "https://127.0.0.1:$PORT/" --json
	[[ $output =~ '"cert_days":'(39|40),.*'"tls":"checked"' ]]
}

@test "hosts without a fleet file, or without such a host, says what to do" {
	run -2 "$BELLBOOK" hosts
	[[ $output == *"there is no fleet file"* ]]
	echo 'fleet { name = "t", hosts = { a = {} } }' >"$BATS_TEST_TMPDIR/f.lua"
	run -2 "$BELLBOOK" hosts b --fleet "$BATS_TEST_TMPDIR/f.lua"
	[[ $output == *"no host or role b"* ]]
}
