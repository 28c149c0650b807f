-- Copies of their data that people asked for. The copy itself is built while it is sent and stands nowhere.
CREATE TYPE data_export_status AS ENUM ('requested', 'running', 'sent', 'failed');
CREATE TABLE data_export (
  id text NOT NULL PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  status data_export_status NOT NULL,
  run integer NOT NULL DEFAULT 0,
  progress integer NOT NULL DEFAULT 0,
  obstacle text,
  parts integer NOT NULL DEFAULT 0,
  sha256 bytea,
  created_at timestamptz(3) NOT NULL,
  completed_at timestamptz(3),
  CONSTRAINT data_export_progress_is_percent CHECK (progress BETWEEN 0 AND 100),
  CONSTRAINT data_export_is_complete CHECK ((completed_at IS NOT NULL) = (status IN ('sent', 'failed'))),
  -- What was sent is known by its hash; what failed says why.
  CONSTRAINT data_export_is_known CHECK (status <> 'sent' OR (sha256 IS NOT NULL AND parts > 0 AND progress = 100 AND obstacle IS NULL)),
  CONSTRAINT data_export_says_why CHECK (status <> 'failed' OR obstacle IS NOT NULL)
);
CREATE INDEX data_export_user_id_created_at_idx ON data_export (user_id, created_at DESC);
CREATE INDEX data_export_completed_at_idx ON data_export (completed_at);
-- One at a time for each person.
CREATE UNIQUE INDEX data_export_one_open ON data_export (user_id) WHERE status IN ('requested', 'running');
