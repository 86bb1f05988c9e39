-- Addresses of other programs that are told of events. events are parted by
-- spaces. failures are those since the last success, the first of them at
-- failing_since; nothing is sent before rest_until. disabled is when it was given
-- up, and why says why. The secret that signs is stored nowhere.
CREATE TABLE webhooks (
	id            BIGINT PRIMARY KEY,
	url           TEXT   NOT NULL,
	events        TEXT   NOT NULL,
	with_address  BIGINT NOT NULL,
	created       BIGINT NOT NULL,
	failures      BIGINT NOT NULL,
	failing_since BIGINT NOT NULL,
	rest_until    BIGINT NOT NULL,
	disabled      BIGINT NOT NULL,
	why           TEXT   NOT NULL
) STRICT;

-- What is to be sent to each, and was. No address of a reader is in it: where
-- one is wanted it is looked up when the event is sent. state is waiting, then
-- delivered or failed.
CREATE TABLE webhook_deliveries (
	id            BIGINT PRIMARY KEY,
	webhook_id    BIGINT NOT NULL,
	event         TEXT   NOT NULL,
	at            BIGINT NOT NULL,
	subscriber_id BIGINT NOT NULL,
	data          TEXT   NOT NULL,
	state         TEXT   NOT NULL,
	due_at        BIGINT NOT NULL,
	tries         BIGINT NOT NULL,
	code          BIGINT NOT NULL,
	why           TEXT   NOT NULL,
	settled       BIGINT NOT NULL
) STRICT;

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at, id) WHERE state = 'waiting';
CREATE INDEX webhook_deliveries_old ON webhook_deliveries (settled) WHERE state <> 'waiting';
CREATE INDEX webhook_deliveries_list ON webhook_deliveries (webhook_id, id);
