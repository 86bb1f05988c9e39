-- What came back. digest is of the report itself, so that one read twice acts
-- once. proof says how it is known whose it is: by the token in the address it
-- was sent to, or by the Message-ID that it names; without one it has done
-- nothing. before is the reader's status before it, for taking it back; undone is
-- when that was done. diagnostic names no address: of an erased reader it stays.
CREATE TABLE bounces (
	id            BIGINT PRIMARY KEY,
	digest        TEXT   NOT NULL UNIQUE,
	at            BIGINT NOT NULL,
	source        TEXT   NOT NULL,
	kind          TEXT   NOT NULL,
	class         TEXT   NOT NULL,
	action        TEXT   NOT NULL,
	status        TEXT   NOT NULL,
	code          BIGINT NOT NULL,
	diagnostic    TEXT   NOT NULL,
	subscriber_id BIGINT NOT NULL,
	issue_id      BIGINT NOT NULL,
	proof         TEXT   NOT NULL,
	outcome       TEXT   NOT NULL,
	why           TEXT   NOT NULL,
	before        TEXT   NOT NULL,
	undone        BIGINT NOT NULL
) STRICT;

CREATE INDEX bounces_subscriber ON bounces (subscriber_id, at);
CREATE INDEX bounces_issue ON bounces (issue_id, kind, class);
CREATE INDEX bounces_at ON bounces (at);
