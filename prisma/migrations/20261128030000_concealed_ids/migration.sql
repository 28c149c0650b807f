-- What a provider calls a charge, a checkout, a refund, a dispute or an event, and where they are paid or claimed, is written so that
-- only the server can read it. What stands here in plaintext is concealed by the server's migration step, which has the key; then
-- each constraint is validated. A process of an earlier version cannot write any more, and its provider comes again.
ALTER TABLE payment ADD CONSTRAINT payment_charge_id_concealed CHECK (charge_id LIKE '~%') NOT VALID;
ALTER TABLE subscription ADD CONSTRAINT subscription_first_charge_id_concealed CHECK (first_charge_id LIKE '~%') NOT VALID;
ALTER TABLE reservation ADD CONSTRAINT reservation_charge_id_concealed CHECK (charge_id LIKE '~%') NOT VALID,
  ADD CONSTRAINT reservation_reference_concealed CHECK (reference LIKE '~%') NOT VALID,
  ADD CONSTRAINT reservation_instructions_url_concealed CHECK (instructions_url LIKE '~%') NOT VALID;
ALTER TABLE refund ADD CONSTRAINT refund_reference_concealed CHECK (reference LIKE '~%') NOT VALID,
  ADD CONSTRAINT refund_claim_url_concealed CHECK (claim_url LIKE '~%') NOT VALID;
ALTER TABLE dispute ADD CONSTRAINT dispute_reference_concealed CHECK (reference LIKE '~%') NOT VALID;
ALTER TABLE payment_attempt ADD CONSTRAINT payment_attempt_reference_concealed CHECK (reference LIKE '~%') NOT VALID,
  ADD CONSTRAINT payment_attempt_url_concealed CHECK (url LIKE '~%') NOT VALID;
ALTER TABLE payment_method ADD CONSTRAINT payment_method_reference_concealed CHECK (reference LIKE '~%') NOT VALID;
ALTER TABLE reconciliation_difference ADD CONSTRAINT reconciliation_difference_charge_id_concealed CHECK (charge_id LIKE '~%') NOT VALID;
ALTER TABLE webhook_event ADD CONSTRAINT webhook_event_event_id_concealed CHECK (event_id LIKE '~%') NOT VALID;
