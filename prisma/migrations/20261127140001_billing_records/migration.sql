-- The details of payments exist as OpenPGP messages for their owners: their keys, the records, and where those are delivered.
CREATE TYPE billing_key_status AS ENUM ('unproven', 'active', 'retired');
CREATE TABLE billing_key (
  id text NOT NULL PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  status billing_key_status NOT NULL,
  sealed bytea NOT NULL,
  mark bytea NOT NULL,
  challenge bytea,
  tries integer NOT NULL DEFAULT 0,
  expires_at timestamptz(3),
  created_at timestamptz(3) NOT NULL,
  proven_at timestamptz(3),
  retired_at timestamptz(3),
  CONSTRAINT billing_key_is_proven CHECK (status <> 'active' OR proven_at IS NOT NULL),
  CONSTRAINT billing_key_is_retired CHECK ((status = 'retired') = (retired_at IS NOT NULL))
);
CREATE UNIQUE INDEX billing_key_user_id_mark_key ON billing_key (user_id, mark);
CREATE INDEX billing_key_expires_at_idx ON billing_key (expires_at);

CREATE TYPE billing_record_status AS ENUM ('waiting', 'sealed', 'delivered');
CREATE TYPE billing_record_type AS ENUM ('payment', 'refund', 'renewal', 'subscription_change', 'revenue_share', 'payout');
CREATE TABLE billing_record (
  id text NOT NULL PRIMARY KEY,
  user_id text NOT NULL REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  type billing_record_type NOT NULL,
  object_id text NOT NULL,
  status billing_record_status NOT NULL,
  ciphertext bytea,
  waiting bytea,
  sha256 bytea,
  obstacle text,
  created_at timestamptz(3) NOT NULL,
  sealed_at timestamptz(3),
  delivered_at timestamptz(3),
  dropped_at timestamptz(3),
  -- A record lies in one form at a time, and is never lost before it was delivered.
  CONSTRAINT billing_record_has_one_form CHECK (
    CASE status
      WHEN 'waiting' THEN waiting IS NOT NULL AND ciphertext IS NULL AND sha256 IS NULL
      WHEN 'sealed' THEN waiting IS NULL AND ciphertext IS NOT NULL AND sha256 IS NOT NULL AND sealed_at IS NOT NULL
      ELSE waiting IS NULL AND sha256 IS NOT NULL AND delivered_at IS NOT NULL AND (ciphertext IS NULL) = (dropped_at IS NOT NULL)
    END)
);
CREATE UNIQUE INDEX billing_record_user_id_object_id_type_key ON billing_record (user_id, object_id, type);
CREATE INDEX billing_record_user_id_created_at_id_idx ON billing_record (user_id, created_at DESC, id DESC);
-- Copies that are to be dropped, and records that wait.
CREATE INDEX billing_record_kept ON billing_record (delivered_at) WHERE status = 'delivered' AND ciphertext IS NOT NULL;
CREATE INDEX billing_record_waiting ON billing_record (user_id) WHERE status = 'waiting';

CREATE TABLE personal_log (
  user_id text NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  sealed bytea,
  obstacle text,
  is_silent boolean NOT NULL DEFAULT true,
  as_document boolean NOT NULL DEFAULT false,
  is_on boolean NOT NULL DEFAULT true,
  keep_days integer NOT NULL DEFAULT 30,
  bound_at timestamptz(3),
  updated_at timestamptz(3) NOT NULL,
  CONSTRAINT personal_log_keeps_for_days CHECK (keep_days BETWEEN 0 AND 3650)
);

-- Records that a settlement or another verb decided. A repeat of one is none.
CREATE FUNCTION write_billing_records(records jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO billing_record (id, user_id, type, object_id, status, ciphertext, waiting, sha256, created_at, sealed_at)
  SELECT r->>'id', r->>'user_id', (r->>'type')::billing_record_type, r->>'object_id', (r->>'status')::billing_record_status,
    decode(r->>'ciphertext', 'base64'), decode(r->>'waiting', 'base64'), decode(r->>'sha256', 'base64'),
    (r->>'created_at')::timestamptz, (r->>'sealed_at')::timestamptz
  FROM jsonb_array_elements(records) AS list(r)
  ON CONFLICT (user_id, object_id, type) DO NOTHING
$$;

-- To whom a person's records are sealed: their data key as it is kept, and the keys they can read with. Null once they were
-- erased.
CREATE FUNCTION record_owner(person text) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('userId', l.user_id, 'language', u.language, 'dataKey', encode(l.data_key, 'base64'),
    'keys', (SELECT coalesce(jsonb_agg(encode(k.sealed, 'base64') ORDER BY k.proven_at), '[]') FROM billing_key k
      WHERE k.user_id = l.user_id AND k.status = 'active'))
  FROM identity_link l JOIN users u ON u.id = l.user_id WHERE l.user_id = person
$$;

-- As before, and each settled charge with the records of it.
CREATE OR REPLACE FUNCTION settle_payments(list jsonb) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  p jsonb;
  held reservation;
  outcome text;
  outcomes text[] := '{}';
BEGIN
  FOR p IN SELECT value FROM jsonb_array_elements(list) LOOP
    IF p->>'reservation_id' IS NULL THEN
      outcome := settle_payment(p);
      -- Money that was announced before it came: its hold ends with it, also one that had been given up meanwhile.
      IF (p->>'may_be_held')::boolean AND outcome <> 'stale' THEN
        UPDATE reservation SET status = 'paid', paid_at = (p->'payment'->>'created_at')::timestamptz, cancelled_at = NULL,
          questions = 0, code = NULL, missing = NULL, instructions_url = NULL
        WHERE provider = p->'payment'->>'provider' AND charge_id = p->'payment'->>'charge_id' AND status IN ('reserved', 'cancelled');
      END IF;
    ELSE
      SELECT * INTO held FROM reservation WHERE id = p->>'reservation_id' FOR UPDATE;
      -- A hold whose time ran out here has no code: the money that came for it all the same is booked.
      IF held.status = 'refunded' OR (held.status = 'cancelled' AND held.code IS NOT NULL) THEN
        outcome := 'released';
      ELSIF held.status = 'reserved' AND (p->>'only_if_open')::boolean AND NOT EXISTS (
          SELECT 1 FROM invoice WHERE id = held.invoice_id AND status = 'open' FOR UPDATE) THEN
        outcome := 'stale';
      ELSE
        outcome := settle_payment(p);
        UPDATE reservation SET status = 'paid', paid_at = (p->'payment'->>'created_at')::timestamptz, cancelled_at = NULL, questions = 0
        WHERE id = held.id AND status <> 'paid' AND outcome <> 'stale';
      END IF;
    END IF;
    IF outcome = 'applied' THEN PERFORM write_billing_records(p->'records'); END IF;
    outcomes := outcomes || outcome;
  END LOOP;
  RETURN outcomes;
END $$;
