#!/usr/bin/env bats
# outside.bats - bellbook outside: an answer, a fault, a certificate nobody vouches for, silence; and bellbook hosts without a fleet.
# SPDX-License-Identifier: GPL-3.0-or-later

bats_require_minimum_version 1.5.0

setup() {
	[ -x "$BELLBOOK" ] || skip "no program at $BELLBOOK"
	export BELLBOOK_JOURNAL=$BATS_TEST_TMPDIR/j.db HOME=$BATS_TEST_TMPDIR
	unset BELLBOOK_FLEET SSL_CERT_FILE XDG_CONFIG_HOME
}

teardown() {
	[ -z "${SERVER-}" ] || kill "$SERVER"
}

# Serves one address on a free port ($PORT): "/" is fine, "/broken" answers 503; with a certificate it speaks TLS.
serve() {
	python3 - "$BATS_TEST_TMPDIR/port" "$@" <<-'END' 3>&- &
		import http.server, os, ssl, sys
		class Site(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        self.send_response(503 if self.path == "/broken" else 200)
		        self.end_headers()
		        self.wfile.write(b"hello")
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
	for _ in $(seq 400); do [ -e "$BATS_TEST_TMPDIR/port" ] && break; sleep 0.05; done
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
