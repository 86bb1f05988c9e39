-- Pictures that mails and pages show, by the name of their content.
CREATE TABLE pictures (
	name    TEXT   PRIMARY KEY,
	type    TEXT   NOT NULL,
	width   BIGINT NOT NULL,
	height  BIGINT NOT NULL,
	body    BYTES  NOT NULL,
	created BIGINT NOT NULL
) STRICT;

-- Where a picture was fetched, so that it is fetched once.
CREATE TABLE picture_sources (
	url     TEXT   PRIMARY KEY,
	name    TEXT   NOT NULL,
	created BIGINT NOT NULL
) STRICT;
