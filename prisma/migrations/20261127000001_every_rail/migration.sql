-- Every rail: checkouts that have an id at their provider, money that comes in parts, late or goes back in parts, disputes,
-- stored payment methods.

-- A checkout's id at its provider, with which it is asked about and closed, and how often it was asked about.
ALTER TABLE "payment_attempt" ADD COLUMN "reference" TEXT, ADD COLUMN "method" TEXT, ADD COLUMN "questions" INTEGER NOT NULL DEFAULT 0;
-- Who opened it: a stored method's page is its owner's alone, and whoever holds a link does not use up the buyer's tries.
CREATE TYPE "attempt_opener" AS ENUM ('buyer', 'stored_method', 'link');
ALTER TABLE "payment_attempt" ADD COLUMN "opened_by" "attempt_opener" NOT NULL DEFAULT 'buyer';
CREATE INDEX payment_attempt_reference ON payment_attempt (provider, reference) WHERE reference IS NOT NULL;
CREATE INDEX payment_attempt_asked ON payment_attempt (provider, created_at) WHERE reference IS NOT NULL;

-- `returned_amount` is what went back by refunds and lost disputes.
ALTER TABLE "payment" ADD COLUMN "method" TEXT, ADD COLUMN "irregularity" TEXT, ADD COLUMN "returned_amount" BIGINT NOT NULL DEFAULT 0;
UPDATE payment SET returned_amount = amount WHERE status = 'refunded';
ALTER TABLE payment ADD CONSTRAINT payment_returns_at_most_the_whole CHECK (returned_amount BETWEEN 0 AND amount),
  ADD CONSTRAINT payment_refunded_is_whole CHECK (status <> 'refunded' OR returned_amount = amount);

-- Parts of a charge may go back one after the other; each refund of the provider stands once, and one runs at a time.
-- `asked_at` is written before the provider is asked: what was asked for and is not known to be done is not asked for blindly.
ALTER TABLE "refund" ADD COLUMN "reference" TEXT, ADD COLUMN "claim_url" TEXT, ADD COLUMN "asked_at" TIMESTAMPTZ(3), ADD COLUMN "questions" INTEGER NOT NULL DEFAULT 0;
DROP INDEX refund_one_live;
CREATE UNIQUE INDEX refund_one_running ON refund (payment_id) WHERE status = 'requested';
CREATE UNIQUE INDEX "refund_payment_id_reference_key" ON "refund"("payment_id", "reference");

