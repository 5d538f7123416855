-- What shows that members were told, written by hand in one statement: for each lot the inbox message that was opened.
-- The floor.
INSERT INTO lot_evidence (member_id, lot_id, expires_on, channel, notice_id, reached_at, found_at)
SELECT w.member_id, w.lot_id, w.expires_on, 'inbox', w.notice_id, m.read_at, %(at)s
FROM lot_warnings AS w JOIN inbox_messages AS m ON m.notice_id = w.notice_id
WHERE w.warned_at = %(told_at)s
