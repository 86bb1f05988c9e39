-- Imports that were not finished: which line of which content was the last that
-- was stored, and what had been done by then.
CREATE TABLE imports (
	digest TEXT   PRIMARY KEY,
	line   BIGINT NOT NULL,
	report TEXT   NOT NULL,
	at     BIGINT NOT NULL
) STRICT;
