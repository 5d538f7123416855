-- One use of a coupon, written by hand: the coupon that lapses first, its redemption and the event. Sent prepared, in
-- one statement, looking for nothing but the coupon: the least that these rows can cost.
\set n :n + 1
\set member_id :first_id + (:client_id + :clients * (:n - 1)) % :members
WITH taken AS (
    UPDATE coupons SET state = 'redeemed', lock_id = NULL, locked_until_at = NULL
    WHERE id = (SELECT id FROM coupons WHERE member_id = :member_id::bigint AND state = 'issued' AND expires_at > now()
                ORDER BY expires_at, id LIMIT 1)
    RETURNING id, member_id, template_id
), written AS (
    INSERT INTO coupon_redemptions (coupon_id, member_id, template_id, reference, store_id, channel, basket_fen,
                                    discount_fen, shares, bonus_points, actor, redeemed_at)
    SELECT id, member_id, template_id, 'limit:' || :number::text || '-' || :client_id::text || '-' || :n::text,
           :store_id::bigint, 'pos', 12000, 2000, '[[1, 2000]]'::jsonb, 0, 'system', now() FROM taken
    RETURNING *
), told AS (
    INSERT INTO outbox_events (kind, payload, recorded_at)
    SELECT 'coupon.redeemed', jsonb_build_object('redemption_id', id, 'coupon_id', coupon_id, 'member_id', member_id,
           'template_id', template_id, 'store_id', store_id, 'bonus_points', bonus_points), redeemed_at FROM written
)
SELECT id FROM written;
