-- What accounts, which are users of the realm 'account', have besides open users: credentials,
-- a profile, logins, codes sent by mail, API keys.

ALTER TABLE users ADD COLUMN password_hash TEXT;

ALTER TABLE users ADD COLUMN role TEXT CHECK (role IN ('ADMIN', 'USER'));

ALTER TABLE users ADD COLUMN display_name TEXT;

ALTER TABLE users ADD COLUMN bio TEXT;

ALTER TABLE users ADD COLUMN avatar_url TEXT;

ALTER TABLE users ADD COLUMN email_confirmed_at INTEGER;

-- Two names that differ only in case would pass for each other.
CREATE UNIQUE INDEX IF NOT EXISTS accounts_by_username
    ON users (username COLLATE NOCASE) WHERE realm = 'account';

-- Addresses are stored in lower case.
CREATE UNIQUE INDEX IF NOT EXISTS accounts_by_email ON users (email) WHERE realm = 'account';

-- One row for each time that somebody signed in. An ended one is never opened again; it stays
-- until it is swept.
CREATE TABLE IF NOT EXISTS logins (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    audience TEXT NOT NULL CHECK (audience IN ('workspace', 'codex', 'runtime', 'studio')),
    -- Which refresh token is the live one. The tokens themselves are not stored.
    generation INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),
    rotated_at INTEGER, -- when the token before the live one was used
    rotated_before INTEGER, -- when the one before that was used
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    user_agent TEXT,
    address TEXT
) STRICT;

CREATE INDEX IF NOT EXISTS logins_of_user ON logins (user_id, id);

CREATE INDEX IF NOT EXISTS logins_by_expiry ON logins (expires_at);

CREATE INDEX IF NOT EXISTS logins_by_end ON logins (revoked_at) WHERE revoked_at IS NOT NULL;

-- Codes sent by mail that did not come back yet, and what they confirm.
CREATE TABLE IF NOT EXISTS verifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    purpose TEXT NOT NULL CHECK (purpose IN ('sign_up', 'password_reset', 'email_change')),
    email TEXT NOT NULL,
    -- Whose it is; of a sign-up there is only what the account will be.
    user_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
    username TEXT,
    password_hash TEXT,
    code_hash TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    redirect_to TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((purpose = 'sign_up') = (user_id IS NULL)),
    CHECK ((purpose = 'sign_up') = (username IS NOT NULL AND password_hash IS NOT NULL)),
    UNIQUE (purpose, email)
) STRICT;

-- Also where foreign keys are enforced, and an account is deleted.
CREATE INDEX IF NOT EXISTS verifications_of_user ON verifications (user_id)
    WHERE user_id IS NOT NULL;

-- One change of address at a time.
CREATE UNIQUE INDEX IF NOT EXISTS email_changes_of_user ON verifications (user_id)
    WHERE purpose = 'email_change';

CREATE INDEX IF NOT EXISTS verifications_by_expiry ON verifications (expires_at);

CREATE TABLE IF NOT EXISTS api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    prefix TEXT NOT NULL, -- how the key begins, for its owner to know it by
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

CREATE INDEX IF NOT EXISTS api_keys_of_user ON api_keys (user_id, id);

-- What happens once in a database's life.
CREATE TABLE IF NOT EXISTS done_once (
    name TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
