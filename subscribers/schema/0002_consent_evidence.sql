-- From which network consent came, and the words it was given to.
ALTER TABLE consents ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE consents ADD COLUMN wording TEXT NOT NULL DEFAULT '';
