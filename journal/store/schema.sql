-- schema.sql - schema version 1 of a journal; every table and trigger is compared with this text when a journal is opened.
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Never edit a version that was released: add a step to store_steps in store_schema.c.
-- No JSON functions here: trusted_schema=OFF refuses them on SQLite 3.40.
CREATE TABLE meta(k TEXT PRIMARY KEY, v ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE event(
  seq     INTEGER PRIMARY KEY CHECK(seq > 0),      -- 1, 2, 3 ... gapless, the only order
  session INTEGER NOT NULL,                        -- seq of its session.opened; 0 = of the journal itself
  at_us   INTEGER NOT NULL,                        -- wall clock, UTC microseconds
  mono_us INTEGER NOT NULL,                        -- CLOCK_BOOTTIME microseconds, for durations
  kind    INTEGER NOT NULL CHECK(kind > 0),
  v       INTEGER NOT NULL,                        -- version of the kind's data
  who     TEXT NOT NULL,
  step    TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  call    TEXT NOT NULL,
  host    TEXT NOT NULL,
  data    TEXT NOT NULL,                           -- JSON object, keys sorted
  digest  BLOB NOT NULL CHECK(length(digest) IN (0, 32)), -- SHA-256("bb1p" || salt || bytes); x'' = no payload
  hash    BLOB NOT NULL CHECK(length(hash) = 32)   -- SHA-256("bb1e" || previous hash || canonical row)
) STRICT;
CREATE TABLE payload(                              -- free text and raw output; may be purged, the chain still verifies
  seq    INTEGER PRIMARY KEY,
  codec  INTEGER NOT NULL,                         -- 0 = as is
  length INTEGER NOT NULL,                         -- of the bytes before the codec
  salt   BLOB NOT NULL CHECK(length(salt) = 16),   -- so that a purged "y" cannot be guessed back from its digest
  bytes  BLOB NOT NULL
) STRICT;
-- Every query that wants a partial index repeats its predicate literally.
CREATE INDEX event_session ON event(session);
CREATE INDEX event_marker ON event(session) WHERE kind < 100;
CREATE INDEX event_state ON event(kind, session) WHERE kind IN (1, 2, 3);
CREATE INDEX event_output ON event(session, step, attempt, call) WHERE kind >= 100;
CREATE INDEX event_purge ON event(seq) WHERE kind = 61;
-- seq = max + 1 also closes the hole that INSERT OR REPLACE leaves beside no-update and no-delete triggers.
CREATE TRIGGER event_insert BEFORE INSERT ON event
 WHEN NEW.seq IS NOT (SELECT ifnull(max(seq), 0) + 1 FROM event)
 BEGIN SELECT RAISE(ABORT, 'journal: seq must be the last one plus 1'); END;
CREATE TRIGGER event_update BEFORE UPDATE ON event
 BEGIN SELECT RAISE(ABORT, 'journal: events are append-only'); END;
CREATE TRIGGER event_delete BEFORE DELETE ON event
 BEGIN SELECT RAISE(ABORT, 'journal: events are append-only'); END;
CREATE TRIGGER payload_insert BEFORE INSERT ON payload
 WHEN EXISTS(SELECT 1 FROM payload WHERE seq = NEW.seq)
  OR NOT EXISTS(SELECT 1 FROM event WHERE seq = NEW.seq AND length(digest) = 32)
 BEGIN SELECT RAISE(ABORT, 'journal: a payload is written once, with its event'); END;
CREATE TRIGGER payload_update BEFORE UPDATE ON payload
 BEGIN SELECT RAISE(ABORT, 'journal: a payload is written once'); END;
-- A payload.purged event names in its column call the range "FIRST..LAST" that may go.
CREATE TRIGGER payload_delete BEFORE DELETE ON payload
 WHEN NOT EXISTS(SELECT 1 FROM event WHERE kind = 61 AND seq > OLD.seq
  AND OLD.seq BETWEEN CAST(call AS INTEGER) AND CAST(substr(call, instr(call, '..') + 2) AS INTEGER))
 BEGIN SELECT RAISE(ABORT, 'journal: purging a payload needs a payload.purged event first'); END;
CREATE TRIGGER meta_insert BEFORE INSERT ON meta
 WHEN EXISTS(SELECT 1 FROM meta WHERE k = NEW.k)
 BEGIN SELECT RAISE(ABORT, 'journal: meta is written once'); END;
CREATE TRIGGER meta_update BEFORE UPDATE ON meta
 BEGIN SELECT RAISE(ABORT, 'journal: meta is written once'); END;
CREATE TRIGGER meta_delete BEFORE DELETE ON meta
 BEGIN SELECT RAISE(ABORT, 'journal: meta is written once'); END;