CREATE TYPE "dispute_status" AS ENUM ('open', 'won', 'lost');
CREATE TABLE "dispute" (
    "id" TEXT NOT NULL,
    "payment_id" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "status" "dispute_status" NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" TEXT NOT NULL,
    "fee" BIGINT NOT NULL DEFAULT 0,
    "held_share" BIGINT NOT NULL DEFAULT 0,
    "returned_amount" BIGINT NOT NULL DEFAULT 0,
    "questions" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "closed_at" TIMESTAMPTZ(3),

    CONSTRAINT "dispute_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "dispute_payment_id_reference_key" ON "dispute"("payment_id", "reference");
CREATE INDEX "dispute_status_created_at_idx" ON "dispute"("status", "created_at");
ALTER TABLE "dispute" ADD CONSTRAINT "dispute_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE dispute ADD CONSTRAINT dispute_amounts CHECK (amount > 0 AND fee >= 0 AND held_share >= 0 AND returned_amount BETWEEN 0 AND amount),
  ADD CONSTRAINT dispute_end_is_dated CHECK ((status = 'open') = (closed_at IS NULL));

-- What money that is on its way waits for, and what its payer reads meanwhile.
ALTER TABLE "reservation" ADD COLUMN "progress" TEXT, ADD COLUMN "missing" BIGINT, ADD COLUMN "instructions_url" TEXT;
-- Paid holds that were asked about n times, by age.
CREATE INDEX reservation_paid_asked ON reservation (provider, questions, paid_at) WHERE status = 'paid';

-- A card or account that its provider keeps: the token and what is shown of it are sealed under the server's key, and so is
-- the page where it is added, until its provider told of a card.
CREATE TYPE "payment_method_status" AS ENUM ('adding', 'active', 'removing', 'removed');
CREATE TABLE "payment_method" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "status" "payment_method_status" NOT NULL,
    "reference" TEXT,
    "page" BYTEA,
    "questions" INTEGER NOT NULL DEFAULT 0,
    "sealed" BYTEA,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "payment_method_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "payment_method_user_id_created_at_idx" ON "payment_method"("user_id", "created_at" DESC);
CREATE UNIQUE INDEX "payment_method_provider_reference_key" ON "payment_method"("provider", "reference");
ALTER TABLE "payment_method" ADD CONSTRAINT "payment_method_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE payment_method ADD CONSTRAINT payment_method_token_ends_with_it CHECK ((status IN ('active', 'removing')) = (sealed IS NOT NULL)),
  ADD CONSTRAINT payment_method_page_ends_with_a_card CHECK (page IS NULL OR status IN ('adding', 'removed'));

-- The list of a provider is read by its own cursor, or by time. One that is longer than a run reads is gone on with at `next`.
ALTER TABLE "reconciliation_cursor" ADD COLUMN "cursor" TEXT, ADD COLUMN "since" TIMESTAMPTZ(3), ADD COLUMN "next" TEXT,
  ADD COLUMN "begun_at" TIMESTAMPTZ(3), ALTER COLUMN "finished_at" DROP NOT NULL;
ALTER TABLE reconciliation_cursor ADD CONSTRAINT reconciliation_is_whole_or_goes_on CHECK ((next IS NULL) = (begun_at IS NULL));
UPDATE reconciliation_cursor SET cursor = "offset"::text, since = finished_at - interval '2 days';
ALTER TABLE "reconciliation_cursor" ALTER COLUMN "since" SET NOT NULL, DROP COLUMN "offset";

-- What was received and not yet handled is found like what failed.
DROP INDEX webhook_event_failed;
CREATE INDEX webhook_event_failed ON webhook_event (next_attempt_at) WHERE status IN ('received', 'failed');

-- Records a provider's event as processed. A row that had failed before is closed; any other stays as it is.
CREATE OR REPLACE FUNCTION write_webhook_event(e jsonb, outcome text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO webhook_event (id, provider, event_id, kind, status, result, body, received_at, processed_at)
  VALUES (e->>'id', e->>'provider', e->>'event_id', e->>'kind', 'processed', outcome, decode(e->>'body', 'base64'),
          (e->>'received_at')::timestamptz, (e->>'received_at')::timestamptz)
  ON CONFLICT (provider, event_id) DO UPDATE
    SET status = 'processed', result = excluded.result, error = NULL, next_attempt_at = NULL,
        attempts = webhook_event.attempts + 1, processed_at = excluded.processed_at
    WHERE webhook_event.status IN ('received', 'failed', 'dead');
$$;


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
    UPDATE invoice SET status = 'paid', closed_at = at WHERE id = pay->>'invoice_id' AND status <> 'paid';
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

  INSERT INTO payment (id, invoice_id, user_id, plan_id, subscription_id, provider, charge_id, kind, status, amount, currency,
    platform_fee, processor_fee, developer_share, developer_user_id, period_start, period_end, method, irregularity, paid_at, created_at)
  VALUES (pay->>'id', pay->>'invoice_id', pay->>'user_id', pay->>'plan_id', pay->>'subscription_id', pay->>'provider', pay->>'charge_id',
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


-- Group commit: many decided charges, one round trip, one flush. The caller orders them by invoice id (lock order). A
-- charge that was reserved first is captured with its settlement; `released`: the hold was given up meanwhile, nothing of
-- this charge is written.
CREATE OR REPLACE FUNCTION settle_payments(list jsonb) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  p jsonb;
  held reservation;
  outcome text;
  outcomes text[] := '{}';
BEGIN
  FOR p IN SELECT value FROM jsonb_array_elements(list) LOOP
    IF p->>'reservation_id' IS NULL THEN
      outcome := settle_payment(p);
      -- Money that was announced before it came: its hold ends with it, also one that had been given up meanwhile.
      IF (p->>'may_be_held')::boolean AND outcome <> 'stale' THEN
        UPDATE reservation SET status = 'paid', paid_at = (p->'payment'->>'created_at')::timestamptz, cancelled_at = NULL,
          questions = 0, code = NULL, missing = NULL, instructions_url = NULL
        WHERE provider = p->'payment'->>'provider' AND charge_id = p->'payment'->>'charge_id' AND status IN ('reserved', 'cancelled');
      END IF;
    ELSE
      SELECT * INTO held FROM reservation WHERE id = p->>'reservation_id' FOR UPDATE;
      -- A hold whose time ran out here has no code: the money that came for it all the same is booked.
      IF held.status = 'refunded' OR (held.status = 'cancelled' AND held.code IS NOT NULL) THEN
        outcome := 'released';
      ELSIF held.status = 'reserved' AND (p->>'only_if_open')::boolean AND NOT EXISTS (
          SELECT 1 FROM invoice WHERE id = held.invoice_id AND status = 'open' FOR UPDATE) THEN
        outcome := 'stale';
      ELSE
        outcome := settle_payment(p);
        UPDATE reservation SET status = 'paid', paid_at = (p->'payment'->>'created_at')::timestamptz, cancelled_at = NULL, questions = 0
        WHERE id = held.id AND status <> 'paid' AND outcome <> 'stale';
      END IF;
    END IF;
    outcomes := outcomes || outcome;
  END LOOP;
  RETURN outcomes;
END $$;


-- Opens a checkout attempt as before, and keeps by which method and who opened it. Attempts by a link are counted by their
-- order, all others by their buyer.
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
      developer_user_id, platform_fee_bps, expires_at, created_at)
    VALUES (inv->>'id', inv->>'user_id', inv->>'price_id', inv->>'plan_id', inv->>'product_id', (inv->>'kind')::invoice_kind,
      (inv->>'interval')::billing_interval, 'open', (inv->>'surface')::surface, (inv->>'amount')::bigint, inv->>'currency',
      inv->>'developer_user_id', (inv->>'platform_fee_bps')::int, (inv->>'expires_at')::timestamptz, at)
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

-- Holds an order for a provider, with the message that asked for it where one did. Returns
--   reserved  the rows are written
--   stale     the order is not open any more, or somebody else holds it, or this charge stands already: look again
CREATE OR REPLACE FUNCTION reserve_order(p jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  r jsonb := p->'reservation';
BEGIN
  -- Before the hold: whoever cancels, expires or pays the order at this moment comes before or after it, not between.
  PERFORM 1 FROM invoice WHERE id = r->>'invoice_id' AND status = 'open' FOR UPDATE;
  IF NOT FOUND THEN RETURN 'stale'; END IF;
  INSERT INTO reservation (id, provider, charge_id, reference, invoice_id, amount, currency, status, asked_at, created_at)
  VALUES (r->>'id', r->>'provider', r->>'charge_id', r->>'reference', r->>'invoice_id', (r->>'amount')::bigint, r->>'currency',
    'reserved', (r->>'asked_at')::timestamptz, (r->>'created_at')::timestamptz)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN 'stale'; END IF;
  PERFORM write_audit(p->'audit');
  IF nullif(p->'event', 'null') IS NOT NULL THEN PERFORM write_webhook_event(p->'event', 'reserved'); END IF;
  RETURN 'reserved';
END $$;
