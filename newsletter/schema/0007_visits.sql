-- When an editor last looked at an issue, and when they did on the visit before:
-- what came between the two is new to them.
CREATE TABLE issue_visits (
	editor   BIGINT NOT NULL,
	issue_id BIGINT NOT NULL,
	at       BIGINT NOT NULL,
	before   BIGINT NOT NULL,
	PRIMARY KEY (editor, issue_id)
) STRICT, WITHOUT ROWID;
