-- One table of users, one of sessions, one of messages; a session's `kind` says which contract
-- it belongs to. Every statement can be run again: a crash between a statement and its record
-- repeats it.

CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    -- Accounts have credentials; open users are names of the open chat. Neither sees the other.
    realm TEXT NOT NULL CHECK (realm IN ('account', 'open')),
    username TEXT NOT NULL,
    email TEXT,
    created_at INTEGER NOT NULL, -- milliseconds since 1970, as every time here
    UNIQUE (realm, username)
) STRICT;

CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('workspace', 'codex', 'studio', 'runtime', 'open')),
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title TEXT,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (user_id, kind, id);

CREATE INDEX IF NOT EXISTS sessions_of_kind ON sessions (kind);

CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    content TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('answering', 'complete', 'failed', 'interrupted')),
    -- While `answering`: until when its writer holds it. An answer whose lease has run out lost
    -- its writer and counts as interrupted.
    lease_until INTEGER CHECK ((lease_until IS NULL) = (status <> 'answering')),
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS messages_of_session ON messages (session_id, id);

CREATE INDEX IF NOT EXISTS messages_answering ON messages (session_id) WHERE status = 'answering';
