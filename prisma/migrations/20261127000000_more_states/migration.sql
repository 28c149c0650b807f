-- New words of closed lists, in a migration of their own: Postgres lets them be used only after they are committed.
-- A message that is kept before anything is done about it, because its provider must be asked first.
ALTER TYPE "webhook_status" ADD VALUE 'received';
-- A payer's bank took a charge into question, and gave it back to them.
ALTER TYPE "payment_status" ADD VALUE 'disputed';
ALTER TYPE "payment_status" ADD VALUE 'charged_back';
-- A developer's share while its charge is disputed.
ALTER TYPE "ledger_account" ADD VALUE 'dispute_hold';
