#!/usr/bin/env python3
# places.py - a web that listens on a Unix socket and on an address of its own: usage: places.py SOCKET ADDRESS. Prints the port, then serves until it is killed.
# SPDX-License-Identifier: GPL-3.0-or-later
import http.server
import socketserver
import sys
import threading

PAGE = b'<html><script src="/packs/assets/application-0123abcd.js"></script></html>'


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = 404 if self.path.startswith("/bellbook-is-not-there") else 500 if self.path.startswith("/explore") else 200
        # Only who asks by the right name, and says that it came by https, is answered.
        if self.headers.get("Host") != "social.example" or self.headers.get("X-Forwarded-Proto") != "https":
            status = 403
        self.send_response(status)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *args):
        pass

    def address_string(self):
        return "somebody"


class Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def main():
    unix = Unix(sys.argv[1], Handler)
    tcp = http.server.ThreadingHTTPServer((sys.argv[2], 0), Handler)
    threading.Thread(target=unix.serve_forever, daemon=True).start()
    print(tcp.server_address[1], flush=True)
    tcp.serve_forever()


main()
