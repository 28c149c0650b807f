-- What a person did is found by who they are: for the copy of their data, and for the count of what of it stays.
-- What providers and servers did is not in it: most of the audit, and none of it anybody's.
CREATE INDEX audit_event_by_person ON audit_event (actor, seq) WHERE actor LIKE 'usr_%';
