-- Calls the volume $2 of the account $1 something else, and notes that it was done, as the API does.
WITH changed AS (
    UPDATE volumes SET name = $3, search_name = $4
    WHERE id = $2 AND account_id = $1 AND deleted_at IS NULL
    RETURNING id, name
), noted AS (
    INSERT INTO audit_events (id, at, account_id, actor, mutation, resource_ids, outcome)
    SELECT $5, date_trunc('milliseconds', clock_timestamp()), $1, 'bare', 'updateVolume', id, 'OK' FROM changed
)
SELECT json_build_object('data', json_build_object('updateVolume', json_build_object('volume',
    json_build_object('id', id, 'name', name))))::text
FROM changed
