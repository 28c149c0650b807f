-- The second condition, always true, keeps these indexes for those who ask by time: while the statistics say that nothing is
-- open, each looks as cheap as the index by person or lane to a plan that is then kept while thousands of rows open.
DROP INDEX IF EXISTS invoice_open_expiry;
CREATE INDEX invoice_open_expiry ON invoice (expires_at) WHERE status = 'open' AND expires_at > '-infinity';
DROP INDEX IF EXISTS job_waiting_due;
CREATE INDEX job_waiting_due ON job (run_at, id) WHERE done_at IS NULL AND run_at > '-infinity';
