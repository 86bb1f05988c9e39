CREATE TABLE items (
	id        BIGINT PRIMARY KEY,
	url       TEXT   NOT NULL UNIQUE,
	title     TEXT   NOT NULL,
	summary   TEXT   NOT NULL,
	source    TEXT   NOT NULL,
	theme     TEXT   NOT NULL,
	place     TEXT   NOT NULL,
	language  TEXT   NOT NULL,
	published BIGINT NOT NULL,
	strand    TEXT   NOT NULL,
	position  BIGINT NOT NULL,
	bridge    TEXT   NOT NULL,
	latest    BIGINT NOT NULL,
	image     TEXT   NOT NULL,
	author    TEXT   NOT NULL
) STRICT;

CREATE INDEX items_published ON items (published);

-- An issue's texts are one JSON document: they are read and written whole, and
-- every revision of them is kept.
CREATE TABLE issues (
	id         BIGINT PRIMARY KEY,
	newsletter TEXT   NOT NULL,
	week       TEXT   NOT NULL,
	language   TEXT   NOT NULL,
	window_to  BIGINT NOT NULL,
	status     TEXT   NOT NULL,
	revision   BIGINT NOT NULL,
	created    BIGINT NOT NULL,
	note       TEXT   NOT NULL,
	document   TEXT   NOT NULL,
	UNIQUE (newsletter, week, language)
) STRICT;

CREATE TABLE issue_revisions (
	issue_id BIGINT NOT NULL,
	revision BIGINT NOT NULL,
	at       BIGINT NOT NULL,
	document TEXT   NOT NULL,
	PRIMARY KEY (issue_id, revision)
) STRICT, WITHOUT ROWID;

-- What was approved goes out byte for byte, but for the reader slots.
CREATE TABLE editions (
	issue_id BIGINT NOT NULL,
	variant  TEXT   NOT NULL,
	created  BIGINT NOT NULL,
	message  BYTES  NOT NULL,
	PRIMARY KEY (issue_id, variant)
) STRICT;

-- A due slot is a row with a unique key, so that it is taken once whoever takes
-- it. The row with an empty week is written when the schedule is first seen and
-- marks where its history begins.
CREATE TABLE slots (
	newsletter TEXT   NOT NULL,
	week       TEXT   NOT NULL,
	due        BIGINT NOT NULL,
	state      TEXT   NOT NULL,
	why        TEXT   NOT NULL,
	PRIMARY KEY (newsletter, week)
) STRICT;
