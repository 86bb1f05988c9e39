-- What was settled or offered in a chunk since it was claimed, a row a commit:
-- one small blob instead of two rows of the ledger a message. It is folded into
-- the deliveries when the chunk is given back or claimed anew.
CREATE TABLE journal (
	issue_id BIGINT NOT NULL,
	first_id BIGINT NOT NULL,
	seq      BIGINT NOT NULL,
	entries  BYTES  NOT NULL,
	PRIMARY KEY (issue_id, first_id, seq)
) STRICT, WITHOUT ROWID;
