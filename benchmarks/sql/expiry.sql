-- All lots that have ended, written by hand in one statement that trusts the caller that their members were told: one
-- entry for each member, one draw for each lot, with the lots and the accounts as they become. The floor.
WITH due AS (
    SELECT member_id, id AS lot_id, remaining AS points, expires_at FROM lots
    WHERE remaining > 0 AND expires_at <= %(at)s
), source AS (
    SELECT nextval('ledger_entry_ids') AS id, member_id, -points AS points, ends_at,
           jsonb_build_object('rule', 'expiry', 'told', points, 'after_graces', 0) AS explanation
    FROM (SELECT member_id, sum(points)::bigint AS points, max(expires_at) AS ends_at FROM due GROUP BY member_id) AS s
), moved AS (
    UPDATE points_accounts AS a
    SET balance = a.balance + s.points,
        last_debt_change = 0,
        last_sequence = a.last_sequence + 1,
        chain_head = sha256(record_send(row(
            a.chain_head, a.member_id, s.id, a.last_sequence + 1, 'expire'::bytea, s.points, a.balance + s.points,
            a.debt, 'expiry:floor'::bytea, NULL::bigint, 'system:expire_lots'::bytea, NULL::bigint, NULL::bigint,
            NULL::bigint, s.explanation::text::bytea, s.ends_at, %(at)s)))
    FROM source AS s WHERE a.member_id = s.member_id
    RETURNING a.member_id, s.id, a.last_sequence, s.points, a.balance, a.debt, a.chain_head, s.explanation, s.ends_at
), entered AS (
    INSERT INTO ledger_entries (member_id, id, sequence, kind, points, balance_after, debt_after, reference, actor,
                                explanation, occurred_at, recorded_at, digest)
    SELECT member_id, id, last_sequence, 'expire', points, balance, debt, 'expiry:floor', 'system:expire_lots',
           explanation, ends_at, %(at)s, chain_head FROM moved
), drawn AS (
    UPDATE lots SET remaining = 0 FROM due WHERE lots.member_id = due.member_id AND lots.id = due.lot_id
)
INSERT INTO draws (member_id, entry_id, lot_id, points)
SELECT moved.member_id, moved.id, due.lot_id, due.points FROM moved JOIN due ON due.member_id = moved.member_id
