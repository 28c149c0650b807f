-- What somebody bought is named in plaintext only while it runs or may still be paid, and for 30 days afterwards. Then it stands in
-- their sealed record alone: rows keep amounts, states and times.

-- A payment is for what its order, its subscription or its right names.
ALTER TABLE payment DROP COLUMN plan_id, ADD COLUMN right_dropped_at timestamptz(3);

-- What a seller's server said of an order, under its buyer's data key, goes with what the order names.
ALTER TABLE invoice ALTER COLUMN price_id DROP NOT NULL, ALTER COLUMN plan_id DROP NOT NULL, ALTER COLUMN product_id DROP NOT NULL,
  ADD COLUMN sealed bytea;
ALTER TABLE invoice ADD CONSTRAINT invoice_names_all_or_nothing CHECK (
    (price_id IS NULL) = (plan_id IS NULL) AND (product_id IS NULL) = (plan_id IS NULL) AND (sealed IS NULL OR plan_id IS NOT NULL)),
  ADD CONSTRAINT invoice_names_what_can_be_paid CHECK (status <> 'open' OR plan_id IS NOT NULL);
ALTER TABLE subscription ALTER COLUMN price_id DROP NOT NULL, ALTER COLUMN plan_id DROP NOT NULL, ALTER COLUMN product_id DROP NOT NULL;
ALTER TABLE subscription ADD CONSTRAINT subscription_names_all_or_nothing CHECK (
    (price_id IS NULL) = (plan_id IS NULL) AND (product_id IS NULL) = (plan_id IS NULL)),
  ADD CONSTRAINT subscription_names_what_runs CHECK (ended_at IS NOT NULL OR plan_id IS NOT NULL);

-- What is over and still named, by the time at which it was over.
CREATE INDEX invoice_past ON invoice (closed_at) WHERE status <> 'open' AND plan_id IS NOT NULL;
CREATE INDEX subscription_past ON subscription (ended_at) WHERE ended_at IS NOT NULL AND plan_id IS NOT NULL;
CREATE INDEX entitlement_past ON entitlement ((least(ends_at, revoked_at)));

