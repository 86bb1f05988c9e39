CREATE TABLE subscribers (
	id         BIGINT PRIMARY KEY,
	email      TEXT   NOT NULL UNIQUE,
	name       TEXT   NOT NULL,
	language   TEXT   NOT NULL,
	format     TEXT   NOT NULL,
	status     TEXT   NOT NULL,
	generation BIGINT NOT NULL,
	created    BIGINT NOT NULL,
	updated    BIGINT NOT NULL
) STRICT;

-- What a subscriber agreed to and took back, in the order it happened. Rows are
-- only ever added.
CREATE TABLE consents (
	id            BIGINT PRIMARY KEY,
	subscriber_id BIGINT NOT NULL,
	at            BIGINT NOT NULL,
	what          TEXT   NOT NULL,
	source        TEXT   NOT NULL
) STRICT;

CREATE INDEX consents_subscriber ON consents (subscriber_id);
