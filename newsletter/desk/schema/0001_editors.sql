-- Those who work at the desk. An address is kept in lower case. password is a
-- PHC string of argon2id; it is empty where somebody signs in another way.
CREATE TABLE editors (
	id       BIGINT PRIMARY KEY,
	email    TEXT   NOT NULL UNIQUE,
	name     TEXT   NOT NULL,
	role     TEXT   NOT NULL,
	language TEXT   NOT NULL,
	password TEXT   NOT NULL,
	created  BIGINT NOT NULL
) STRICT;

-- A browser that is signed in has the secret of one of these rows; the row has
-- the secret's hash. used is exact to the minute.
CREATE TABLE editor_sessions (
	id      BIGINT PRIMARY KEY,
	editor  BIGINT NOT NULL,
	hash    BYTES  NOT NULL UNIQUE,
	created BIGINT NOT NULL,
	used    BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	agent   TEXT   NOT NULL,
	network TEXT   NOT NULL
) STRICT;

CREATE INDEX editor_sessions_editor ON editor_sessions (editor);

-- What a link of one use is good for: making the first owner, signing in,
-- accepting an invitation. browser is the hash of the cookie without which the
-- link of a sign-in opens nothing.
CREATE TABLE editor_links (
	hash    BYTES  PRIMARY KEY,
	kind    TEXT   NOT NULL,
	email   TEXT   NOT NULL,
	name    TEXT   NOT NULL,
	role    TEXT   NOT NULL,
	browser BYTES  NOT NULL,
	next    TEXT   NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL
) STRICT;

CREATE INDEX editor_links_kind ON editor_links (kind, email);

-- How often something was tried since a time; name says what, and for or from
-- whom as a hash.
CREATE TABLE editor_limits (
	name  TEXT   PRIMARY KEY,
	since BIGINT NOT NULL,
	count BIGINT NOT NULL
) STRICT;

-- Who did what. The editor's name and address stand here as they were, for the
-- editor may be gone.
CREATE TABLE audit (
	id      BIGINT PRIMARY KEY,
	at      BIGINT NOT NULL,
	editor  BIGINT NOT NULL,
	who     TEXT   NOT NULL,
	what    TEXT   NOT NULL,
	subject TEXT   NOT NULL,
	network TEXT   NOT NULL
) STRICT;

CREATE INDEX audit_subject ON audit (subject, id);
