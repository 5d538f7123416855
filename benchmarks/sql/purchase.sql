-- One purchase as a partner reports it, written by hand: nonce, order, entry, its lot, events, evaluation and kept
-- answer, with the account's new balance and chain head. Sent prepared, in one statement and without any look
-- beforehand: the least that these rows can cost. pgbench sends every value as a text, hence the casts.
\set n :n + 1
\set member_id :first_id + (:client_id + :clients * (:n - 1)) % :members
WITH noted AS (
    INSERT INTO partner_nonces (partner_key_id, nonce, used_at)
    VALUES (:key_id::bigint, 'limit-' || :number::text || '-' || :client_id::text || '-' || :n::text, now())
), placed AS (
    INSERT INTO orders (source, order_number, version, member_id, store_id, channel, paid_at, amount_fen, lines,
                        recorded_at)
    VALUES ('partner:' || :key_id::text, 'L' || :number::text || '-' || :client_id::text || '-' || :n::text, 1,
            :member_id::bigint, :store_id::bigint, 'pos', now(), 5400,
            '[{"sku": "tea", "category": "drink", "quantity": 2, "amount_fen": 3600, "line_number": 1},
              {"sku": "cake", "category": "food", "quantity": 1, "amount_fen": 1800, "line_number": 2}]', now())
    RETURNING *
), told AS (
    INSERT INTO outbox_events (kind, payload, recorded_at)
    SELECT 'order.recorded', jsonb_build_object('order_id', id, 'member_id', member_id), recorded_at FROM placed
), moved AS (
    UPDATE points_accounts AS a
    SET balance = a.balance + 54,
        last_debt_change = 0,
        last_sequence = a.last_sequence + 1,
        last_activity_at = greatest(a.last_activity_at, n.at),
        chain_head = sha256(record_send(row(
            a.chain_head, a.member_id, n.id, a.last_sequence + 1, 'earn'::bytea, 54::bigint, a.balance + 54, a.debt,
            n.reference::bytea, n.store_id, 'system'::bytea, :revision_id::bigint, NULL::bigint, NULL::bigint,
            convert_to(n.explanation::text, 'UTF8'), n.at, n.at)))
    FROM (SELECT nextval('ledger_entry_ids') AS id, paid_at AS at, 'order:' || id::text AS reference, store_id,
                 member_id, source, order_number, id AS order_id,
                 jsonb_build_object('rule', 'purchase', 'event', 'purchase', 'awards', jsonb_build_array(
                     jsonb_build_object('name', '消费积分', 'value', 1, 'growth', 0, 'number', 1, 'points', 54,
                         'rule_id', 1, 'each_fen', 100, 'rounding', 'floor', 'amount_fen', 5400, 'base_points', 54,
                         'revision_id', :revision_id::bigint))) AS explanation
          FROM placed) AS n
    WHERE a.member_id = n.member_id
    RETURNING a.member_id, n.id, a.last_sequence, a.balance, a.debt, a.chain_head, n.at, n.reference, n.store_id,
              n.source, n.order_number, n.explanation
), entered AS (
    INSERT INTO ledger_entries (member_id, id, sequence, kind, points, balance_after, debt_after, reference, store_id,
                                actor, revision_id, explanation, occurred_at, recorded_at, digest)
    SELECT member_id, id, last_sequence, 'earn', 54, balance, debt, reference, store_id, 'system', :revision_id::bigint,
           explanation, at, at, chain_head FROM moved
), opened AS (
    INSERT INTO lots (member_id, entry_id, points, remaining, opened_at, available_at, expires_at, store_id)
    SELECT member_id, id, 54, 54, at, at,
           (current_date + 366)::timestamp AT TIME ZONE 'Asia/Shanghai', store_id FROM moved
), earned AS (
    INSERT INTO outbox_events (kind, payload, recorded_at)
    SELECT 'points.earned', jsonb_build_object('member_id', member_id, 'entry_id', id, 'kind', 'earn', 'points', 54,
           'balance_after', balance, 'reference', reference, 'source', 'order'), at FROM moved
), evaluated AS (
    INSERT INTO evaluations (member_id, reference, event, store_id, facts, revision_ids, room, awards, misses, points,
                             growth, occurred_at, recorded_at)
    SELECT member_id, reference, 'purchase', store_id,
           jsonb_build_object('on', current_date, 'tags', '[]'::jsonb, 'event', 'purchase',
               'lines', '[[1, "tea", "drink", 2, 3600], [2, "cake", "food", 1, 1800]]'::jsonb, 'minute', 961,
               'channel', 'pos', 'store_id', store_id, 'member_id', member_id, 'region_id', NULL, 'tier_level', 1,
               'custom_kind', NULL, 'is_birthday', false, 'occurred_at', at, 'is_birthday_month', false,
               'is_first_purchase', false, 'tier_multiplier_bp', 10000),
           ARRAY[:revision_id::bigint], '[]',
           jsonb_set(explanation->'awards', '{0,entries}', jsonb_build_array(jsonb_build_array(reference, 54))), '[]',
           54, 0, at, at FROM moved
), answered AS (
    INSERT INTO idempotency_records (scope, key, request_hash, status, answer, recorded_at)
    SELECT concat(source, ':', 'purchases'), order_number || '/1', sha256(order_number::bytea), 201,
           jsonb_build_object('member_id', member_id, 'body', jsonb_build_object('growth', 0, 'points', 54,
               'reasons', '["消费积分：消费 ¥54.00，每 ¥1.00 得 1 积分（不足部分舍去），得 54 积分"]'::jsonb, 'version', 1,
               'captured_fen', 0, 'order_number', order_number, 'balance_after', balance, 'captured_points', 0)), at
    FROM moved
)
SELECT balance FROM moved;
