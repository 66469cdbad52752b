-- What a session's owner sees of it besides its title, and tickets for sockets.

-- When it was renamed; what is written in it says the rest.
ALTER TABLE sessions ADD COLUMN updated_at INTEGER;

-- A ticket is good for one socket or stream. Only a hash of it is stored, and using it removes
-- the row.
CREATE TABLE IF NOT EXISTS tickets (
    hash TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    login_id INTEGER NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    token_expires_at INTEGER NOT NULL, -- when the token ends that it was made with
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS tickets_of_user ON tickets (user_id, expires_at);

CREATE INDEX IF NOT EXISTS tickets_of_login ON tickets (login_id);

CREATE INDEX IF NOT EXISTS tickets_by_expiry ON tickets (expires_at);
