-- Who a person is in Telegram leaves the table of people: it is found by a keyed hash and read with the person's own key.
-- `users.telegram_id` is emptied by the server at its next start, which alone has the keys.
CREATE TABLE identity_link (
  user_id text NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  subject bytea NOT NULL,
  sealed bytea NOT NULL,
  data_key bytea NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX identity_link_subject_key ON identity_link (subject);

ALTER TABLE users ALTER COLUMN telegram_id DROP NOT NULL;
