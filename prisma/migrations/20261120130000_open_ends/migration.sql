-- What nobody finished is counted at every scrape of the metrics and cleared away by age: both read the open end only.
CREATE INDEX job_dead ON job (id) WHERE outcome = 'dead';
CREATE INDEX webhook_event_unapplied ON webhook_event (status, received_at) WHERE status IN ('failed', 'dead');
-- Time that was paid once is announced before it ends.
CREATE INDEX entitlement_once_end ON entitlement (ends_at) WHERE subscription_id IS NULL AND revoked_at IS NULL;
