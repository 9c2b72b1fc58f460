# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL through the system's libpq: one connection, text in and text out."""
import ctypes
import os
import urllib.parse

LIB = None


class PGError(Exception):
    """What the server answered; `code` is the SQLSTATE ('' when there was no server)."""

    def __init__(self, text, code=""):
        super().__init__(text)
        self.text = text
        self.code = code

    def ruby(self):
        """The class of the pg gem that this error would be."""
        return {"23505": "PG::UniqueViolation", "42P01": "PG::UndefinedTable", "42703": "PG::UndefinedColumn",
                "42P07": "PG::DuplicateTable", "42701": "PG::DuplicateColumn", "53100": "PG::DiskFull",
                "55P03": "PG::LockNotAvailable", "57014": "PG::QueryCanceled", "42501": "PG::InsufficientPrivilege",
                "25006": "PG::ReadOnlySqlTransaction",
                # A server that goes away while a statement runs: the gem's class is that of the lost connection.
                "57P01": "PG::ConnectionBad", "57P02": "PG::ConnectionBad", "57P03": "PG::ConnectionBad"}.get(self.code, "PG::ConnectionBad" if not self.code else "PG::Error")


def library():
    global LIB
    if LIB is None:
        lib = ctypes.CDLL("libpq.so.5")
        void, text, num = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
        for name, result, args in (
                ("PQconnectdb", void, [text]), ("PQstatus", num, [void]), ("PQerrorMessage", text, [void]),
                ("PQfinish", None, [void]), ("PQexec", void, [void, text]),
                ("PQexecParams", void, [void, text, num, void, ctypes.POINTER(text), void, void, num]),
                ("PQresultStatus", num, [void]), ("PQntuples", num, [void]), ("PQnfields", num, [void]),
                ("PQgetvalue", text, [void, num, num]), ("PQgetisnull", num, [void, num, num]), ("PQclear", None, [void]),
                ("PQresultErrorField", text, [void, num]), ("PQresultErrorMessage", text, [void]),
                ("PQcmdTuples", text, [void]), ("PQserverVersion", num, [void])):
            f = getattr(lib, name)
            f.restype, f.argtypes = result, args
        LIB = lib
    return LIB


def quote(value):
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


PATIENCE = 15  # seconds for a connection, as Mastodon's database.yml has it


class PG:
    """`run` gives the rows as tuples of str or None."""

    def __init__(self, host, port, name, user, password="", app="rails", timeout=PATIENCE):
        lib = library()
        info = "host=%s port=%s dbname=%s user=%s application_name=%s connect_timeout=%d" % (
            quote(host), quote(port), quote(name), quote(user), quote(app), timeout)
        if password:
            info += " password=" + quote(password)
        self.conn = lib.PQconnectdb(info.encode())
        if lib.PQstatus(self.conn) != 0:
            text = lib.PQerrorMessage(self.conn).decode("utf-8", "replace").strip()
            lib.PQfinish(self.conn)
            self.conn = None
            raise PGError(text)
        self.run("SET client_min_messages TO error")

    @classmethod
    def from_env(cls, app="rails", timeout=PATIENCE):
        """As config/database.yml has it: DATABASE_URL wins part by part; an empty DB_HOST is libpq's own socket."""
        env = os.environ
        given = [env.get("DB_HOST", "localhost"), env.get("DB_PORT", "5432"), env.get("DB_NAME", "mastodon_production"),
                 env.get("DB_USER", "mastodon"), env.get("DB_PASS", "")]
        if env.get("DATABASE_URL"):
            url = urllib.parse.urlsplit(env["DATABASE_URL"])
            parts = [url.hostname, url.port and str(url.port), url.path.lstrip("/"), url.username, url.password]
            given = [urllib.parse.unquote(new) if new else old for old, new in zip(given, parts)]
        return cls(*given, app, timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.conn:
            library().PQfinish(self.conn)
            self.conn = None

    def version(self):
        return library().PQserverVersion(self.conn)

    def run(self, sql, *params):
        lib = library()
        if params:
            values = (ctypes.c_char_p * len(params))(*[None if p is None else str(p).encode() for p in params])
            res = lib.PQexecParams(self.conn, sql.encode(), len(params), None, values, None, None, 0)
        else:
            res = lib.PQexec(self.conn, sql.encode())
        try:
            status = lib.PQresultStatus(res)
            if status not in (0, 1, 2):
                code = lib.PQresultErrorField(res, ord("C")) if res else None
                text = lib.PQresultErrorMessage(res) if res else lib.PQerrorMessage(self.conn)
                raise PGError((text or b"").decode("utf-8", "replace").strip(), (code or b"").decode())
            rows = []
            for i in range(lib.PQntuples(res)):
                rows.append(tuple(None if lib.PQgetisnull(res, i, j) else
                                  lib.PQgetvalue(res, i, j).decode("utf-8", "replace") for j in range(lib.PQnfields(res))))
            return rows
        finally:
            lib.PQclear(res)

    def one(self, sql, *params):
        """The first column of the first row, or None."""
        rows = self.run(sql, *params)
        return rows[0][0] if rows else None
