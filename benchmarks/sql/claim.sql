-- One claim in a flash sale, written by hand in the order of the service: the member's own counter, a bucket of the stock
-- that nobody else holds (whoever finds none waits for the first one), and the coupon with its event. The look at
-- template, member and stock that the service begins with is left out here and beside: it waits for nobody. Over HTTP
-- both sides pay for it.
\set n :n + 1
\set member_id :first_id + (:client_id + :clients * (:n - 1)) % :members
BEGIN;
INSERT INTO limit_counters (subject, entity, period, bucket, used, share, ceiling)
VALUES ('coupon_template:' || :template_id::text, 'member:' || :member_id::text, 'total', 0, 1, 1000000, 1000000)
ON CONFLICT (subject, entity, period, bucket) DO UPDATE SET used = limit_counters.used + 1
WHERE limit_counters.used < excluded.ceiling;
WITH free AS (
    SELECT bucket FROM limit_counters
    WHERE subject = 'coupon_template:' || :template_id::text AND entity = 'all' AND period = 'total'
      AND share - used >= 1
    ORDER BY random() LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    UPDATE limit_counters AS c SET used = c.used + 1 FROM free
    WHERE c.subject = 'coupon_template:' || :template_id::text AND c.entity = 'all' AND c.period = 'total'
      AND c.bucket = free.bucket
    RETURNING 1
)
SELECT count(*) AS taken FROM taken \gset
\if :taken
\else
UPDATE limit_counters SET used = used + 1
WHERE subject = 'coupon_template:' || :template_id::text AND entity = 'all' AND period = 'total' AND bucket = 0
  AND share - used >= 1;
\endif
WITH written AS (
    INSERT INTO coupons (member_id, template_id, revision_id, reference, path, actor, issued_at, usable_at, expires_at)
    VALUES (:member_id::bigint, :template_id::bigint, :revision_id::bigint,
            'limit:' || :template_id::text || '-' || :number::text || '-' || :client_id::text || '-' || :n::text, 'claim', 'system', now(), now(),
            now() + interval '30 days')
    ON CONFLICT DO NOTHING RETURNING id, member_id, template_id, path, issued_at
), told AS (
    INSERT INTO outbox_events (kind, payload, recorded_at)
    SELECT 'coupon.issued', jsonb_build_object('coupon_id', id, 'member_id', member_id, 'template_id', template_id,
           'path', path), issued_at FROM written
)
SELECT id FROM written;
COMMIT;
