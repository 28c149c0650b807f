-- The bare comparator's whole work in one typed function: the rows that Hoshi writes for a first payment, and nothing
-- that Hoshi does besides (no verdict on payer, price or earlier rights, no sealed body, no concealed ids, only their sign, no
-- answer for other orders).
CREATE OR REPLACE FUNCTION bench_settle(
  p_event_id text, p_event_key text, p_body bytea, p_invoice text, p_charge text, p_payer int8, p_paid int8, p_paid_at timestamptz,
  p_paid_until timestamptz, p_payment_id text, p_subscription_id text, p_entitlement_id text, p_request text
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  at timestamptz := now();
  o invoice%ROWTYPE;
  ends timestamptz := coalesce(p_paid_until, p_paid_at + interval '1 year');
BEGIN
  UPDATE invoice SET status = 'paid', closed_at = at
    WHERE id = p_invoice AND status = 'open' AND amount = p_paid AND currency = 'XTR' RETURNING * INTO o;
  IF NOT FOUND THEN RETURN 'duplicate'; END IF;
  UPDATE payment_attempt SET status = 'closed' WHERE invoice_id = p_invoice AND status IN ('creating', 'live');
  IF p_paid_until IS NOT NULL THEN
    INSERT INTO subscription (id, user_id, product_id, plan_id, price_id, invoice_id, provider, first_charge_id, status,
      amount, currency, current_period_start, current_period_end, created_at)
    VALUES (p_subscription_id, o.user_id, o.product_id, o.plan_id, o.price_id, o.id, 'telegram-stars', '~' || p_charge, 'active',
      p_paid, 'XTR', p_paid_at, ends, at);
  END IF;
  INSERT INTO payment (id, invoice_id, user_id, subscription_id, provider, charge_id, kind, status, amount, currency,
    platform_fee, processor_fee, developer_share, period_start, period_end, paid_at, created_at)
  VALUES (p_payment_id, o.id, o.user_id, CASE WHEN p_paid_until IS NULL THEN NULL ELSE p_subscription_id END,
    'telegram-stars', '~' || p_charge, (CASE WHEN p_paid_until IS NULL THEN 'one_time' ELSE 'first' END)::payment_kind, 'succeeded',
    p_paid, 'XTR', p_paid, 0, 0, p_paid_at, ends, p_paid_at, at);
  INSERT INTO entitlement (id, user_id, product_id, plan_id, payment_id, subscription_id, starts_at, ends_at, created_at)
  VALUES (p_entitlement_id, o.user_id, o.product_id, o.plan_id, p_payment_id,
    CASE WHEN p_paid_until IS NULL THEN NULL ELSE p_subscription_id END, p_paid_at, ends, at);
  INSERT INTO ledger_entry (transaction_id, account, owner, amount, currency, created_at) VALUES
    (p_payment_id, 'provider_receivable', 'telegram-stars', p_paid, 'XTR', at),
    (p_payment_id, 'platform_revenue', '', -p_paid, 'XTR', at);
  INSERT INTO audit_event (at, actor, action, object_id, data, request_id)
  VALUES (at, 'provider:telegram-stars', 'payment.settled', p_payment_id,
    jsonb_build_object('invoice', o.id, 'kind', CASE WHEN p_paid_until IS NULL THEN 'one_time' ELSE 'first' END,
      'amount', p_paid::text, 'currency', 'XTR', 'found_by', 'webhook'), p_request);
  INSERT INTO job (name, lane, payload, run_at, created_at)
  VALUES ('send_notice', 'chat:' || o.user_id,
    jsonb_build_object('userId', o.user_id, 'kind', 'paid', 'objectId', p_payment_id), at, at);
  INSERT INTO webhook_event (id, provider, event_id, kind, status, result, body, received_at, processed_at)
  VALUES (p_event_id, 'telegram-stars', '~' || p_event_key, 'payment_succeeded', 'processed', 'settled', p_body, at, at);
  RETURN 'applied';
END $$;
