-- How often a person had to show that they can read with a key, and how many days before its end they were told of it.
ALTER TABLE billing_key
  ADD COLUMN challenged_at timestamptz(3),
  ADD COLUMN challenges integer NOT NULL DEFAULT 0,
  ADD COLUMN told_days integer;
