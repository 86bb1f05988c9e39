-- The passkeys by which editors sign in; credential is what checks one, as JSON.
CREATE TABLE editor_passkeys (
	hash       BYTES  PRIMARY KEY,
	id         BIGINT NOT NULL UNIQUE,
	editor     BIGINT NOT NULL,
	name       TEXT   NOT NULL,
	credential TEXT   NOT NULL,
	created    BIGINT NOT NULL,
	used       BIGINT NOT NULL
) STRICT;

CREATE INDEX editor_passkeys_editor ON editor_passkeys (editor);
