-- Sums over a span of time. Payments are written in the order of their time, so a block range index finds a span at next to
-- no cost for each payment that is written.
CREATE INDEX "payment_paid_at_idx" ON "payment" USING brin ("paid_at") WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX payment_attempt_failed ON payment_attempt (created_at) INCLUDE (failure) WHERE failure IS NOT NULL;
CREATE INDEX "subscription_created_at_idx" ON "subscription"("created_at");
CREATE INDEX subscription_ended ON subscription (ended_at) WHERE ended_at IS NOT NULL;
