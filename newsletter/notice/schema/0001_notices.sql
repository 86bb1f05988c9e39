-- Mails to editors. A notice stays when it is settled, without what it said, so
-- that the same one is never written twice; settled is 0 while it waits.
CREATE TABLE notices (
	id         BIGINT PRIMARY KEY,
	newsletter TEXT   NOT NULL,
	key        TEXT   NOT NULL UNIQUE,
	kind       TEXT   NOT NULL,
	recipient  TEXT   NOT NULL,
	language   TEXT   NOT NULL,
	document   TEXT   NOT NULL,
	at         BIGINT NOT NULL,
	expires    BIGINT NOT NULL,
	due_at     BIGINT NOT NULL,
	tries      BIGINT NOT NULL,
	settled    BIGINT NOT NULL
) STRICT;

CREATE INDEX notices_due ON notices (newsletter, due_at) WHERE settled = 0;
