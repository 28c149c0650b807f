-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "product_kind" AS ENUM ('plan_line', 'plugin');

-- CreateEnum
CREATE TYPE "fulfilment" AS ENUM ('digital', 'physical');

-- CreateEnum
CREATE TYPE "product_status" AS ENUM ('draft', 'published', 'retired');

-- CreateEnum
CREATE TYPE "billing_interval" AS ENUM ('once', 'month', 'year');

-- CreateEnum
CREATE TYPE "invoice_kind" AS ENUM ('one_time', 'subscription');

-- CreateEnum
CREATE TYPE "invoice_status" AS ENUM ('open', 'paid', 'expired', 'cancelled');

-- CreateEnum
CREATE TYPE "surface" AS ENUM ('mini_app', 'bot', 'browser', 'api');

-- CreateEnum
CREATE TYPE "attempt_status" AS ENUM ('creating', 'live', 'failed', 'closed');

-- CreateEnum
CREATE TYPE "user_role" AS ENUM ('user', 'developer', 'support', 'admin');

-- CreateEnum
CREATE TYPE "ledger_account" AS ENUM ('provider_receivable', 'platform_revenue', 'developer_payable', 'processor_fees');

-- CreateEnum
CREATE TYPE "payment_kind" AS ENUM ('one_time', 'first', 'renewal', 'surplus');

-- CreateEnum
CREATE TYPE "payment_status" AS ENUM ('succeeded', 'refunding', 'refunded');

-- CreateEnum
CREATE TYPE "refund_status" AS ENUM ('requested', 'succeeded', 'failed');

-- CreateEnum
CREATE TYPE "refund_reason" AS ENUM ('surplus', 'requested', 'provider');

-- CreateEnum
CREATE TYPE "difference_status" AS ENUM ('settled', 'reported');

-- CreateEnum
CREATE TYPE "subscription_status" AS ENUM ('active', 'cancelling', 'past_due', 'expired', 'revoked');

-- CreateEnum
CREATE TYPE "webhook_status" AS ENUM ('processed', 'ignored', 'failed', 'dead');

-- CreateTable
CREATE TABLE "audit_event" (
    "seq" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "object_id" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "request_id" TEXT NOT NULL,

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("seq")
);

