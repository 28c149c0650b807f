-- People can have what is kept about them erased, the books are kept for their time, and what was agreed to is written down.
CREATE TYPE erasure_status AS ENUM ('waiting', 'running', 'completed', 'completed_partially', 'cancelled', 'failed');
CREATE TABLE erasure (
  id text NOT NULL PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  status erasure_status NOT NULL,
  requested_at timestamptz(3) NOT NULL,
  due_at timestamptz(3) NOT NULL,
  begun_at timestamptz(3),
  told_at timestamptz(3),
  completed_at timestamptz(3),
  counts jsonb NOT NULL DEFAULT '{}',
  report jsonb,
  CONSTRAINT erasure_waits CHECK (due_at > requested_at),
  CONSTRAINT erasure_is_begun CHECK (status IN ('waiting', 'cancelled', 'failed') OR begun_at IS NOT NULL),
  CONSTRAINT erasure_is_over CHECK ((status IN ('waiting', 'running')) = (completed_at IS NULL)),
  CONSTRAINT erasure_has_report CHECK (status NOT IN ('completed', 'completed_partially') OR report IS NOT NULL)
);
CREATE UNIQUE INDEX erasure_one_open ON erasure (user_id) WHERE status IN ('waiting', 'running');
CREATE INDEX erasure_due ON erasure (due_at) WHERE status IN ('waiting', 'running');
CREATE INDEX erasure_user_id_requested_at_idx ON erasure (user_id, requested_at DESC);

-- What was told to a person, until it is purged: it goes with them.
CREATE INDEX job_done_lane ON job (lane) WHERE done_at IS NOT NULL;

-- Their row stays, as what the books refer to: an id, and that it is nobody's any more.
ALTER TABLE users ADD COLUMN erased_at timestamptz(3);

-- Append-only still, but for what is over its time: only `retire_orders` and `retire_people` say so, for their own statements.
CREATE FUNCTION refuse_change_before_its_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('hoshi.retention', true) = 'on' THEN RETURN NULL; END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER ledger_entry_append_only ON ledger_entry;
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_before_its_time();

CREATE TYPE consent_kind AS ENUM ('terms', 'privacy');
CREATE TABLE consent (
  id bigserial NOT NULL PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  kind consent_kind NOT NULL,
  version text NOT NULL,
  surface surface NOT NULL,
  given_at timestamptz(3),
  withdrawn_at timestamptz(3),
  CONSTRAINT consent_says_one_thing CHECK ((given_at IS NULL) <> (withdrawn_at IS NULL))
);
CREATE INDEX consent_user_id_id_idx ON consent (user_id, id);
-- The same text is agreed to once on each surface, however often something is bought there.
CREATE UNIQUE INDEX consent_given_once ON consent (user_id, kind, version, surface) WHERE given_at IS NOT NULL;
CREATE TRIGGER consent_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_before_its_time();

CREATE FUNCTION write_consents(person text, consents jsonb, at timestamptz) RETURNS void LANGUAGE sql AS $$
  INSERT INTO consent (user_id, kind, version, surface, given_at)
  SELECT person, (c->>'kind')::consent_kind, c->>'version', (c->>'surface')::surface, at
  FROM jsonb_array_elements(coalesce(consents, '[]')) AS c
  ON CONFLICT DO NOTHING
$$;

