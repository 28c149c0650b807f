-- A card that came by a link is the owner's only once they said so, in their own session and from the browser in which it was given.
ALTER TYPE "payment_method_status" ADD VALUE 'confirming' BEFORE 'active';
ALTER TABLE "payment_method" ADD COLUMN "return_secret" BYTEA, ADD COLUMN "confirmation" BYTEA, ADD COLUMN "token_hash" BYTEA;
-- A token is one person's. It is forgotten with the card, so that none stands for a card that is gone.
CREATE UNIQUE INDEX "payment_method_provider_token_hash_key" ON "payment_method"("provider", "token_hash");
-- The new word may be used only after it is committed: these say it by naming the others.
ALTER TABLE payment_method DROP CONSTRAINT payment_method_token_ends_with_it,
  ADD CONSTRAINT payment_method_token_ends_with_it CHECK ((status NOT IN ('adding', 'removed')) = (sealed IS NOT NULL)),
  ADD CONSTRAINT payment_method_token_hash_ends_with_it CHECK (token_hash IS NULL OR sealed IS NOT NULL),
  ADD CONSTRAINT payment_method_waits_for_a_secret
    CHECK (confirmation IS NOT NULL OR return_secret IS NOT NULL OR status IN ('adding', 'active', 'removing', 'removed'));
-- Pages that were begun before lead back without a secret: they are begun again.
UPDATE payment_method SET status = 'removed', removed_at = now() WHERE status = 'adding' AND reference IS NOT NULL;
-- Those that wait for their owner are looked through every minute, and are few among all there were.
CREATE INDEX payment_method_unfinished ON payment_method (created_at) WHERE status NOT IN ('active', 'removing', 'removed');
