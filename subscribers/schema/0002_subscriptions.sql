-- What readers choose for themselves: the themes they want (one a line; none is
-- all of them), every how many weeks counted from which, and until when they
-- want nothing (0 is until they come back).
ALTER TABLE subscribers ADD COLUMN topics TEXT NOT NULL DEFAULT '';
ALTER TABLE subscribers ADD COLUMN every_weeks BIGINT NOT NULL DEFAULT 1;
ALTER TABLE subscribers ADD COLUMN from_week BIGINT NOT NULL DEFAULT 0;
ALTER TABLE subscribers ADD COLUMN paused_until BIGINT NOT NULL DEFAULT 0;

-- Those for whom time changes something.
CREATE INDEX subscribers_waiting ON subscribers (status, id) WHERE status = 'pending' OR status = 'paused';

-- The consent log, in the order in which it is read. wording names the words
-- that were agreed to, agreed the moment where it was another than at, and link
-- chains an entry to the one before it. It names nobody: of an erased reader it
-- stays as proof. Rows are only ever added.
CREATE TABLE consent_log (
	subscriber_id BIGINT NOT NULL,
	id            BIGINT NOT NULL,
	at            BIGINT NOT NULL,
	what          TEXT   NOT NULL,
	source        TEXT   NOT NULL,
	agreed        BIGINT NOT NULL,
	wording       TEXT   NOT NULL,
	link          TEXT   NOT NULL,
	PRIMARY KEY (subscriber_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO consent_log (subscriber_id, id, at, what, source, agreed, wording, link)
SELECT subscriber_id, id, at, what, source, 0, '', '' FROM consents;

DROP TABLE consents;

ALTER TABLE consent_log RENAME TO consents;

-- The words people agreed to, each version once.
CREATE TABLE wordings (
	version TEXT PRIMARY KEY,
	words   TEXT NOT NULL
) STRICT;

-- From which network an entry came. Unlike the log it goes when its reader does.
CREATE TABLE consent_networks (
	subscriber_id BIGINT NOT NULL,
	consent_id    BIGINT NOT NULL,
	network       TEXT   NOT NULL,
	PRIMARY KEY (subscriber_id, consent_id)
) STRICT, WITHOUT ROWID;

-- Addresses that are never mailed, as keyed hashes: who copies the database
-- cannot even try addresses against them.
CREATE TABLE suppressions (
	hash   TEXT   PRIMARY KEY,
	reason TEXT   NOT NULL,
	source TEXT   NOT NULL,
	at     BIGINT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who asked for the newsletter and has not confirmed it yet, and with what
-- wishes. A subscriber of any status may have one.
CREATE TABLE applications (
	subscriber_id BIGINT PRIMARY KEY,
	at            BIGINT NOT NULL,
	name          TEXT   NOT NULL,
	language      TEXT   NOT NULL,
	format        TEXT   NOT NULL,
	topics        TEXT   NOT NULL,
	every_weeks   BIGINT NOT NULL,
	source        TEXT   NOT NULL,
	wording       TEXT   NOT NULL,
	network       TEXT   NOT NULL
) STRICT;

CREATE INDEX applications_at ON applications (at);

-- A change of address, until both addresses have confirmed it.
CREATE TABLE address_changes (
	id            BIGINT PRIMARY KEY,
	subscriber_id BIGINT NOT NULL UNIQUE,
	email         TEXT   NOT NULL,
	at            BIGINT NOT NULL,
	old_confirmed BIGINT NOT NULL,
	new_confirmed BIGINT NOT NULL,
	source        TEXT   NOT NULL,
	network       TEXT   NOT NULL
) STRICT;

-- Mails about a subscription that are still to be sent. What one says depends on
-- who its reader is when it leaves, so that writing a row takes the same time
-- for everybody.
CREATE TABLE letters (
	id            BIGINT PRIMARY KEY,
	kind          TEXT   NOT NULL,
	email         TEXT   NOT NULL,
	subject_id    BIGINT NOT NULL,
	application   TEXT   NOT NULL,
	at            BIGINT NOT NULL,
	due_at        BIGINT NOT NULL,
	tries         BIGINT NOT NULL
) STRICT;

CREATE INDEX letters_due ON letters (due_at, id);
CREATE INDEX letters_email ON letters (email);

-- How much of a limit is used up: count since a moment.
CREATE TABLE limits (
	key   TEXT   PRIMARY KEY,
	since BIGINT NOT NULL,
	count BIGINT NOT NULL
) STRICT, WITHOUT ROWID;
