-- The same claim against a single stock row, which is held over the whole transaction; without a look either.
\set n :n + 1
\set member_id :first_id + (:client_id + :clients * (:n - 1)) % :members
BEGIN;
SELECT used FROM limit_counters
WHERE subject = 'coupon_template:' || :template_id::text AND entity = 'all' AND period = 'total' AND bucket = 0
FOR UPDATE;
WITH written AS (
    INSERT INTO coupons (member_id, template_id, revision_id, reference, path, actor, issued_at, usable_at, expires_at)
    VALUES (:member_id::bigint, :template_id::bigint, :revision_id::bigint,
            'single:' || :template_id::text || '-' || :number::text || '-' || :client_id::text || '-' || :n::text, 'claim', 'system', now(), now(),
            now() + interval '30 days')
    ON CONFLICT DO NOTHING RETURNING id, member_id, template_id, path, issued_at
), told AS (
    INSERT INTO outbox_events (kind, payload, recorded_at)
    SELECT 'coupon.issued', jsonb_build_object('coupon_id', id, 'member_id', member_id, 'template_id', template_id,
           'path', path), issued_at FROM written
)
SELECT id FROM written;
INSERT INTO limit_counters (subject, entity, period, bucket, used, share, ceiling)
VALUES ('coupon_template:' || :template_id::text, 'member:' || :member_id::text, 'total', 0, 1, 1000000, 1000000)
ON CONFLICT (subject, entity, period, bucket) DO UPDATE SET used = limit_counters.used + 1
WHERE limit_counters.used < excluded.ceiling;
UPDATE limit_counters SET used = used + 1
WHERE subject = 'coupon_template:' || :template_id::text AND entity = 'all' AND period = 'total' AND bucket = 0;
COMMIT;
