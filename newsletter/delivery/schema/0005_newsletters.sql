-- Whose send it is, and which of the newsletter's readers are its own: the week's
-- issues in several languages share out the readers between them, together and
-- once. lead is the issue of the first of these languages, which gets those whom
-- no other one serves; a send by itself leads itself.
ALTER TABLE sends ADD COLUMN newsletter TEXT NOT NULL DEFAULT '';
ALTER TABLE sends ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE sends ADD COLUMN lead BIGINT NOT NULL DEFAULT 0;

UPDATE sends SET lead = issue_id, newsletter = coalesce((SELECT i.newsletter FROM issues i WHERE i.id = issue_id), '');

CREATE INDEX sends_lead ON sends (lead);