-- CreateTable
CREATE TABLE "product" (
    "id" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "kind" "product_kind" NOT NULL,
    "fulfilment" "fulfilment" NOT NULL DEFAULT 'digital',
    "status" "product_status" NOT NULL DEFAULT 'published',
    "position" INTEGER NOT NULL,
    "developer_user_id" TEXT,
    "platform_fee_bps" INTEGER,
    "texts" JSONB NOT NULL,

    CONSTRAINT "product_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "plan" (
    "id" TEXT NOT NULL,
    "product_id" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "rank" INTEGER NOT NULL,
    "texts" JSONB NOT NULL,
    "limits" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "plan_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "price" (
    "id" TEXT NOT NULL,
    "plan_id" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "interval" "billing_interval" NOT NULL,
    "is_active" BOOLEAN NOT NULL DEFAULT true,

    CONSTRAINT "price_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "invoice" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "price_id" TEXT NOT NULL,
    "plan_id" TEXT NOT NULL,
    "product_id" TEXT NOT NULL,
    "kind" "invoice_kind" NOT NULL,
    "interval" "billing_interval" NOT NULL,
    "status" "invoice_status" NOT NULL,
    "surface" "surface" NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" TEXT NOT NULL,
    "developer_user_id" TEXT,
    "platform_fee_bps" INTEGER NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "closed_at" TIMESTAMPTZ(3),

    CONSTRAINT "invoice_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payment_attempt" (
    "id" TEXT NOT NULL,
    "invoice_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "status" "attempt_status" NOT NULL,
    "url" TEXT,
    "failure" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "payment_attempt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "entitlement" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "product_id" TEXT NOT NULL,
    "plan_id" TEXT NOT NULL,
    "payment_id" TEXT,
    "subscription_id" TEXT,
    "starts_at" TIMESTAMPTZ(3) NOT NULL,
    "ends_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "entitlement_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "telegram_id" BIGINT NOT NULL,
    "role" "user_role" NOT NULL DEFAULT 'user',
    "language" TEXT NOT NULL,
    "has_chosen_language" BOOLEAN NOT NULL DEFAULT false,
    "is_reachable" BOOLEAN NOT NULL DEFAULT false,
    "wants_reminders" BOOLEAN NOT NULL DEFAULT true,
    "wants_sales_notices" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "key_hash" BYTEA NOT NULL,
    "scopes" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_key" (
    "scope" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "request_hash" BYTEA NOT NULL,
    "response_status" INTEGER,
    "response_body" TEXT,
    "locked_until" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("scope","key")
);

-- CreateTable
CREATE TABLE "job" (
    "id" BIGSERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "lane" TEXT NOT NULL,
    "key" TEXT,
    "payload" JSONB NOT NULL,
    "run_at" TIMESTAMPTZ(3) NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "locked_until" TIMESTAMPTZ(3),
    "error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "done_at" TIMESTAMPTZ(3),
    "outcome" TEXT,

    CONSTRAINT "job_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "schedule" (
    "name" TEXT NOT NULL,
    "last_run_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "schedule_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "ledger_entry" (
    "id" BIGSERIAL NOT NULL,
    "transaction_id" TEXT NOT NULL,
    "account" "ledger_account" NOT NULL,
    "owner" TEXT NOT NULL DEFAULT '',
    "amount" BIGINT NOT NULL,
    "currency" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ledger_entry_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payment" (
    "id" TEXT NOT NULL,
    "invoice_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "plan_id" TEXT NOT NULL,
    "subscription_id" TEXT,
    "provider" TEXT NOT NULL,
    "charge_id" TEXT NOT NULL,
    "kind" "payment_kind" NOT NULL,
    "status" "payment_status" NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" TEXT NOT NULL,
    "platform_fee" BIGINT NOT NULL,
    "processor_fee" BIGINT NOT NULL,
    "developer_share" BIGINT NOT NULL,
    "developer_user_id" TEXT,
    "period_start" TIMESTAMPTZ(3),
    "period_end" TIMESTAMPTZ(3),
    "paid_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "payment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refund" (
    "id" TEXT NOT NULL,
    "payment_id" TEXT NOT NULL,
    "status" "refund_status" NOT NULL,
    "reason" "refund_reason" NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" TEXT NOT NULL,
    "requested_by" TEXT NOT NULL,
    "failure" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "refund_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reconciliation_difference" (
    "id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "charge_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "status" "difference_status" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "reconciliation_difference_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reconciliation_cursor" (
    "provider" TEXT NOT NULL,
    "offset" INTEGER NOT NULL,
    "finished_at" TIMESTAMPTZ(3) NOT NULL,
    "checked" INTEGER NOT NULL,
    "settled" INTEGER NOT NULL,
    "reported" INTEGER NOT NULL,

    CONSTRAINT "reconciliation_cursor_pkey" PRIMARY KEY ("provider")
);

-- CreateTable
CREATE TABLE "subscription" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "product_id" TEXT NOT NULL,
    "plan_id" TEXT NOT NULL,
    "price_id" TEXT NOT NULL,
    "invoice_id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "first_charge_id" TEXT NOT NULL,
    "status" "subscription_status" NOT NULL,
    "cancelled_by" TEXT,
    "amount" BIGINT NOT NULL,
    "currency" TEXT NOT NULL,
    "current_period_start" TIMESTAMPTZ(3) NOT NULL,
    "current_period_end" TIMESTAMPTZ(3) NOT NULL,
    "grace_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "subscription_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_event" (
    "id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "status" "webhook_status" NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 1,
    "next_attempt_at" TIMESTAMPTZ(3),
    "result" TEXT,
    "error" TEXT,
    "body" BYTEA,
    "received_at" TIMESTAMPTZ(3) NOT NULL,
    "processed_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_event_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "audit_event_object_id_seq_idx" ON "audit_event"("object_id", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "product_code_key" ON "product"("code");

-- CreateIndex
CREATE INDEX "product_status_kind_position_idx" ON "product"("status", "kind", "position");

-- CreateIndex
CREATE INDEX "product_developer_user_id_idx" ON "product"("developer_user_id");

-- CreateIndex
CREATE UNIQUE INDEX "plan_code_key" ON "plan"("code");

-- CreateIndex
CREATE INDEX "plan_product_id_rank_idx" ON "plan"("product_id", "rank");

-- CreateIndex
CREATE INDEX "price_plan_id_idx" ON "price"("plan_id");

-- CreateIndex
CREATE INDEX "invoice_user_id_created_at_idx" ON "invoice"("user_id", "created_at" DESC);

-- CreateIndex
CREATE INDEX "payment_attempt_user_id_created_at_idx" ON "payment_attempt"("user_id", "created_at" DESC);

-- CreateIndex
CREATE INDEX "payment_attempt_invoice_id_idx" ON "payment_attempt"("invoice_id");

-- CreateIndex
CREATE UNIQUE INDEX "entitlement_payment_id_key" ON "entitlement"("payment_id");

-- CreateIndex
CREATE INDEX "entitlement_user_id_product_id_ends_at_idx" ON "entitlement"("user_id", "product_id", "ends_at");

-- CreateIndex
CREATE INDEX "entitlement_subscription_id_idx" ON "entitlement"("subscription_id");

-- CreateIndex
CREATE UNIQUE INDEX "users_telegram_id_key" ON "users"("telegram_id");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_key_hash_key" ON "api_key"("key_hash");

-- CreateIndex
CREATE INDEX "idempotency_key_created_at_idx" ON "idempotency_key"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "job_key_key" ON "job"("key");

-- CreateIndex
CREATE INDEX "ledger_entry_account_owner_created_at_idx" ON "ledger_entry"("account", "owner", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "ledger_entry_transaction_id_account_key" ON "ledger_entry"("transaction_id", "account");

-- CreateIndex
CREATE INDEX "payment_user_id_paid_at_id_idx" ON "payment"("user_id", "paid_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "payment_invoice_id_idx" ON "payment"("invoice_id");

-- CreateIndex
CREATE INDEX "payment_developer_user_id_paid_at_id_idx" ON "payment"("developer_user_id", "paid_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "payment_provider_paid_at_idx" ON "payment"("provider", "paid_at" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "payment_provider_charge_id_key" ON "payment"("provider", "charge_id");

-- CreateIndex
CREATE INDEX "refund_payment_id_idx" ON "refund"("payment_id");

-- CreateIndex
CREATE INDEX "refund_status_created_at_idx" ON "refund"("status", "created_at");

-- CreateIndex
CREATE INDEX "reconciliation_difference_created_at_idx" ON "reconciliation_difference"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "reconciliation_difference_provider_charge_id_kind_key" ON "reconciliation_difference"("provider", "charge_id", "kind");

-- CreateIndex
CREATE UNIQUE INDEX "subscription_invoice_id_key" ON "subscription"("invoice_id");

-- CreateIndex
CREATE INDEX "subscription_user_id_created_at_idx" ON "subscription"("user_id", "created_at" DESC);

-- CreateIndex
CREATE INDEX "subscription_status_current_period_end_idx" ON "subscription"("status", "current_period_end");

-- CreateIndex
CREATE INDEX "webhook_event_received_at_id_idx" ON "webhook_event"("received_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "webhook_event_provider_event_id_key" ON "webhook_event"("provider", "event_id");

-- AddForeignKey
ALTER TABLE "product" ADD CONSTRAINT "product_developer_user_id_fkey" FOREIGN KEY ("developer_user_id") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "plan" ADD CONSTRAINT "plan_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "product"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "price" ADD CONSTRAINT "price_plan_id_fkey" FOREIGN KEY ("plan_id") REFERENCES "plan"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invoice" ADD CONSTRAINT "invoice_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "invoice" ADD CONSTRAINT "invoice_price_id_fkey" FOREIGN KEY ("price_id") REFERENCES "price"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "payment_attempt" ADD CONSTRAINT "payment_attempt_invoice_id_fkey" FOREIGN KEY ("invoice_id") REFERENCES "invoice"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "entitlement" ADD CONSTRAINT "entitlement_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payment"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "payment" ADD CONSTRAINT "payment_invoice_id_fkey" FOREIGN KEY ("invoice_id") REFERENCES "invoice"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refund" ADD CONSTRAINT "refund_payment_id_fkey" FOREIGN KEY ("payment_id") REFERENCES "payment"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "subscription" ADD CONSTRAINT "subscription_invoice_id_fkey" FOREIGN KEY ("invoice_id") REFERENCES "invoice"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Invariants that Prisma's schema language cannot say -------------------------------------------------------------

ALTER TABLE price ADD CONSTRAINT price_amount_positive CHECK (amount > 0);
ALTER TABLE product ADD CONSTRAINT product_fee_in_range CHECK (platform_fee_bps BETWEEN 0 AND 10000);
ALTER TABLE invoice ADD CONSTRAINT invoice_amount_positive CHECK (amount > 0),
  ADD CONSTRAINT invoice_fee_in_range CHECK (platform_fee_bps BETWEEN 0 AND 10000);
ALTER TABLE payment ADD CONSTRAINT payment_amount_positive CHECK (amount > 0),
  ADD CONSTRAINT payment_shares_are_the_whole CHECK (
    platform_fee >= 0 AND processor_fee >= 0 AND developer_share >= 0
    AND platform_fee + processor_fee + developer_share = amount),
  ADD CONSTRAINT payment_share_has_owner CHECK (developer_share = 0 OR developer_user_id IS NOT NULL);
ALTER TABLE refund ADD CONSTRAINT refund_amount_positive CHECK (amount > 0);
ALTER TABLE subscription ADD CONSTRAINT subscription_period_forward CHECK (current_period_end > current_period_start);
ALTER TABLE entitlement ADD CONSTRAINT entitlement_period_forward CHECK (ends_at > starts_at);
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_not_zero CHECK (amount <> 0);

-- One active price per plan, currency and interval: "the price" is never ambiguous.
CREATE UNIQUE INDEX price_one_active ON price (plan_id, currency, "interval") WHERE is_active;
-- One open order per person and price, one live checkout per order: a double tap cannot charge twice.
CREATE UNIQUE INDEX invoice_one_open ON invoice (user_id, price_id) WHERE status = 'open';
CREATE INDEX invoice_open_expiry ON invoice (expires_at) WHERE status = 'open';
CREATE UNIQUE INDEX payment_attempt_one_live ON payment_attempt (invoice_id) WHERE status IN ('creating', 'live');
-- One renewing subscription per person and plan, one lasting right per person and plugin, one running refund per payment.
CREATE UNIQUE INDEX subscription_one_renewing ON subscription (user_id, plan_id) WHERE status = 'active';
CREATE UNIQUE INDEX entitlement_one_lasting ON entitlement (user_id, plan_id) WHERE ends_at IS NULL AND revoked_at IS NULL;
CREATE UNIQUE INDEX refund_one_live ON refund (payment_id) WHERE status IN ('requested', 'succeeded');
-- Queues are read from their open end only.
CREATE INDEX job_waiting_lane ON job (lane, id) WHERE done_at IS NULL;
CREATE INDEX job_waiting_due ON job (run_at, id) WHERE done_at IS NULL;
CREATE INDEX job_done ON job (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX webhook_event_failed ON webhook_event (next_attempt_at) WHERE status = 'failed';
CREATE INDEX webhook_event_body ON webhook_event (processed_at) WHERE body IS NOT NULL;

-- Append-only: the books and the audit log are corrected by new rows, never by changing old ones.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Every statement that books must balance per transaction and currency. Checked per statement, not deferred to the
-- commit: since each statement balances, each transaction does, and one check serves all rows of a batch.
CREATE FUNCTION check_entries_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM booked GROUP BY transaction_id, currency HAVING sum(amount) <> 0) THEN
    RAISE EXCEPTION 'ledger entries do not sum to zero' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_entry_balance AFTER INSERT ON ledger_entry
  REFERENCING NEW TABLE AS booked FOR EACH STATEMENT EXECUTE FUNCTION check_entries_balance();

-- The hot path ----------------------------------------------------------------------------------------------------
-- Rules decide in TypeScript; these functions write what was decided in one round trip, under the constraints above.

CREATE FUNCTION write_audit(a jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO audit_event (at, actor, action, object_id, data, request_id)
  VALUES ((a->>'at')::timestamptz, a->>'actor', a->>'action', a->>'object_id', coalesce(a->'data', '{}'), a->>'request_id');
$$;

CREATE FUNCTION write_jobs(jobs jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO job (name, lane, key, payload, run_at, created_at)
  SELECT j->>'name', j->>'lane', j->>'key', j->'payload', (j->>'run_at')::timestamptz, (j->>'created_at')::timestamptz
  FROM jsonb_array_elements(jobs) WITH ORDINALITY AS list(j, position) ORDER BY position
  ON CONFLICT (key) DO NOTHING;
$$;

CREATE FUNCTION write_entries(transaction_id text, entries jsonb, at timestamptz) RETURNS void LANGUAGE sql AS $$
  INSERT INTO ledger_entry (transaction_id, account, owner, amount, currency, created_at)
  SELECT transaction_id, (e->>'account')::ledger_account, e->>'owner', (e->>'amount')::bigint, e->>'currency', at
  FROM jsonb_array_elements(entries) AS e;
$$;

-- Records a provider's event as processed. A row that had failed before is closed; any other stays as it is.
CREATE FUNCTION write_webhook_event(e jsonb, outcome text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO webhook_event (id, provider, event_id, kind, status, result, body, received_at, processed_at)
  VALUES (e->>'id', e->>'provider', e->>'event_id', e->>'kind', 'processed', outcome, decode(e->>'body', 'base64'),
          (e->>'received_at')::timestamptz, (e->>'received_at')::timestamptz)
  ON CONFLICT (provider, event_id) DO UPDATE
    SET status = 'processed', result = excluded.result, error = NULL, next_attempt_at = NULL,
        attempts = webhook_event.attempts + 1, processed_at = excluded.processed_at
    WHERE webhook_event.status IN ('failed', 'dead');
$$;

-- Writes one settled charge with all its consequences. Returns
--   applied    the rows are written
--   duplicate  this charge stands already; only the webhook event is recorded
--   stale      the order changed since it was loaded; nothing is written, load and decide again
CREATE FUNCTION settle_payment(p jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  pay jsonb := p->'payment';
  sub jsonb := nullif(p->'subscription', 'null');
  renewal jsonb := nullif(p->'renewal', 'null');
  ent jsonb := nullif(p->'entitlement', 'null');
  ref jsonb := nullif(p->'refund', 'null');
  event jsonb := nullif(p->'event', 'null');
  at timestamptz := (pay->>'created_at')::timestamptz;
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
    UPDATE payment_attempt SET status = 'closed' WHERE invoice_id = pay->>'invoice_id' AND status IN ('creating', 'live');
  END IF;

  IF sub IS NOT NULL THEN
    INSERT INTO subscription (id, user_id, product_id, plan_id, price_id, invoice_id, provider, first_charge_id, status,
      amount, currency, current_period_start, current_period_end, created_at)
    VALUES (sub->>'id', sub->>'user_id', sub->>'product_id', sub->>'plan_id', sub->>'price_id', sub->>'invoice_id',
      sub->>'provider', sub->>'first_charge_id', 'active', (sub->>'amount')::bigint, sub->>'currency',
      (sub->>'current_period_start')::timestamptz, (sub->>'current_period_end')::timestamptz, at);
  END IF;

  INSERT INTO payment (id, invoice_id, user_id, plan_id, subscription_id, provider, charge_id, kind, status, amount, currency,
    platform_fee, processor_fee, developer_share, developer_user_id, period_start, period_end, paid_at, created_at)
  VALUES (pay->>'id', pay->>'invoice_id', pay->>'user_id', pay->>'plan_id', pay->>'subscription_id', pay->>'provider', pay->>'charge_id',
    (pay->>'kind')::payment_kind, (pay->>'status')::payment_status, (pay->>'amount')::bigint, pay->>'currency',
    (pay->>'platform_fee')::bigint, (pay->>'processor_fee')::bigint, (pay->>'developer_share')::bigint,
    pay->>'developer_user_id', (pay->>'period_start')::timestamptz, (pay->>'period_end')::timestamptz,
    (pay->>'paid_at')::timestamptz, at)
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
  PERFORM write_jobs(p->'jobs');
  IF event IS NOT NULL THEN PERFORM write_webhook_event(event, 'settled'); END IF;
  RETURN 'applied';
END $$;

-- Group commit: many decided charges, one round trip, one flush. The caller orders them by invoice id (lock order).
CREATE FUNCTION settle_payments(list jsonb) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  p jsonb;
  outcomes text[] := '{}';
BEGIN
  FOR p IN SELECT value FROM jsonb_array_elements(list) LOOP
    outcomes := outcomes || settle_payment(p);
  END LOOP;
  RETURN outcomes;
END $$;

-- Opens a checkout attempt, and its invoice when `p.invoice` is given. Returns
--   opened        the rows are written
--   rate_limited  the person made `p.limit` attempts in the last minute (counted under a lock: parallel taps count too)
--   stale         another request opened this order at the same time; load and decide again
CREATE FUNCTION open_checkout(p jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  inv jsonb := nullif(p->'invoice', 'null');
  att jsonb := p->'attempt';
  at timestamptz := (att->>'created_at')::timestamptz;
BEGIN
  IF NOT coalesce((p->>'is_shown_at_once')::boolean, true) THEN
    -- Not waited for on disk: keeping the link is, and until then nobody has seen the order.
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('attempt:' || (att->>'user_id'), 0));
  IF (SELECT count(*) FROM payment_attempt WHERE user_id = att->>'user_id' AND created_at > at - interval '1 minute')
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
  INSERT INTO payment_attempt (id, invoice_id, user_id, provider, status, created_at)
  VALUES (att->>'id', att->>'invoice_id', att->>'user_id', att->>'provider', 'creating', at)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN 'stale'; END IF;
  PERFORM write_audit(p->'audit');
  RETURN 'opened';
END $$;
