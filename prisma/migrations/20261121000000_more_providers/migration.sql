-- Providers that take money in two steps: they reserve an order, then capture or release the reservation.
CREATE TYPE "reservation_status" AS ENUM ('reserved', 'paid', 'cancelled', 'refunded');

CREATE TABLE "reservation" (
    "id" TEXT NOT NULL,
    "number" BIGSERIAL NOT NULL,
    "provider" TEXT NOT NULL,
    "charge_id" TEXT NOT NULL,
    "reference" TEXT,
    "invoice_id" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" TEXT NOT NULL,
    "status" "reservation_status" NOT NULL,
    "asked_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "paid_at" TIMESTAMPTZ(3),
    "cancelled_at" TIMESTAMPTZ(3),
    "code" INTEGER,
    "receipts" JSONB NOT NULL DEFAULT '{}',
    "questions" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "reservation_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "reservation_number_key" ON "reservation"("number");
CREATE UNIQUE INDEX "reservation_provider_charge_id_key" ON "reservation"("provider", "charge_id");
CREATE INDEX "reservation_invoice_id_idx" ON "reservation"("invoice_id");
CREATE INDEX "reservation_provider_asked_at_id_idx" ON "reservation"("provider", "asked_at", "id");
-- Never two holds on one order, of whatever providers.
CREATE UNIQUE INDEX reservation_one_live ON reservation (invoice_id) WHERE status = 'reserved';

CREATE INDEX reservation_held_since ON reservation (provider, asked_at) WHERE status = 'reserved';

ALTER TABLE "reservation" ADD CONSTRAINT "reservation_invoice_id_fkey" FOREIGN KEY ("invoice_id") REFERENCES "invoice"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE reservation ADD CONSTRAINT reservation_amount_positive CHECK (amount > 0);
ALTER TABLE reservation ADD CONSTRAINT reservation_times CHECK (
  (status IN ('paid', 'refunded')) = (paid_at IS NOT NULL) AND (status IN ('cancelled', 'refunded')) = (cancelled_at IS NOT NULL));

-- Holds an order for a provider. Returns
--   reserved  the rows are written
--   stale     the order is not open any more, or somebody else holds it, or this charge stands already: look again
CREATE FUNCTION reserve_order(p jsonb) RETURNS text LANGUAGE plpgsql AS $$
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
  PERFORM write_webhook_event(p->'event', 'reserved');
  RETURN 'reserved';
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
        UPDATE reservation SET status = 'paid', paid_at = (p->'payment'->>'created_at')::timestamptz, cancelled_at = NULL
        WHERE id = held.id AND status <> 'paid' AND outcome <> 'stale';
      END IF;
    END IF;
    outcomes := outcomes || outcome;
  END LOOP;
  RETURN outcomes;
END $$;

-- The circuit breaker of a provider, shared by all processes.
CREATE TABLE "provider_breaker" (
    "provider" TEXT NOT NULL,
    "failures" INTEGER NOT NULL,
    "open_until" TIMESTAMPTZ(3),

    CONSTRAINT "provider_breaker_pkey" PRIMARY KEY ("provider")
);

-- What waits for another try or for an operator, newest first: ids are ordered by time.
CREATE INDEX webhook_event_waiting ON webhook_event (status, id) WHERE status IN ('failed', 'dead');
