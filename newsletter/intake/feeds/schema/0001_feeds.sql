CREATE TABLE feeds (
	id        BIGINT PRIMARY KEY,
	url       TEXT   NOT NULL UNIQUE,
	title     TEXT   NOT NULL,
	source    TEXT   NOT NULL,
	theme     TEXT   NOT NULL,
	place     TEXT   NOT NULL,
	language  TEXT   NOT NULL,
	role      TEXT   NOT NULL,
	rules     TEXT   NOT NULL,
	added     BIGINT NOT NULL,
	etag      TEXT   NOT NULL,
	modified  TEXT   NOT NULL,
	polled    BIGINT NOT NULL,
	due       BIGINT NOT NULL,
	failures  BIGINT NOT NULL,
	error     TEXT   NOT NULL,
	note      TEXT   NOT NULL,
	entries   BIGINT NOT NULL,
	fresh     BIGINT NOT NULL
) STRICT;

CREATE INDEX feeds_due ON feeds (due);

-- What a feed has shown is not taken from it again, so that an item which an
-- editor has changed or removed stays as it is.
CREATE TABLE feed_seen (
	feed BIGINT NOT NULL,
	mark BIGINT NOT NULL,
	at   BIGINT NOT NULL,
	PRIMARY KEY (feed, mark)
) STRICT, WITHOUT ROWID;
