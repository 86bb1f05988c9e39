-- One send an issue. Readers are enqueued in order of their IDs, so enqueued_to
-- says where to go on after a crash.
CREATE TABLE sends (
	issue_id    BIGINT PRIMARY KEY,
	state       TEXT   NOT NULL,
	why         TEXT   NOT NULL,
	started     BIGINT NOT NULL,
	ended       BIGINT NOT NULL,
	enqueued_to BIGINT NOT NULL
) STRICT;

-- The ledger: one row per issue and subscriber says who got what. The states
-- are numbers (see State) because a row is written twice for every mail sent.
CREATE TABLE deliveries (
	issue_id      BIGINT NOT NULL,
	subscriber_id BIGINT NOT NULL,
	state         BIGINT NOT NULL,
	attempts      BIGINT NOT NULL,
	doubts        BIGINT NOT NULL,
	until         BIGINT NOT NULL,
	at            BIGINT NOT NULL,
	code          BIGINT NOT NULL,
	why           TEXT   NOT NULL,
	PRIMARY KEY (issue_id, subscriber_id)
) STRICT, WITHOUT ROWID;

-- A chunk is a range of a ledger that one process works on at a time, under a
-- lease. ready_at is when it may be taken: the end of its lease, or when the
-- first of its deferred deliveries is due.
CREATE TABLE chunks (
	issue_id BIGINT NOT NULL,
	first_id BIGINT NOT NULL,
	last_id  BIGINT NOT NULL,
	owner    TEXT   NOT NULL,
	ready_at BIGINT NOT NULL,
	done     BIGINT NOT NULL,
	PRIMARY KEY (issue_id, first_id)
) STRICT, WITHOUT ROWID;
