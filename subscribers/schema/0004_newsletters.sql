-- A subscriber is a reader of one newsletter; who reads two has two rows. Rows
-- from before belong to the main one, whose name the program knows (Adopt). The
-- address comes first in the index: an erasure asks for all of a person's rows.

-- only SQLite
-- A column's UNIQUE cannot be dropped, so the table is written anew.
CREATE TABLE readers (
	id           BIGINT PRIMARY KEY,
	email        TEXT   NOT NULL,
	name         TEXT   NOT NULL,
	language     TEXT   NOT NULL,
	format       TEXT   NOT NULL,
	status       TEXT   NOT NULL,
	generation   BIGINT NOT NULL,
	created      BIGINT NOT NULL,
	updated      BIGINT NOT NULL,
	topics       TEXT   NOT NULL DEFAULT '',
	every_weeks  BIGINT NOT NULL DEFAULT 1,
	from_week    BIGINT NOT NULL DEFAULT 0,
	paused_until BIGINT NOT NULL DEFAULT 0,
	newsletter   TEXT   NOT NULL DEFAULT ''
) STRICT;
INSERT INTO readers
SELECT id, email, name, language, format, status, generation, created, updated, topics, every_weeks, from_week, paused_until, '' FROM subscribers;
DROP TABLE subscribers;
ALTER TABLE readers RENAME TO subscribers;
CREATE INDEX subscribers_waiting ON subscribers (status, id) WHERE status = 'pending' OR status = 'paused';
-- only PostgreSQL
ALTER TABLE subscribers ADD COLUMN newsletter TEXT NOT NULL DEFAULT '';
ALTER TABLE subscribers DROP CONSTRAINT subscribers_email_key;
-- both
CREATE UNIQUE INDEX subscribers_email ON subscribers (email, newsletter);

-- So that no row is without an owner costs nothing to see.
CREATE INDEX subscribers_unowned ON subscribers (id) WHERE newsletter = '';

-- What strangers ask for is about one newsletter.
ALTER TABLE letters ADD COLUMN newsletter TEXT NOT NULL DEFAULT '';
