-- Calls the volume ?2 of the account ?1 something else.
UPDATE volumes SET name = ?3, search_name = ?4
WHERE id = ?2 AND account_id = ?1 AND deleted_at IS NULL
RETURNING json_object('data', json_object('updateVolume', json_object('volume',
    json_object('id', id, 'name', name))))
