-- Holds whose end nobody has told: their providers are asked about them every minute, and they are few among all there were.
CREATE INDEX reservation_unanswered ON reservation (provider, asked_at)
  WHERE status = 'reserved' OR (status = 'cancelled' AND code IS NULL);
