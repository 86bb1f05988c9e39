-- How far an issue is between its draft and its send: who approved it, when it is
-- to be sent, when its draft's cut-off is, and whether editors have its report. A
-- time is 0 where there is none.
ALTER TABLE issues ADD COLUMN approved_by TEXT NOT NULL DEFAULT '';
ALTER TABLE issues ADD COLUMN sends_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN cut_off BIGINT NOT NULL DEFAULT 0;
ALTER TABLE issues ADD COLUMN reported BIGINT NOT NULL DEFAULT 0;
UPDATE issues SET reported = 1 WHERE status = 'sent';

-- What becomes of the items of a slot without an issue: roll, drop, or nothing is said.
ALTER TABLE slots ADD COLUMN items TEXT NOT NULL DEFAULT '';

-- Weeks and days on which there is to be no issue, besides those of the
-- configuration: 2026-W52, 2026-12-25 or 2026-12-24..2027-01-05.
CREATE TABLE skips (
	newsletter TEXT   NOT NULL,
	span       TEXT   NOT NULL,
	why        TEXT   NOT NULL,
	at         BIGINT NOT NULL,
	PRIMARY KEY (newsletter, span)
) STRICT, WITHOUT ROWID;

-- What editors said about single items before or beside any draft: that one opens
-- the review (pin) or stays out of it (exclude), in one week or, where week is
-- empty, in every one.
CREATE TABLE item_marks (
	newsletter TEXT   NOT NULL,
	url        TEXT   NOT NULL,
	week       TEXT   NOT NULL,
	mark       TEXT   NOT NULL,
	at         BIGINT NOT NULL,
	PRIMARY KEY (newsletter, url, week)
) STRICT, WITHOUT ROWID;
