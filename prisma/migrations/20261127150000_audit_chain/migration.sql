-- The audit shows what was done to it: every row is a link of one chain of hashes, in the order of commits and without a gap,
-- and the head of each day is signed. Who writes meanwhile waits for this migration, and is linked by the trigger below.
LOCK TABLE audit_event IN SHARE ROW EXCLUSIVE MODE;

-- No foreign key: a row that is gone is what the chain is there to show, and asking for it at each commit costs a third of it.
CREATE TABLE audit_link (
  position bigint NOT NULL PRIMARY KEY,
  event_seq bigint NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT audit_link_position_is_positive CHECK (position > 0)
);
CREATE UNIQUE INDEX audit_link_event_seq_key ON audit_link (event_seq);

-- `hoshi audit <day> <position> <hash>`, signed by the server: where the chain stood when a day was over.
CREATE TABLE audit_signature (
  day date NOT NULL PRIMARY KEY,
  position bigint NOT NULL,
  hash bytea NOT NULL,
  signature text NOT NULL,
  created_at timestamptz(3) NOT NULL
);

-- Hash of the link after `previous`. Texts carry their length, so that no two rows read the same; jsonb has one text.
-- src/domain/audit/chain.ts says the same a second time. In plpgsql, whose expressions stay prepared.
CREATE FUNCTION audit_hash(previous bytea, e audit_event) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN sha256(previous || convert_to(e.seq || ',' || (extract(epoch FROM e.at) * 1000)::bigint
    || ',' || octet_length(e.actor) || ':' || e.actor
    || ',' || octet_length(e.action) || ':' || e.action
    || ',' || octet_length(e.object_id) || ':' || e.object_id
    || ',' || octet_length(e.data::text) || ':' || e.data::text
    || ',' || octet_length(e.request_id) || ':' || e.request_id, 'UTF8'));
END $$;

DO $$
DECLARE
  event audit_event;
  last_position bigint := 0;
  last_hash bytea := decode(repeat('00', 32), 'hex');
BEGIN
  FOR event IN SELECT * FROM audit_event ORDER BY seq LOOP
    last_position := last_position + 1;
    last_hash := audit_hash(last_hash, event);
    INSERT INTO audit_link (position, event_seq, hash) VALUES (last_position, event.seq, last_hash);
  END LOOP;
END $$;

-- Runs at the commit: its lock is the last a transaction takes, so that no two wait for each other, and is held for the
-- commit alone. The order of links is the order of commits, and what is rolled back leaves no gap.
CREATE FUNCTION link_audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last audit_link;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('audit', 0));
  SELECT * INTO last FROM audit_link ORDER BY position DESC LIMIT 1;
  INSERT INTO audit_link (position, event_seq, hash)
  VALUES (coalesce(last.position, 0) + 1, NEW.seq, audit_hash(coalesce(last.hash, decode(repeat('00', 32), 'hex')), NEW));
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audit_event_link AFTER INSERT ON audit_event DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION link_audit_event();

CREATE TRIGGER audit_link_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_link
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_signature_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_signature
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
