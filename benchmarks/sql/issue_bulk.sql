-- Coupons for everybody named in a job, written by hand in one plain INSERT … SELECT with their counters: it trusts that
-- nobody has claimed before and looks at no limit. The limit.
WITH job AS (
    SELECT j.*, 'coupon_template:' || j.template_id AS subject FROM coupon_issue_jobs AS j WHERE j.id = %(job_id)s
), named AS (
    SELECT r.member_id FROM coupon_issue_rows AS r WHERE r.job_id = %(job_id)s
), own AS (
    INSERT INTO limit_counters (subject, entity, period, bucket, used, share, ceiling)
    SELECT job.subject, 'member:' || named.member_id, 'total', 0, 1, 1, 1 FROM job, named
), stock AS (
    INSERT INTO limit_counters (subject, entity, period, bucket, used, share, ceiling)
    SELECT job.subject, 'all', 'total', 0, (SELECT count(*) FROM named), 100000000, 100000000 FROM job
)
INSERT INTO coupons (
    member_id, template_id, revision_id, reference, path, actor, issued_at, usable_at, expires_at
)
SELECT named.member_id, job.template_id, job.revision_id, 'issue_job:' || job.id, 'bulk', job.created_by,
    %(at)s, %(at)s, %(at)s + interval '30 days'
FROM job, named
