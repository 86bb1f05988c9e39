-- Who made a revision and by which kind of edit; an empty author is assembly.
-- restores is the revision whose words it brought back, 0 where it has its own.
ALTER TABLE issue_revisions ADD COLUMN author TEXT NOT NULL DEFAULT '';
ALTER TABLE issue_revisions ADD COLUMN what TEXT NOT NULL DEFAULT '';
ALTER TABLE issue_revisions ADD COLUMN about TEXT NOT NULL DEFAULT '';
ALTER TABLE issue_revisions ADD COLUMN restores BIGINT NOT NULL DEFAULT 0;
