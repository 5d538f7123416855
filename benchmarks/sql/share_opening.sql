-- One friend opens a share, written by hand: the first touch, the opening, and where the friend was seen. What the service
-- looks at before it writes, who shared, who is blocked and who came first, is left out: a limit is what is written.
\set n :n + 1
\set identity_id :first_id + (:client_id + :clients * (:n - 1)) % :members
BEGIN;
INSERT INTO share_touches (person_index, share_token_id, identity_id, touched_at)
VALUES (sha256(convert_to('limit:' || :number::text || '-' || :client_id::text || '-' || :n::text, 'UTF8')),
        :share_token_id, :identity_id, now())
ON CONFLICT (person_index) DO NOTHING;
INSERT INTO share_openings (share_token_id, identity_id, person_index, opened_at)
VALUES (:share_token_id, :identity_id,
        sha256(convert_to('limit:' || :number::text || '-' || :client_id::text || '-' || :n::text, 'UTF8')), now())
ON CONFLICT (share_token_id, person_index) DO NOTHING;
INSERT INTO risk_sightings (occasion, identity_id, ip_index, seen_at)
VALUES ('opening', :identity_id, sha256(convert_to(:identity_id::text, 'UTF8')), now());
COMMIT;
