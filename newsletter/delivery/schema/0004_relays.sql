-- How many mails each relay was given on a day of the newsletter's zone. Only
-- relays with a warm-up plan are counted.
CREATE TABLE warmups (
	relay TEXT   NOT NULL,
	day   TEXT   NOT NULL,
	sent  BIGINT NOT NULL,
	PRIMARY KEY (relay, day)
) STRICT, WITHOUT ROWID;

-- The processes that are sending: limits are divided by those that were heard of
-- lately. relays says, as JSON, which relays do not work as usual there.
CREATE TABLE senders (
	id     TEXT   PRIMARY KEY,
	beat   BIGINT NOT NULL,
	relays TEXT   NOT NULL
) STRICT, WITHOUT ROWID;
