-- The messages about all lots that end soon, written by hand in one statement: for each member a notice with its inbox
-- message and its event, for each lot which message told of it. The floor.
WITH due AS (
    SELECT member_id, id AS lot_id, remaining AS points,
           (expires_at AT TIME ZONE %(zone)s - interval '1 microsecond')::date AS expires_on
    FROM lots WHERE remaining > 0 AND expires_at <= %(until)s
), told AS (
    SELECT member_id, sum(points)::bigint AS points, min(expires_on) AS expires_on,
           string_agg(to_char(expires_on, 'FMMM月FMDD日') || points || '分', '、' ORDER BY expires_on, lot_id) AS details
    FROM due GROUP BY member_id
), made AS (
    INSERT INTO notices (member_id, kind, subject, facts, state, requested_at)
    SELECT told.member_id, 'points_expiring', 'expiry:floor:' || told.member_id,
           jsonb_build_object('expiring_points', points, 'expires_on', expires_on, 'details', details,
                              'balance', balance),
           'queued', %(at)s
    FROM told JOIN points_accounts AS a ON a.member_id = told.member_id
    RETURNING id, member_id, facts
), messages AS (
    INSERT INTO inbox_messages (member_id, notice_id, kind, title, body, created_at)
    SELECT member_id, id, 'points_expiring', '积分到期提醒',
           '您有 ' || (facts->>'expiring_points') || ' 积分即将到期：' || (facts->>'details')
           || '，到期后不能使用。当前余额 ' || (facts->>'balance') || ' 积分。', %(at)s
    FROM made
), events AS (
    INSERT INTO outbox_events (kind, payload, recorded_at)
    SELECT 'notice.requested', jsonb_build_object('notice_id', id), %(at)s FROM made
)
INSERT INTO lot_warnings (member_id, lot_id, expires_on, stage_days, notice_id, warned_at)
SELECT due.member_id, lot_id, expires_on, 7, made.id, %(at)s FROM due JOIN made ON made.member_id = due.member_id
