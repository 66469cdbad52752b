-- Runs: one turn of agents each, and the steps that it is made of. Messages of agents are what
-- readers see of steps.

CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    status TEXT NOT NULL
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    reason TEXT, -- what ended it, in one word
    detail TEXT, -- the same in a sentence
    interrupt_at INTEGER, -- when somebody asked for it to be stopped
    -- Whoever executes it holds it under a token of its own. Without a lease nobody stores a step.
    lease TEXT,
    lease_until INTEGER CHECK ((lease_until IS NULL) = (lease IS NULL)),
    options TEXT NOT NULL DEFAULT '{}',
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER CHECK ((ended_at IS NULL) = (status IN ('queued', 'running'))),
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cost INTEGER NOT NULL DEFAULT 0, -- in 10^-12 of the currency's unit
    estimated INTEGER NOT NULL DEFAULT 0 CHECK (estimated IN (0, 1))
) STRICT;

-- One at a time in a session.
CREATE UNIQUE INDEX IF NOT EXISTS runs_unfinished
    ON runs (session_id) WHERE status IN ('queued', 'running');

CREATE INDEX IF NOT EXISTS runs_of_session ON runs (session_id, id);

CREATE INDEX IF NOT EXISTS runs_of_user ON runs (user_id, id);

CREATE TABLE IF NOT EXISTS steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number > 0),
    at INTEGER NOT NULL,
    agent TEXT,
    thread TEXT, -- the call whose work it belongs to, none for the turn itself
    kind TEXT NOT NULL, -- the body's `type`
    body TEXT NOT NULL, -- JSON
    output TEXT, -- the whole output of a call whose result shows parts of it
    -- Of two who drive the same run, one finds the number taken.
    UNIQUE (session_id, number)
) STRICT;

CREATE INDEX IF NOT EXISTS steps_of_run ON steps (run_id, number);

-- Calls whose output can be read on.
CREATE INDEX IF NOT EXISTS steps_with_output ON steps (session_id) WHERE output IS NOT NULL;

-- Which agent wrote it, in which run.
ALTER TABLE messages ADD COLUMN agent TEXT;

ALTER TABLE messages ADD COLUMN run_id INTEGER REFERENCES runs (id) ON DELETE CASCADE;

CREATE INDEX IF NOT EXISTS messages_of_run ON messages (run_id, id) WHERE run_id IS NOT NULL;

-- A run begins with the user's message: one statement stores both.
CREATE VIEW IF NOT EXISTS beginnings AS
    SELECT runs.uuid, runs.session_id, runs.user_id, runs.options, runs.created_at,
        steps.agent, steps.body
    FROM runs JOIN steps ON steps.run_id = runs.id AND steps.kind = 'user';

CREATE TRIGGER IF NOT EXISTS run_begins INSTEAD OF INSERT ON beginnings
BEGIN
    INSERT INTO runs (uuid, session_id, user_id, status, options, created_at)
    VALUES (NEW.uuid, NEW.session_id, NEW.user_id, 'queued', NEW.options, NEW.created_at);
    INSERT INTO steps (session_id, run_id, number, at, agent, kind, body)
    SELECT NEW.session_id, runs.id,
        1 + COALESCE((SELECT MAX(number) FROM steps WHERE session_id = NEW.session_id), 0),
        NEW.created_at, NEW.agent, 'user', NEW.body
    FROM runs WHERE runs.uuid = NEW.uuid;
    INSERT INTO executions (uuid, run_id, agent_id, session_id, execution_type, status, started_at)
    SELECT NEW.uuid, NEW.uuid, agents.id, NEW.session_id, 'CHAT', 'RUNNING', NEW.created_at
    FROM agents WHERE agents.name = NEW.agent;
END;

-- What readers see of a step is there with the step.
CREATE TRIGGER IF NOT EXISTS step_is_message AFTER INSERT ON steps
WHEN NEW.kind = 'user' OR (NEW.kind = 'answer' AND json_extract(NEW.body, '$.started'))
BEGIN
    INSERT INTO messages (uuid, session_id, role, content, status, created_at, agent, run_id)
    VALUES (json_extract(NEW.body, '$.message_id'), NEW.session_id,
        CASE NEW.kind WHEN 'user' THEN 'user' ELSE 'assistant' END,
        json_extract(NEW.body, '$.text'),
        COALESCE(json_extract(NEW.body, '$.state'), 'complete'), NEW.at,
        CASE NEW.kind WHEN 'answer' THEN NEW.agent END, NEW.run_id);
END;

-- A run has ended when its last step is there.
CREATE TRIGGER IF NOT EXISTS run_ends AFTER INSERT ON steps WHEN NEW.kind = 'ended'
BEGIN
    UPDATE runs SET
        status = CASE json_extract(NEW.body, '$.reason')
            WHEN 'completed' THEN 'succeeded' WHEN 'interrupted' THEN 'cancelled'
            ELSE 'failed' END,
        reason = json_extract(NEW.body, '$.reason'), detail = json_extract(NEW.body, '$.detail'),
        ended_at = NEW.at, lease = NULL, lease_until = NULL,
        (input_tokens, output_tokens, cost, estimated) = (
            SELECT COALESCE(SUM(json_extract(body, '$.usage.input')), 0),
                COALESCE(SUM(json_extract(body, '$.usage.output')), 0),
                COALESCE(SUM(json_extract(body, '$.usage.cost')), 0),
                COALESCE(MAX(json_extract(body, '$.usage.estimated')), 0)
            FROM steps WHERE run_id = NEW.run_id AND kind IN ('answer', 'compaction'))
    WHERE id = NEW.run_id;
    -- The turn's own part. What was handed on has ended before, or was cut off with it.
    UPDATE executions SET
        (input_tokens, output_tokens, cost, estimated) = (
            SELECT COALESCE(SUM(json_extract(body, '$.usage.input')), 0),
                COALESCE(SUM(json_extract(body, '$.usage.output')), 0),
                COALESCE(SUM(json_extract(body, '$.usage.cost')), 0) / 1000000,
                COALESCE(MAX(json_extract(body, '$.usage.estimated')), 0)
            FROM steps
            WHERE run_id = NEW.run_id AND thread IS NULL AND kind IN ('answer', 'compaction'))
    WHERE uuid = (SELECT uuid FROM runs WHERE id = NEW.run_id) AND status = 'RUNNING';
    UPDATE executions SET
        (status, reason) = (SELECT UPPER(runs.status), runs.detail FROM runs
            WHERE runs.id = NEW.run_id),
        ended_at = NEW.at
    WHERE run_id = (SELECT uuid FROM runs WHERE id = NEW.run_id) AND status = 'RUNNING';
END;

-- Whether or not the database follows its foreign keys.
CREATE TRIGGER IF NOT EXISTS run_goes AFTER DELETE ON runs
BEGIN
    DELETE FROM messages WHERE run_id = OLD.id;
    DELETE FROM steps WHERE run_id = OLD.id;
    DELETE FROM executions WHERE run_id = OLD.uuid AND OLD.status = 'queued';
    UPDATE executions SET status = 'CANCELLED', reason = 'the session was deleted',
        ended_at = unixepoch() * 1000
    WHERE run_id = OLD.uuid AND status = 'RUNNING';
END;

CREATE TRIGGER IF NOT EXISTS session_goes AFTER DELETE ON sessions
BEGIN
    DELETE FROM runs WHERE session_id = OLD.id;
END;
