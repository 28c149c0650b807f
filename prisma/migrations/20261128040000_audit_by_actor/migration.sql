-- What a person did is found by who they are: for the copy of their data, and for the count of what of it stays.
CREATE INDEX audit_event_actor_seq_idx ON audit_event (actor, seq);