-- As before; the order is emptied with its payment.
CREATE OR REPLACE FUNCTION settle_payment(p jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  pay jsonb := p->'payment';
  sub jsonb := nullif(p->'subscription', 'null');
  renewal jsonb := nullif(p->'renewal', 'null');
  ent jsonb := nullif(p->'entitlement', 'null');
  ref jsonb := nullif(p->'refund', 'null');
  event jsonb := nullif(p->'event', 'null');
  at timestamptz := (pay->>'created_at')::timestamptz;
  others jsonb := '[]';
BEGIN
  -- Time that is added to paid time: two such purchases at once would begin at the same end, and one would be lost in the
  -- other. They come one after the other, and the second looks again.
  IF (p->>'adds_time')::boolean THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('time:' || (ent->>'user_id') || ':' || (ent->>'plan_id'), 0));
    IF (SELECT max(e.ends_at) FROM entitlement e WHERE e.user_id = ent->>'user_id' AND e.product_id = ent->>'product_id'
          AND e.plan_id = ent->>'plan_id' AND e.revoked_at IS NULL) IS DISTINCT FROM (p->>'paid_time_end')::timestamptz
       AND NOT EXISTS (SELECT 1 FROM payment WHERE provider = pay->>'provider' AND charge_id = pay->>'charge_id') THEN
      RETURN 'stale';
    END IF;
  END IF;

  IF (p->>'closes_invoice')::boolean THEN
    -- What was bought stands in the right to it from now on, and in the sealed record.
    UPDATE invoice SET status = 'paid', closed_at = at, price_id = NULL, plan_id = NULL, product_id = NULL, sealed = NULL
    WHERE id = pay->>'invoice_id' AND status <> 'paid';
    IF NOT FOUND THEN
      IF EXISTS (SELECT 1 FROM payment WHERE provider = pay->>'provider' AND charge_id = pay->>'charge_id') THEN
        IF event IS NOT NULL THEN PERFORM write_webhook_event(event, 'duplicate'); END IF;
        RETURN 'duplicate';
      END IF;
      RETURN 'stale';
    END IF;
    -- A checkout at another provider would go on taking money for what is paid: it is closed there too.
    WITH closed AS (
      UPDATE payment_attempt SET status = 'closed' WHERE invoice_id = pay->>'invoice_id' AND status IN ('creating', 'live')
      RETURNING id, provider, reference
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', 'close_checkout', 'lane', 'checkout:' || id,
        'payload', jsonb_build_object('attemptId', id), 'run_at', at, 'created_at', at)), '[]')
    INTO others FROM closed WHERE reference IS NOT NULL AND provider <> pay->>'provider';
  END IF;

  IF sub IS NOT NULL THEN
    INSERT INTO subscription (id, user_id, product_id, plan_id, price_id, invoice_id, provider, first_charge_id, status,
      amount, currency, current_period_start, current_period_end, created_at)
    VALUES (sub->>'id', sub->>'user_id', sub->>'product_id', sub->>'plan_id', sub->>'price_id', sub->>'invoice_id',
      sub->>'provider', sub->>'first_charge_id', 'active', (sub->>'amount')::bigint, sub->>'currency',
      (sub->>'current_period_start')::timestamptz, (sub->>'current_period_end')::timestamptz, at);
  END IF;

  INSERT INTO payment (id, invoice_id, user_id, subscription_id, provider, charge_id, kind, status, amount, currency,
    platform_fee, processor_fee, developer_share, developer_user_id, period_start, period_end, method, irregularity, paid_at, created_at)
  VALUES (pay->>'id', pay->>'invoice_id', pay->>'user_id', pay->>'subscription_id', pay->>'provider', pay->>'charge_id',
    (pay->>'kind')::payment_kind, (pay->>'status')::payment_status, (pay->>'amount')::bigint, pay->>'currency',
    (pay->>'platform_fee')::bigint, (pay->>'processor_fee')::bigint, (pay->>'developer_share')::bigint,
    pay->>'developer_user_id', (pay->>'period_start')::timestamptz, (pay->>'period_end')::timestamptz,
    pay->>'method', pay->>'irregularity', (pay->>'paid_at')::timestamptz, at)
  ON CONFLICT (provider, charge_id) DO NOTHING;
  IF NOT FOUND THEN
    IF (p->>'closes_invoice')::boolean OR sub IS NOT NULL THEN
      RAISE EXCEPTION 'charge % was settled while its order was still open', pay->>'charge_id' USING ERRCODE = 'serialization_failure';
    END IF;
    IF event IS NOT NULL THEN PERFORM write_webhook_event(event, 'duplicate'); END IF;
    RETURN 'duplicate';
  END IF;

  IF renewal IS NOT NULL THEN
    -- Only forward: a late event of an earlier period leaves the period as it stands. A renewal also answers a failure.
    UPDATE subscription
    SET current_period_start = greatest(current_period_start, (renewal->>'current_period_start')::timestamptz),
        current_period_end = greatest(current_period_end, (renewal->>'current_period_end')::timestamptz),
        first_charge_id = coalesce(renewal->>'first_charge_id', first_charge_id),
        -- It may have been forgotten since it was loaded, and runs again now.
        product_id = coalesce(product_id, renewal->>'product_id'), plan_id = coalesce(plan_id, renewal->>'plan_id'),
        price_id = coalesce(price_id, renewal->>'price_id'),
        status = CASE WHEN status IN ('past_due', 'expired')
                       AND (renewal->>'current_period_end')::timestamptz > greatest(current_period_end, at)
                      THEN 'active' ELSE status END,
        cancelled_by = CASE WHEN status = 'expired' AND (renewal->>'current_period_end')::timestamptz > greatest(current_period_end, at)
                            THEN NULL ELSE cancelled_by END,
        grace_until = NULL,
        ended_at = CASE WHEN status = 'expired' AND (renewal->>'current_period_end')::timestamptz > at THEN NULL ELSE ended_at END
    WHERE id = renewal->>'id';
  END IF;

  IF ent IS NOT NULL THEN
    INSERT INTO entitlement (id, user_id, product_id, plan_id, payment_id, subscription_id, starts_at, ends_at, created_at)
    VALUES (ent->>'id', ent->>'user_id', ent->>'product_id', ent->>'plan_id', pay->>'id', ent->>'subscription_id',
      (ent->>'starts_at')::timestamptz, (ent->>'ends_at')::timestamptz, at);
  END IF;

  IF ref IS NOT NULL THEN
    INSERT INTO refund (id, payment_id, status, reason, amount, currency, requested_by, created_at)
    VALUES (ref->>'id', pay->>'id', 'requested', (ref->>'reason')::refund_reason, (ref->>'amount')::bigint, ref->>'currency',
      ref->>'requested_by', at);
  END IF;

  PERFORM write_entries(pay->>'id', p->'entries', at);
  PERFORM write_audit(p->'audit');
  PERFORM write_jobs((p->'jobs') || others);
  IF event IS NOT NULL THEN PERFORM write_webhook_event(event, 'settled'); END IF;
  RETURN 'applied';
END $$;
