-- Pages ask for public issues in the order of their weeks.
CREATE INDEX issues_public ON issues (newsletter, window_to, id) WHERE status IN ('sending', 'sent');

-- The words of public issues, folded and parted by blanks as Words gives them:
-- what the two databases would make of letters beyond ASCII differs with their
-- settings, so they are left nothing to make. A row that lags behind its issue's
-- revision, or has an older form, is written anew.
CREATE TABLE issue_words (
	issue_id BIGINT PRIMARY KEY,
	revision BIGINT NOT NULL,
	form     BIGINT NOT NULL,
	title    TEXT   NOT NULL,
	body     TEXT   NOT NULL
) STRICT;

-- only SQLite
-- The tokenizer parts words at blanks and leaves all else alone.
CREATE VIRTUAL TABLE issue_index USING fts5 (title, body, content = 'issue_words', content_rowid = 'issue_id', tokenize = 'ascii');
CREATE TRIGGER issue_words_insert AFTER INSERT ON issue_words BEGIN
	INSERT INTO issue_index (rowid, title, body) VALUES (new.issue_id, new.title, new.body);
END;
CREATE TRIGGER issue_words_delete AFTER DELETE ON issue_words BEGIN
	INSERT INTO issue_index (issue_index, rowid, title, body) VALUES ('delete', old.issue_id, old.title, old.body);
END;
CREATE TRIGGER issue_words_update AFTER UPDATE ON issue_words BEGIN
	INSERT INTO issue_index (issue_index, rowid, title, body) VALUES ('delete', old.issue_id, old.title, old.body);
	INSERT INTO issue_index (rowid, title, body) VALUES (new.issue_id, new.title, new.body);
END;
-- only PostgreSQL
ALTER TABLE issue_words ADD COLUMN vector tsvector
	GENERATED ALWAYS AS (setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', body), 'D')) STORED;
CREATE INDEX issue_words_vector ON issue_words USING gin (vector);
