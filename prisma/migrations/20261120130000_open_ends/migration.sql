-- What nobody finished is counted at every scrape of the metrics and cleared away by age: both read the open end only.
CREATE INDEX job_dead ON job (id) WHERE outcome = 'dead';
CREATE INDEX webhook_event_unapplied ON webhook_event (status, received_at) WHERE status IN ('failed', 'dead');
