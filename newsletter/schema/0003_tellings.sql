-- Who else told an item's story, and where: the item is kept once.
CREATE TABLE tellings (
	url       TEXT   PRIMARY KEY,
	item      BIGINT NOT NULL,
	source    TEXT   NOT NULL,
	title     TEXT   NOT NULL,
	published BIGINT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tellings_item ON tellings (item);
