-- Notes that the volume ?2 of the account ?1 was called something else.
INSERT INTO audit_events (id, at, account_id, actor, mutation, resource_ids, outcome)
VALUES (?3, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), ?1, 'bare', 'updateVolume', ?2, 'OK')
