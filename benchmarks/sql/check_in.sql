-- One check-in, written by hand: the rows of the day, the entry, its lot and both events, with the account's new
-- balance and chain head. Sent prepared, in one statement and without any look beforehand: the least that these rows
-- can cost. pgbench sends every value as a text, hence the casts.
\set n :n + 1
\set member_id :first_id + :client_id + :clients * (:n - 1)
WITH recorded AS (
    INSERT INTO check_ins (member_id, checked_in_on, streak, base, bonus, growth, plan_revision, idempotency_key,
                           checked_in_at)
    VALUES (:member_id::bigint, :day::date, 1, 5, 0, 1, 1, 'limit-' || :member_id::text || :day::text, now())
    RETURNING *
), moved AS (
    UPDATE points_accounts AS a
    SET balance = a.balance + 5,
        last_sequence = a.last_sequence + 1,
        last_activity_at = greatest(a.last_activity_at, n.at),
        chain_head = sha256(record_send(row(
            a.chain_head, a.member_id, n.id, a.last_sequence + 1, 'earn'::bytea, 5::bigint, a.balance + 5, a.debt,
            n.reference::bytea, NULL::bigint, n.actor::bytea, NULL::bigint, NULL::bigint, NULL::bigint,
            n.explanation::text::bytea, n.at, n.at)))
    FROM (SELECT nextval('ledger_entry_ids') AS id, now() AS at,
                 'check_in:' || :day::text AS reference, 'member:' || :member_id::text AS actor,
                 '{"rule": "check_in", "plan_revision": 1, "streak": 1, "base": 5, "bonus": 0}'::jsonb AS explanation
         ) AS n
    WHERE a.member_id = :member_id::bigint
    RETURNING a.member_id, n.id, a.last_sequence, a.balance, a.debt, a.chain_head, n.at, n.reference, n.actor,
              n.explanation
), entered AS (
    INSERT INTO ledger_entries (member_id, id, sequence, kind, points, balance_after, debt_after, reference, actor,
                                explanation, occurred_at, recorded_at, digest)
    SELECT member_id, id, last_sequence, 'earn', 5, balance, debt, reference, actor, explanation, at, at, chain_head
    FROM moved
), opened AS (
    INSERT INTO lots (member_id, entry_id, points, remaining, opened_at, available_at, expires_at)
    SELECT member_id, id, 5, 5, at, at, (:day::date + 366)::timestamp AT TIME ZONE 'Asia/Shanghai' FROM moved
), earned AS (
    INSERT INTO outbox_events (kind, payload, recorded_at)
    SELECT 'points.earned', jsonb_build_object('member_id', member_id, 'entry_id', id, 'kind', 'earn', 'points', 5,
           'balance_after', balance, 'reference', reference, 'source', 'check_in'), at FROM moved
), told AS (
    INSERT INTO outbox_events (kind, payload, recorded_at)
    SELECT 'check_in.recorded', jsonb_build_object('member_id', member_id, 'checked_in_on', checked_in_on,
           'streak', streak, 'base', base, 'bonus', bonus, 'growth', growth, 'plan_revision', plan_revision,
           'store_id', store_id, 'checked_in_at', checked_in_at), checked_in_at FROM recorded
)
SELECT balance FROM moved;
