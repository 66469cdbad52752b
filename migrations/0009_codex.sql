-- Coding sessions: how they were set up, what was submitted to them, and what waits for somebody
-- to approve it.

CREATE TABLE IF NOT EXISTS codex_sessions (
    session_id INTEGER PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
    cwd TEXT NOT NULL, -- absolute, as the sandbox sees it
    project TEXT, -- the folder of the runner's host that is its workspace, if one is
    model TEXT, -- the model that was asked for
    oss INTEGER NOT NULL CHECK (oss IN (0, 1)),
    web_search INTEGER NOT NULL CHECK (web_search IN (0, 1)),
    profile TEXT NOT NULL,
    -- What its profile said of the sandbox when the session was made.
    network INTEGER NOT NULL CHECK (network IN (0, 1)),
    read_only INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    undone INTEGER -- the last turn whose changes were taken back
) STRICT;

-- A session is there with its settings: one statement stores both.
CREATE VIEW IF NOT EXISTS codex_made AS
    SELECT sessions.uuid, sessions.user_id, sessions.created_at, codex_sessions.cwd,
        codex_sessions.project, codex_sessions.model, codex_sessions.oss,
        codex_sessions.web_search, codex_sessions.profile, codex_sessions.network,
        codex_sessions.read_only
    FROM sessions JOIN codex_sessions ON codex_sessions.session_id = sessions.id;

CREATE TRIGGER IF NOT EXISTS codex_session_comes INSTEAD OF INSERT ON codex_made
BEGIN
    INSERT INTO sessions (uuid, kind, user_id, created_at)
    VALUES (NEW.uuid, 'codex', NEW.user_id, NEW.created_at);
    INSERT INTO codex_sessions
        (session_id, cwd, project, model, oss, web_search, profile, network, read_only)
    SELECT id, NEW.cwd, NEW.project, NEW.model, NEW.oss, NEW.web_search, NEW.profile,
        NEW.network, NEW.read_only
    FROM sessions WHERE uuid = NEW.uuid;
END;

-- What was submitted is answered once: whoever sends it again gets the first answer.
CREATE TABLE IF NOT EXISTS codex_submissions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    submission TEXT NOT NULL, -- what its sender calls it
    content_hash TEXT NOT NULL, -- of what it asks for
    created_at INTEGER NOT NULL,
    answer TEXT, -- how it was answered, as JSON, and nothing while it is being done
    UNIQUE (session_id, submission)
) STRICT;

-- The newest thousand of a session are remembered.
CREATE TRIGGER IF NOT EXISTS codex_submission_comes AFTER INSERT ON codex_submissions
BEGIN
    DELETE FROM codex_submissions WHERE session_id = NEW.session_id AND id <= (
        SELECT id FROM codex_submissions WHERE session_id = NEW.session_id
        ORDER BY id DESC LIMIT 1 OFFSET 1000);
END;

-- Messages that wait for the turn before them to end.
CREATE TABLE IF NOT EXISTS codex_queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    run TEXT NOT NULL UNIQUE, -- the run that it becomes
    agent TEXT,
    body TEXT NOT NULL, -- of the step that begins it
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS codex_queue_of_session ON codex_queue (session_id, id);

CREATE VIEW IF NOT EXISTS codex_messages AS
    SELECT codex_queue.session_id, codex_submissions.submission, codex_submissions.content_hash,
        codex_queue.user_id, codex_queue.run, codex_queue.agent, codex_queue.body,
        codex_queue.created_at
    FROM codex_queue JOIN codex_submissions
        ON codex_submissions.session_id = codex_queue.session_id;

