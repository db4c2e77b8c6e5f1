-- Who made a link. Of those that are there, the audit log tells.
ALTER TABLE invitations ADD COLUMN made_by INTEGER REFERENCES accounts (id);
UPDATE invitations SET made_by = a.account_id FROM audit a
WHERE a.action = 'invitation.create' AND invitations.id = CAST(substr(a.object, length('invitation:') + 1) AS INTEGER);
