-- What waits for an operator is listed and counted, however much was settled before.
CREATE INDEX reconciliation_difference_reported ON reconciliation_difference (id) WHERE status = 'reported';