-- A message begins a turn where none runs, and waits otherwise.
CREATE TRIGGER IF NOT EXISTS codex_message_comes INSTEAD OF INSERT ON codex_messages
BEGIN
    INSERT INTO codex_submissions (session_id, submission, content_hash, created_at, answer)
    VALUES (NEW.session_id, NEW.submission, NEW.content_hash, NEW.created_at,
        json_object('taken', NEW.created_at));
    INSERT INTO codex_queue (session_id, user_id, run, agent, body, created_at)
    VALUES (NEW.session_id, NEW.user_id, NEW.run, NEW.agent, NEW.body, NEW.created_at);
    INSERT INTO beginnings (uuid, session_id, user_id, options, created_at, agent, body)
    SELECT run, session_id, user_id, '{}', NEW.created_at, agent, body FROM codex_queue
    WHERE session_id = NEW.session_id AND NOT EXISTS (
        SELECT 1 FROM runs WHERE session_id = NEW.session_id AND status IN ('queued', 'running'))
    ORDER BY id LIMIT 1;
    DELETE FROM codex_queue WHERE session_id = NEW.session_id
        AND EXISTS (SELECT 1 FROM runs WHERE runs.uuid = codex_queue.run);
END;

-- What an agent wants to do, and what somebody said to it.
CREATE TABLE IF NOT EXISTS codex_approvals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    call_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('command', 'patch')),
    subject TEXT NOT NULL, -- as JSON, the same text for what is the same
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    decision TEXT CHECK (
        decision IN ('approved', 'approved_for_session', 'denied', 'expired', 'withdrawn')),
    decided_at INTEGER CHECK ((decided_at IS NULL) = (decision IS NULL)),
    outcome TEXT CHECK (outcome IN ('applying', 'applied', 'failed')), -- of an approved patch
    detail TEXT, -- why it failed
    UNIQUE (session_id, call_id)
) STRICT;

CREATE INDEX IF NOT EXISTS codex_approvals_pending
    ON codex_approvals (session_id, id) WHERE decision IS NULL;

CREATE INDEX IF NOT EXISTS codex_approvals_of_run ON codex_approvals (run_id);

-- When a turn ends, nothing of it waits any more, and the next message begins the next turn.
CREATE TRIGGER IF NOT EXISTS codex_run_ends AFTER UPDATE OF status ON runs
WHEN OLD.status IN ('queued', 'running') AND NEW.status NOT IN ('queued', 'running')
BEGIN
    UPDATE codex_approvals SET decision = 'withdrawn', decided_at = NEW.ended_at
    WHERE run_id = NEW.id AND decision IS NULL;
    UPDATE codex_approvals SET outcome = 'failed', detail = 'The turn was interrupted'
    WHERE run_id = NEW.id AND kind = 'patch' AND outcome IS NULL
        AND decision IN ('approved', 'approved_for_session');
    INSERT INTO beginnings (uuid, session_id, user_id, options, created_at, agent, body)
    SELECT run, session_id, user_id, '{}', NEW.ended_at, agent, body FROM codex_queue
    WHERE session_id = NEW.session_id ORDER BY id LIMIT 1;
    DELETE FROM codex_queue WHERE session_id = NEW.session_id
        AND EXISTS (SELECT 1 FROM runs WHERE runs.uuid = codex_queue.run);
END;

-- Nor does a turn that is taken back keep anybody waiting.
CREATE TRIGGER IF NOT EXISTS codex_run_goes AFTER DELETE ON runs WHEN OLD.status = 'queued'
BEGIN
    INSERT INTO beginnings (uuid, session_id, user_id, options, created_at, agent, body)
    SELECT run, session_id, user_id, '{}', created_at, agent, body FROM codex_queue
    WHERE session_id = OLD.session_id
        AND EXISTS (SELECT 1 FROM sessions WHERE id = OLD.session_id)
    ORDER BY id LIMIT 1;
    DELETE FROM codex_queue WHERE session_id = OLD.session_id
        AND EXISTS (SELECT 1 FROM runs WHERE runs.uuid = codex_queue.run);
END;

-- Whether or not the database follows its foreign keys.
CREATE TRIGGER IF NOT EXISTS codex_session_goes AFTER DELETE ON sessions WHEN OLD.kind = 'codex'
BEGIN
    DELETE FROM codex_queue WHERE session_id = OLD.id;
    DELETE FROM codex_approvals WHERE session_id = OLD.id;
    DELETE FROM codex_submissions WHERE session_id = OLD.id;
    DELETE FROM codex_sessions WHERE session_id = OLD.id;
END;
