-- Messages about a refund may name nothing but the provider's id of it.
CREATE INDEX "refund_reference_idx" ON "refund"("reference");
-- Checkouts that were asked about n times are looked for by the age that is due next: only what is due is read.
CREATE INDEX payment_attempt_due ON payment_attempt (provider, questions, created_at) WHERE reference IS NOT NULL;
DROP INDEX payment_attempt_asked;
-- Those that were paid need no question, and are passed once: what stands already, here.
UPDATE payment_attempt a SET questions = 6 WHERE a.reference IS NOT NULL AND a.created_at > now() - interval '2 days'
  AND EXISTS (SELECT 1 FROM payment p WHERE p.invoice_id = a.invoice_id AND p.provider = a.provider);