-- As before; with what the seller's server said, under its buyer's data key. Nobody buys who is being erased, and what a buyer
-- agreed to is written with their order.
CREATE OR REPLACE FUNCTION open_checkout(p jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  inv jsonb := nullif(p->'invoice', 'null');
  att jsonb := p->'attempt';
  at timestamptz := (att->>'created_at')::timestamptz;
  opener attempt_opener := coalesce(att->>'opened_by', 'buyer');
BEGIN
  IF NOT coalesce((p->>'is_shown_at_once')::boolean, true) THEN
    -- Not waited for on disk: keeping the link is, and until then nobody has seen the order.
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('attempt:' || (att->>'user_id'), 0));
  -- Whoever asked to be erased buys nothing meanwhile: under the lock above, of an order and that wish only one comes first.
  IF EXISTS (SELECT 1 FROM erasure WHERE user_id = att->>'user_id' AND status IN ('waiting', 'running'))
     OR EXISTS (SELECT 1 FROM users WHERE id = att->>'user_id' AND erased_at IS NOT NULL) THEN
    RETURN 'erasing';
  END IF;
  IF (SELECT count(*) FROM payment_attempt WHERE user_id = att->>'user_id' AND created_at > at - interval '1 minute'
        AND (opened_by = 'link') = (opener = 'link') AND (opener <> 'link' OR invoice_id = att->>'invoice_id'))
     >= (p->>'limit')::int THEN
    RETURN 'rate_limited';
  END IF;
  IF p->>'expired_invoice_id' IS NOT NULL THEN
    UPDATE invoice SET status = 'expired', closed_at = at WHERE id = p->>'expired_invoice_id' AND status = 'open';
    UPDATE payment_attempt SET status = 'closed' WHERE invoice_id = p->>'expired_invoice_id' AND status IN ('creating', 'live');
  END IF;
  IF inv IS NOT NULL THEN
    INSERT INTO invoice (id, user_id, price_id, plan_id, product_id, kind, "interval", status, surface, amount, currency,
      developer_user_id, platform_fee_bps, is_logged, sealed, expires_at, created_at)
    VALUES (inv->>'id', inv->>'user_id', inv->>'price_id', inv->>'plan_id', inv->>'product_id', (inv->>'kind')::invoice_kind,
      (inv->>'interval')::billing_interval, 'open', (inv->>'surface')::surface, (inv->>'amount')::bigint, inv->>'currency',
      inv->>'developer_user_id', (inv->>'platform_fee_bps')::int, coalesce((inv->>'is_logged')::boolean, true), decode(inv->>'sealed', 'base64'),
      (inv->>'expires_at')::timestamptz, at)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RETURN 'stale'; END IF;
  END IF;
  INSERT INTO payment_attempt (id, invoice_id, user_id, provider, method, opened_by, status, created_at)
  VALUES (att->>'id', att->>'invoice_id', att->>'user_id', att->>'provider', att->>'method', opener, 'creating', at)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN 'stale'; END IF;
  PERFORM write_consents(att->>'user_id', nullif(p->'consents', 'null'), at);
  PERFORM write_audit(p->'audit');
  RETURN 'opened';
END $$;

-- The time of the books. A payment that is part of a quarrel is kept for as long as that lasts.
ALTER TABLE payment ADD COLUMN held_until timestamptz(3);
-- Orders that are over, by when that was: what is due is read from its old end.
CREATE INDEX invoice_over ON invoice (closed_at, id) WHERE status <> 'open';
CREATE INDEX users_erased ON users (erased_at) WHERE erased_at IS NOT NULL;

-- Orders in which nothing has moved since `before`: paid or not, with all that was paid, given back or questioned for them.
-- What somebody still has by them, or what is held, keeps them.
CREATE FUNCTION orders_over(before timestamptz, at timestamptz, after_at timestamptz, after_id text, most int)
RETURNS TABLE (id text, closed_at timestamptz) LANGUAGE sql STABLE AS $$
  SELECT i.id, i.closed_at FROM invoice i
  WHERE i.status <> 'open' AND i.closed_at < before AND (i.closed_at, i.id) > (after_at, after_id)
    AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.invoice_id = i.id AND (p.created_at >= before OR p.held_until > at
      OR EXISTS (SELECT 1 FROM refund r WHERE r.payment_id = p.id AND (r.status = 'requested' OR coalesce(r.completed_at, r.created_at) >= before))
      OR EXISTS (SELECT 1 FROM dispute d WHERE d.payment_id = p.id AND (d.status = 'open' OR coalesce(d.closed_at, d.created_at) >= before))
      OR EXISTS (SELECT 1 FROM entitlement e WHERE e.payment_id = p.id AND e.revoked_at IS NULL AND (e.ends_at IS NULL OR e.ends_at >= before))))
    AND NOT EXISTS (SELECT 1 FROM subscription s WHERE s.invoice_id = i.id AND (s.ended_at IS NULL OR s.ended_at >= before))
    AND NOT EXISTS (SELECT 1 FROM reservation r WHERE r.invoice_id = i.id AND (r.status = 'reserved' OR coalesce(r.cancelled_at, r.paid_at, r.created_at) >= before))
  ORDER BY i.closed_at, i.id LIMIT most
$$;

