-- Where a person's records go. An order may ask that its record stays here and is not delivered.
ALTER TABLE invoice ADD COLUMN is_logged boolean NOT NULL DEFAULT true;

-- Records that wait to be delivered are few: those that arrived are not in it.
CREATE INDEX billing_record_undelivered ON billing_record (created_at, id) WHERE status = 'sealed';

-- As before; the order says whether its record is delivered.
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
  PERFORM write_audit(p->'audit');
  RETURN 'opened';
END $$;

-- As before; a record may have an obstacle from its beginning: it was not to be delivered.
CREATE OR REPLACE FUNCTION write_billing_records(records jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO billing_record (id, user_id, type, object_id, status, ciphertext, waiting, sha256, obstacle, created_at, sealed_at)
  SELECT r->>'id', r->>'user_id', (r->>'type')::billing_record_type, r->>'object_id', (r->>'status')::billing_record_status,
    decode(r->>'ciphertext', 'base64'), decode(r->>'waiting', 'base64'), decode(r->>'sha256', 'base64'), r->>'obstacle',
    (r->>'created_at')::timestamptz, (r->>'sealed_at')::timestamptz
  FROM jsonb_array_elements(records) AS list(r)
  ON CONFLICT (user_id, object_id, type) DO NOTHING
$$;
