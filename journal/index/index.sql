-- index.sql - the index beside a journal: derived, may be deleted at any time. A change here counts INDEX_SCHEMA up; older files are made anew.
-- SPDX-License-Identifier: GPL-3.0-or-later
CREATE TABLE meta(k TEXT PRIMARY KEY, v ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE session(
  id            INTEGER PRIMARY KEY,
  runbook       TEXT NOT NULL,
  title         TEXT NOT NULL,
  fleet         TEXT NOT NULL,
  who           TEXT NOT NULL,
  dry_run       INTEGER NOT NULL,
  outcome       TEXT NOT NULL DEFAULT '',          -- of session.closed; '' = open
  reason        TEXT NOT NULL DEFAULT '',
  opened_us     INTEGER NOT NULL,
  closed_us     INTEGER NOT NULL DEFAULT 0,        -- 0 = open
  last_us       INTEGER NOT NULL,                  -- of its last event that is no output
  idle_us       INTEGER NOT NULL DEFAULT 0,        -- nobody carried it: from its last event to session.resumed
  waited_us     INTEGER NOT NULL DEFAULT 0,        -- at least one question was open
  wait_since_us INTEGER NOT NULL DEFAULT 0,        -- one is open since; 0 = none
  step          INTEGER NOT NULL DEFAULT 0,        -- number of the step entered last ...
  steps         INTEGER NOT NULL DEFAULT 0,        -- ... of so many
  failures      INTEGER NOT NULL DEFAULT 0,        -- attempts of steps that failed
  warnings      INTEGER NOT NULL DEFAULT 0,
  notes         INTEGER NOT NULL DEFAULT 0,
  resumed       INTEGER NOT NULL DEFAULT 0         -- how often
) STRICT;
CREATE INDEX session_runbook ON session(runbook, id);
CREATE INDEX session_open ON session(id) WHERE outcome = '';
CREATE TABLE step(
  session       INTEGER NOT NULL,
  id            TEXT NOT NULL,
  place         INTEGER NOT NULL,                  -- 1, 2 ... in the runbook
  title         TEXT NOT NULL,
  kind          TEXT NOT NULL,
  state         TEXT NOT NULL DEFAULT 'planned',   -- as in step.ended, or planned ready running in doubt
  reason        TEXT NOT NULL DEFAULT '',
  by_person     INTEGER NOT NULL DEFAULT 0,        -- it ended so by a person's word
  attempt       INTEGER NOT NULL DEFAULT 0,
  undo          INTEGER NOT NULL DEFAULT 0,        -- the attempt takes the step back
  begun_us      INTEGER NOT NULL DEFAULT 0,
  ended_us      INTEGER NOT NULL DEFAULT 0,
  took_us       INTEGER NOT NULL DEFAULT 0,        -- work of the last attempt, without waiting for people
  waited_us     INTEGER NOT NULL DEFAULT 0,        -- for people, in the last attempt
  wait_since_us INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY(session, id)
) STRICT, WITHOUT ROWID;
-- Work on a step, once for each attempt that ended; what a decision about it made of the step is in step.state.
CREATE TABLE attempt(
  session   INTEGER NOT NULL,
  step      TEXT NOT NULL,
  attempt   INTEGER NOT NULL,
  runbook   TEXT NOT NULL,                         -- '' = of a dry run: never counted
  undo      INTEGER NOT NULL,
  state     TEXT NOT NULL,                         -- ok warn failed
  begun_us  INTEGER NOT NULL,
  took_us   INTEGER NOT NULL,
  waited_us INTEGER NOT NULL,
  PRIMARY KEY(session, step, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_runbook ON attempt(runbook, step, session);
CREATE TABLE ask(session INTEGER NOT NULL, seq INTEGER NOT NULL, step TEXT NOT NULL, PRIMARY KEY(session, seq)) STRICT, WITHOUT ROWID;
-- Orders that changed something and have not come back.
CREATE TABLE call(
  session INTEGER NOT NULL,
  step    TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  path    TEXT NOT NULL,
  host    TEXT NOT NULL,
  shown   TEXT NOT NULL,
  at_us   INTEGER NOT NULL,
  PRIMARY KEY(session, step, attempt, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE person(session INTEGER NOT NULL, who TEXT NOT NULL, PRIMARY KEY(session, who)) STRICT, WITHOUT ROWID;
CREATE INDEX person_who ON person(who, session);
CREATE TABLE host(session INTEGER NOT NULL, host TEXT NOT NULL, PRIMARY KEY(session, host)) STRICT, WITHOUT ROWID;
CREATE INDEX host_host ON host(host, session);
CREATE TABLE refused(session INTEGER NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL, goes_on INTEGER NOT NULL, PRIMARY KEY(session, from_us)) STRICT, WITHOUT ROWID; -- as asked from outside; to_us: last seen so
CREATE TABLE down(session INTEGER NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL, PRIMARY KEY(session, from_us)) STRICT, WITHOUT ROWID; -- to_us 0 = not over
-- Steps put off to a day. settled_us 0 = it is still owed; how: in words, '' = the step was done later in the same walk.
CREATE TABLE debt(
  seq        INTEGER PRIMARY KEY,                  -- of the event deferred
  session    INTEGER NOT NULL,
  step       TEXT NOT NULL,
  owner      TEXT NOT NULL,
  due        TEXT NOT NULL,                        -- a date, older journals may have any text
  reason     TEXT NOT NULL,
  settled_us INTEGER NOT NULL DEFAULT 0,
  settled_by TEXT NOT NULL DEFAULT '',
  how        TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX debt_owed ON debt(session, step) WHERE settled_us = 0;
-- Payloads that are not to be in the text.
CREATE TABLE purged(seq INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
-- Contentless: what it found is read from the journal. No sizes of documents: hits are never ranked, newest come first.
-- tags holds whole words made by bellbook (session, host, runbook, person), so that a filter is one more word to look up.
CREATE VIRTUAL TABLE text USING fts5(body, tags, content='', columnsize=0, tokenize="unicode61 remove_diacritics 2");
INSERT INTO text(text, rank) VALUES('hashsize', 16777216);
