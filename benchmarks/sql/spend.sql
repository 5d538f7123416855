-- One spend over three lots, written by hand: the entry, three draws and the event, with the lots and the account as
-- they become. Sent prepared, in one statement, looking for nothing but the lots: the least that these rows can cost.
\set n :n + 1
\set member_id :first_id + (:client_id + :clients * (:n - 1)) % :members
WITH picked AS (
    SELECT member_id, id, remaining AS points FROM lots
    WHERE member_id = :member_id::bigint AND remaining > 0
    ORDER BY expires_at, opened_at, id LIMIT 3
), moved AS (
    UPDATE points_accounts AS a
    SET balance = a.balance - 15,
        last_debt_change = 0,
        last_sequence = a.last_sequence + 1,
        last_activity_at = greatest(a.last_activity_at, n.at),
        chain_head = sha256(record_send(row(
            a.chain_head, a.member_id, n.id, a.last_sequence + 1, 'spend'::bytea, -15::bigint, a.balance - 15, a.debt,
            n.reference::bytea, NULL::bigint, 'system'::bytea, NULL::bigint, NULL::bigint, NULL::bigint,
            n.explanation::text::bytea, n.at, n.at)))
    FROM (SELECT nextval('ledger_entry_ids') AS id, now() AS at,
                 'limit:' || :number::text || '-' || :client_id::text || '-' || :n::text AS reference,
                 '{"rule": "points_as_money", "order_id": 1, "amount_fen": 15}'::jsonb AS explanation) AS n
    WHERE a.member_id = :member_id::bigint
    RETURNING a.member_id, n.id, a.last_sequence, a.balance, a.debt, a.chain_head, n.at, n.reference, n.explanation
), entered AS (
    INSERT INTO ledger_entries (member_id, id, sequence, kind, points, balance_after, debt_after, reference, actor,
                                explanation, occurred_at, recorded_at, digest)
    SELECT member_id, id, last_sequence, 'spend', -15, balance, debt, reference, 'system', explanation, at, at,
           chain_head FROM moved
), drawn AS (
    UPDATE lots SET remaining = lots.remaining - picked.points
    FROM picked WHERE lots.member_id = picked.member_id AND lots.id = picked.id
), draw_rows AS (
    INSERT INTO draws (member_id, entry_id, lot_id, points)
    SELECT moved.member_id, moved.id, picked.id, picked.points FROM moved, picked
), told AS (
    INSERT INTO outbox_events (kind, payload, recorded_at)
    SELECT 'points.spent', jsonb_build_object('member_id', member_id, 'entry_id', id, 'kind', 'spend', 'points', -15,
           'balance_after', balance, 'reference', reference, 'source', 'limit'), at FROM moved
)
SELECT balance FROM moved;
