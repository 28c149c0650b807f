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

-- Their row stays, as what the books refer to: an id, and that it is nobody's any more.
ALTER TABLE users ADD COLUMN erased_at timestamptz(3);

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
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION write_consents(person text, consents jsonb, at timestamptz) RETURNS void LANGUAGE sql AS $$
  INSERT INTO consent (user_id, kind, version, surface, given_at)
  SELECT person, (c->>'kind')::consent_kind, c->>'version', (c->>'surface')::surface, at
  FROM jsonb_array_elements(coalesce(consents, '[]')) AS c
  ON CONFLICT DO NOTHING
$$;

-- As before; nobody buys who is being erased, and what a buyer agreed to is written with their order.
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
      developer_user_id, platform_fee_bps, is_logged, expires_at, created_at)
    VALUES (inv->>'id', inv->>'user_id', inv->>'price_id', inv->>'plan_id', inv->>'product_id', (inv->>'kind')::invoice_kind,
      (inv->>'interval')::billing_interval, 'open', (inv->>'surface')::surface, (inv->>'amount')::bigint, inv->>'currency',
      inv->>'developer_user_id', (inv->>'platform_fee_bps')::int, coalesce((inv->>'is_logged')::boolean, true), (inv->>'expires_at')::timestamptz, at)
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
