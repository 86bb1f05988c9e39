-- The consent log is only ever added to: the database itself refuses anything
-- else, also from whoever has a console and is in a hurry. An erasure needs no way
-- past it, for no entry names anybody; the networks, which might, are in a table
-- of their own and may go once their reader has gone. Who owns the database can
-- drop the triggers; that the log was touched then shows by its chain
-- (subscribers.Entry.Intact).

-- only SQLite
CREATE TRIGGER consents_no_update BEFORE UPDATE ON consents BEGIN SELECT RAISE(ABORT, 'the consent log is only added to'); END;
CREATE TRIGGER consents_no_delete BEFORE DELETE ON consents BEGIN SELECT RAISE(ABORT, 'the consent log is only added to'); END;
CREATE TRIGGER wordings_no_update BEFORE UPDATE ON wordings BEGIN SELECT RAISE(ABORT, 'the consent log is only added to'); END;
CREATE TRIGGER wordings_no_delete BEFORE DELETE ON wordings BEGIN SELECT RAISE(ABORT, 'the consent log is only added to'); END;
CREATE TRIGGER consent_networks_no_update BEFORE UPDATE ON consent_networks BEGIN SELECT RAISE(ABORT, 'the consent log is only added to'); END;
CREATE TRIGGER consent_networks_no_delete BEFORE DELETE ON consent_networks
WHEN EXISTS (SELECT 1 FROM subscribers WHERE id = OLD.subscriber_id)
BEGIN SELECT RAISE(ABORT, 'the consent log is only added to'); END;
-- only PostgreSQL
CREATE FUNCTION consents_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the consent log is only added to';
END $$;
CREATE TRIGGER consents_no_update BEFORE UPDATE ON consents FOR EACH ROW EXECUTE FUNCTION consents_kept();
CREATE TRIGGER consents_no_delete BEFORE DELETE ON consents FOR EACH ROW EXECUTE FUNCTION consents_kept();
CREATE TRIGGER consents_no_truncate BEFORE TRUNCATE ON consents FOR EACH STATEMENT EXECUTE FUNCTION consents_kept();
CREATE TRIGGER wordings_no_update BEFORE UPDATE ON wordings FOR EACH ROW EXECUTE FUNCTION consents_kept();
CREATE TRIGGER wordings_no_delete BEFORE DELETE ON wordings FOR EACH ROW EXECUTE FUNCTION consents_kept();
CREATE TRIGGER wordings_no_truncate BEFORE TRUNCATE ON wordings FOR EACH STATEMENT EXECUTE FUNCTION consents_kept();
CREATE TRIGGER consent_networks_no_update BEFORE UPDATE ON consent_networks FOR EACH ROW EXECUTE FUNCTION consents_kept();
CREATE FUNCTION consent_networks_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM subscribers WHERE id = OLD.subscriber_id) THEN
		RAISE EXCEPTION 'the consent log is only added to';
	END IF;
	RETURN OLD;
END $$;
CREATE TRIGGER consent_networks_no_delete BEFORE DELETE ON consent_networks FOR EACH ROW EXECUTE FUNCTION consent_networks_kept();
