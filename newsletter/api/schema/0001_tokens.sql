-- Who may use the API. A token itself is kept nowhere, only its SHA-256.
-- expires, used and revoked are 0 for never.
CREATE TABLE api_tokens (
	id      BIGINT PRIMARY KEY,
	name    TEXT   NOT NULL,
	hash    BYTES  NOT NULL UNIQUE,
	scopes  TEXT   NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	used    BIGINT NOT NULL,
	revoked BIGINT NOT NULL
) STRICT;

-- A name is free again once its token is revoked.
CREATE UNIQUE INDEX api_tokens_name ON api_tokens (name) WHERE revoked = 0;
