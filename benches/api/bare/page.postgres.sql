-- The first $2 volumes of the account $1, each with its plan and its five newest snapshots and backups, as the API answers.
WITH page AS (
    SELECT id, name, size_bytes, storage_type, state, active_operation, instance_id, plan_id, created_at,
        row_number() OVER (ORDER BY id DESC) AS place
    FROM volumes
    WHERE account_id = $1 AND deleted_at IS NULL
    ORDER BY id DESC
    LIMIT $2 + 1
)
SELECT json_build_object('data', json_build_object('volumes', json_build_object(
    'nodes', coalesce(
        (
            SELECT json_agg(json_build_object(
                'id', page.id,
                'name', page.name,
                'sizeBytes', page.size_bytes,
                'storageType', upper(page.storage_type),
                'status', CASE
                    WHEN state = 'available' AND active_operation = 'restore_in_place' THEN 'RESTORING'
                    WHEN state = 'available' AND instance_id IS NOT NULL THEN 'ATTACHED'
                    ELSE upper(state)
                END,
                'createdAt', to_char(page.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                'plan', json_build_object(
                    'id', plan.id,
                    'name', plan.name,
                    'sizeBytes', plan.size_bytes,
                    'maxSnapshots', plan.max_snapshots,
                    'maxBackups', plan.max_backups
                ),
                'snapshots', json_build_object('nodes', coalesce(
                    (
                        SELECT json_agg(json_build_object(
                            'id', id,
                            'name', name,
                            'status', upper(status),
                            'createdAt', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
                        ))
                        FROM (
                            SELECT id, name, status, created_at
                            FROM snapshots
                            WHERE volume_id = page.id AND account_id = $1 AND deleted_at IS NULL
                            ORDER BY id DESC
                            LIMIT 5
                        ) AS newest
                    ),
                    '[]'
                )),
                'backups', json_build_object('nodes', coalesce(
                    (
                        SELECT json_agg(json_build_object(
                            'id', id,
                            'name', name,
                            'status', upper(status),
                            'storedBytes', stored_bytes,
                            'createdAt', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
                        ))
                        FROM (
                            SELECT id, name, status, stored_bytes, created_at
                            FROM backups
                            WHERE volume_id = page.id AND account_id = $1 AND deleted_at IS NULL
                            ORDER BY id DESC
                            LIMIT 5
                        ) AS newest
                    ),
                    '[]'
                ))
            ) ORDER BY place)
            FROM page
            JOIN volume_plans AS plan ON plan.id = page.plan_id
            WHERE place <= $2
        ),
        '[]'
    ),
    'pageInfo', json_build_object('hasNextPage', (SELECT count(*) > $2 FROM page))
)))::text