-- Under which ids the payments, refunds and disputes of orders stand in the books, and which of them are summed up together.
CREATE FUNCTION entries_of(orders text[]) RETURNS TABLE (cause text, part bigint) LANGUAGE sql STABLE AS $$
  SELECT c.cause, dense_rank() OVER (ORDER BY p.provider, coalesce(p.developer_user_id, ''), p.currency)
  FROM payment p, LATERAL (
    SELECT p.id AS cause
    UNION ALL SELECT unnest(ARRAY[r.id, r.id || '/undo']) FROM refund r WHERE r.payment_id = p.id
    UNION ALL SELECT unnest(ARRAY[d.id, d.id || '/end']) FROM dispute d WHERE d.payment_id = p.id) AS c
  WHERE p.invoice_id = ANY(orders)
$$;

-- Deletes such orders whole. What their entries come to goes on to stand, one transaction for each provider, developer and
-- currency, so that every balance stays what it was. Returns how many rows of each table went.
CREATE FUNCTION retire_orders(orders text[], carried text, at timestamptz) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  gone jsonb := '{}';
  count int;
BEGIN
  INSERT INTO ledger_entry (transaction_id, account, owner, amount, currency, created_at)
  SELECT carried || '/' || c.part, e.account, e.owner, sum(e.amount), e.currency, at
  FROM entries_of(orders) c JOIN ledger_entry e ON e.transaction_id = c.cause
  GROUP BY c.part, e.account, e.owner, e.currency HAVING sum(e.amount) <> 0;

  PERFORM set_config('hoshi.retention', 'on', true);
  DELETE FROM ledger_entry WHERE transaction_id IN (SELECT cause FROM entries_of(orders));
  GET DIAGNOSTICS count = ROW_COUNT;
  gone := gone || jsonb_build_object('ledger_entry', count);
  PERFORM set_config('hoshi.retention', 'off', true);

  DELETE FROM entitlement WHERE payment_id IN (SELECT id FROM payment WHERE invoice_id = ANY(orders));
  DELETE FROM refund WHERE payment_id IN (SELECT id FROM payment WHERE invoice_id = ANY(orders));
  GET DIAGNOSTICS count = ROW_COUNT;
  gone := gone || jsonb_build_object('refund', count);
  DELETE FROM dispute WHERE payment_id IN (SELECT id FROM payment WHERE invoice_id = ANY(orders));
  GET DIAGNOSTICS count = ROW_COUNT;
  gone := gone || jsonb_build_object('dispute', count);
  DELETE FROM payment WHERE invoice_id = ANY(orders);
  GET DIAGNOSTICS count = ROW_COUNT;
  gone := gone || jsonb_build_object('payment', count);
  DELETE FROM subscription WHERE invoice_id = ANY(orders);
  GET DIAGNOSTICS count = ROW_COUNT;
  gone := gone || jsonb_build_object('subscription', count);
  DELETE FROM reservation WHERE invoice_id = ANY(orders);
  GET DIAGNOSTICS count = ROW_COUNT;
  gone := gone || jsonb_build_object('reservation', count);
  DELETE FROM payment_attempt WHERE invoice_id = ANY(orders);
  GET DIAGNOSTICS count = ROW_COUNT;
  gone := gone || jsonb_build_object('payment_attempt', count);
  DELETE FROM invoice WHERE id = ANY(orders);
  GET DIAGNOSTICS count = ROW_COUNT;
  RETURN gone || jsonb_build_object('invoice', count);
END $$;

-- People who were erased that long ago and of whom the books hold nothing any more: the last that stood of them goes.
CREATE FUNCTION retire_people(before timestamptz, most int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  people text[] := ARRAY(
    SELECT u.id FROM users u WHERE u.erased_at < before
      AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.user_id = u.id) AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.user_id = u.id)
      AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.developer_user_id = u.id)
      AND NOT EXISTS (SELECT 1 FROM product p WHERE p.developer_user_id = u.id)
    ORDER BY u.erased_at LIMIT most);
BEGIN
  PERFORM set_config('hoshi.retention', 'on', true);
  DELETE FROM consent WHERE user_id = ANY(people);
  PERFORM set_config('hoshi.retention', 'off', true);
  DELETE FROM erasure WHERE user_id = ANY(people);
  DELETE FROM users WHERE id = ANY(people);
  RETURN coalesce(array_length(people, 1), 0);
END $$;
