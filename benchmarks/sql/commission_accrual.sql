-- What all orders earn, in one plain INSERT … SELECT of the same rows: it trusts that everybody may be paid and that
-- nothing was refunded, looks at no coupons, and chains no digests. The limit.
WITH earned AS (
    SELECT o.id AS order_id, o.paid_at, o.amount_fen AS base_fen, o.lines, r.id AS referral_id, r.referrer_id,
        r.member_id, o.amount_fen * %(basis_points)s / 10000 AS amount_fen, p.id AS plan_id,
        row_number() OVER mine AS sequence,
        sum(o.amount_fen * %(basis_points)s / 10000) OVER mine AS pending_after
    FROM orders AS o
    JOIN referrals AS r ON r.member_id = o.member_id
    CROSS JOIN commission_plans AS p
    WINDOW mine AS (PARTITION BY r.referrer_id ORDER BY o.recorded_at, o.id)
), accounts AS (
    INSERT INTO earnings_accounts (member_id, pending_fen, last_sequence, chain_head, opened_at)
    SELECT referrer_id, sum(amount_fen), count(*), sha256(max(order_id)::text::bytea), %(at)s FROM earned
    GROUP BY referrer_id
), entries AS (
    INSERT INTO earnings_entries (
        member_id, id, sequence, kind, amount_fen, pending_change, available_change, owed_change, pending_after,
        available_after, owed_after, reference, actor, explanation, occurred_at, recorded_at, digest
    )
    SELECT referrer_id, nextval('earnings_entry_ids'), sequence, 'accrue', amount_fen, amount_fen, 0, 0, pending_after,
        0, 0, 'commission:' || order_id || ':1:1', 'system',
        jsonb_build_object(
            'rule', 'commission', 'order_id', order_id, 'level', 1, 'plan_id', plan_id, 'store_name', NULL,
            'paid_at', paid_at, 'terms', jsonb_build_array(jsonb_build_object(
                'basis_points', %(basis_points)s::bigint, 'base_fen', base_fen, 'amount_fen', amount_fen
            ))
        ),
        paid_at, %(at)s, sha256((referrer_id || ':' || order_id || ':' || amount_fen)::bytea)
    FROM earned
)
INSERT INTO commissions (
    order_id, level, order_version, member_id, referee_id, referral_id, plan_id, state, base_fen, amount_fen, parts,
    paid_at, capped_on, approves_at, accrued_at
)
SELECT order_id, 1, 1, referrer_id, member_id, referral_id, plan_id, 'pending', base_fen, amount_fen,
    (
        SELECT jsonb_agg(jsonb_build_array(
            line -> 'line_number', line -> 'amount_fen', (line ->> 'amount_fen')::bigint * %(basis_points)s / 10000
        )) FROM jsonb_array_elements(lines) AS line
    ),
    paid_at, paid_at::date, paid_at + interval '7 days', %(at)s
FROM earned
