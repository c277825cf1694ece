-- The first ?2 volumes of the account ?1, each with its plan and its five newest snapshots and backups, as the API answers.
-- What a subquery gives is text, which json() makes JSON again. Without the plus signs SQLite would read, for each volume,
-- all that the account has, by the index of accounts.
WITH page AS MATERIALIZED (
    SELECT id, name, size_bytes, storage_type, state, active_operation, instance_id, plan_id, created_at,
        row_number() OVER (ORDER BY id DESC) AS place
    FROM volumes
    WHERE account_id = ?1 AND deleted_at IS NULL
    ORDER BY id DESC
    LIMIT ?2 + 1
)
SELECT '{"data":{"volumes":{"nodes":' || (
    SELECT json_group_array(json_object(
        'id', page.id,
        'name', page.name,
        'sizeBytes', page.size_bytes,
        'storageType', upper(page.storage_type),
        'status', CASE
            WHEN state = 'available' AND active_operation = 'restore_in_place' THEN 'RESTORING'
            WHEN state = 'available' AND instance_id IS NOT NULL THEN 'ATTACHED'
            ELSE upper(state)
        END,
        'createdAt', strftime('%Y-%m-%dT%H:%M:%fZ', page.created_at),
        'plan', json_object(
            'id', plan.id,
            'name', plan.name,
            'sizeBytes', plan.size_bytes,
            'maxSnapshots', plan.max_snapshots,
            'maxBackups', plan.max_backups
        ),
        'snapshots', json_object('nodes', json((
            SELECT json_group_array(json_object(
                'id', id,
                'name', name,
                'status', upper(status),
                'createdAt', strftime('%Y-%m-%dT%H:%M:%fZ', created_at)
            ))
            FROM (
                SELECT id, name, status, created_at
                FROM snapshots
                WHERE volume_id = page.id AND +account_id = ?1 AND deleted_at IS NULL
                ORDER BY id DESC
                LIMIT 5
            )
        ))),
        'backups', json_object('nodes', json((
            SELECT json_group_array(json_object(
                'id', id,
                'name', name,
                'status', upper(status),
                'storedBytes', stored_bytes,
                'createdAt', strftime('%Y-%m-%dT%H:%M:%fZ', created_at)
            ))
            FROM (
                SELECT id, name, status, stored_bytes, created_at
                FROM backups
                WHERE volume_id = page.id AND +account_id = ?1 AND deleted_at IS NULL
                ORDER BY id DESC
                LIMIT 5
            )
        )))
    ) ORDER BY place)
    FROM page
    JOIN volume_plans AS plan ON plan.id = page.plan_id
    WHERE place <= ?2
) || ',"pageInfo":{"hasNextPage":' || iif((SELECT count(*) FROM page) > ?2, 'true', 'false') || '}}}}'
