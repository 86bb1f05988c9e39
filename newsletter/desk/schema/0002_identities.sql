-- Who an identity provider says somebody is. The first sign-in goes by the address
-- that the provider has verified; from then on only its own name for them counts,
-- for an address can become somebody else's.
CREATE TABLE editor_identities (
	issuer  TEXT   NOT NULL,
	subject TEXT   NOT NULL,
	editor  BIGINT NOT NULL,
	PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX editor_identities_editor ON editor_identities (issuer, editor);
