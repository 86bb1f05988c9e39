-- How often the ledger was opened for sending. A number smaller than the one
-- this machine has seen says that the database is an old copy.
CREATE TABLE generation (
	one   BIGINT PRIMARY KEY,
	count BIGINT NOT NULL
) STRICT;

INSERT INTO generation (one, count) VALUES (1, 0);
