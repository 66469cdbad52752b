-- The runs of a session are a tree. A message that is answered again, or edited, begins a branch
-- of its own beside the one that was there, which stays; the session says which branch is shown.

-- The run before it in its branch.
ALTER TABLE runs ADD COLUMN parent_id INTEGER;

-- The user's message that it answers.
ALTER TABLE runs ADD COLUMN message_id INTEGER;

-- The last run of the branch shown before it.
ALTER TABLE runs ADD COLUMN left_id INTEGER;

-- The last run of the branch that is shown.
ALTER TABLE sessions ADD COLUMN run_id INTEGER;

-- The message before it in its branch.
ALTER TABLE messages ADD COLUMN parent_id INTEGER;

-- Whether it is of another branch than the one that is shown.
ALTER TABLE messages ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0 CHECK (hidden IN (0, 1));

-- Until now a session was a line.
UPDATE runs SET parent_id = (
    SELECT MAX(before.id) FROM runs AS before
    WHERE before.session_id = runs.session_id AND before.id < runs.id)
WHERE parent_id IS NULL;

UPDATE runs SET message_id = (
    SELECT MIN(id) FROM messages WHERE messages.run_id = runs.id AND role = 'user')
WHERE message_id IS NULL;

UPDATE sessions SET run_id = (SELECT MAX(id) FROM runs WHERE session_id = sessions.id)
WHERE run_id IS NULL;

UPDATE messages SET parent_id = (
    SELECT MAX(before.id) FROM messages AS before
    WHERE before.session_id = messages.session_id AND before.id < messages.id
        AND before.run_id IS NOT NULL)
WHERE parent_id IS NULL AND run_id IS NOT NULL;

CREATE INDEX IF NOT EXISTS runs_of_parent ON runs (parent_id);

CREATE INDEX IF NOT EXISTS runs_of_message ON runs (message_id);

CREATE INDEX IF NOT EXISTS messages_of_parent
    ON messages (session_id, parent_id) WHERE run_id IS NOT NULL;

-- What has ended lately is looked for every few seconds.
CREATE INDEX IF NOT EXISTS runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;

-- A run goes on from the branch that is shown, or begins one beside another run.
DROP VIEW IF EXISTS beginnings;

CREATE VIEW IF NOT EXISTS beginnings AS
    SELECT runs.uuid, runs.session_id, runs.user_id, runs.options, runs.created_at,
        steps.agent, steps.body, NULL AS beside
    FROM runs JOIN steps ON steps.run_id = runs.id AND steps.kind = 'user';

CREATE TRIGGER IF NOT EXISTS run_begins INSTEAD OF INSERT ON beginnings
BEGIN
    INSERT INTO runs (uuid, session_id, user_id, status, options, created_at, parent_id, left_id)
    SELECT NEW.uuid, NEW.session_id, NEW.user_id, 'queued', NEW.options, NEW.created_at,
        CASE WHEN NEW.beside IS NULL THEN sessions.run_id
            ELSE (SELECT parent_id FROM runs WHERE id = NEW.beside) END,
        sessions.run_id
    FROM sessions WHERE id = NEW.session_id;
    INSERT INTO steps (session_id, run_id, number, at, agent, kind, body)
    SELECT NEW.session_id, runs.id,
        1 + COALESCE((SELECT MAX(number) FROM steps WHERE session_id = NEW.session_id), 0),
        NEW.created_at, NEW.agent, 'user', NEW.body
    FROM runs WHERE runs.uuid = NEW.uuid;
    UPDATE sessions SET run_id = (SELECT id FROM runs WHERE uuid = NEW.uuid)
    WHERE id = NEW.session_id;
    INSERT INTO executions (uuid, run_id, agent_id, session_id, execution_type, status, started_at)
    SELECT NEW.uuid, NEW.uuid, agents.id, NEW.session_id, 'CHAT', 'RUNNING', NEW.created_at
    FROM agents WHERE agents.name = NEW.agent;
END;

-- What an agent took for a message: all that its model answered since the agent's message before.
ALTER TABLE messages ADD COLUMN usage TEXT;

CREATE VIEW IF NOT EXISTS message_usage AS
    SELECT said.id AS step_id, said.run_id,
        CASE WHEN json_valid(said.body) THEN json_extract(said.body, '$.message_id') END
            AS message_id,
        (SELECT json_object(
                'input', COALESCE(SUM(json_extract(part.body, '$.usage.input')), 0),
                'output', COALESCE(SUM(json_extract(part.body, '$.usage.output')), 0),
                'cost', COALESCE(SUM(json_extract(part.body, '$.usage.cost')), 0),
                'estimated', COALESCE(MAX(json_extract(part.body, '$.usage.estimated')), 0))
            FROM steps AS part
            WHERE part.run_id = said.run_id AND part.thread IS said.thread
                AND part.kind IN ('answer', 'compaction') AND json_valid(part.body)
                AND part.number <= said.number AND part.number > COALESCE((
                    SELECT MAX(before.number) FROM steps AS before
                    WHERE before.run_id = said.run_id AND before.number < said.number
                        AND before.thread IS said.thread AND before.kind = 'answer'
                        AND CASE WHEN json_valid(before.body)
                            THEN json_extract(before.body, '$.started') END), 0)) AS usage
    FROM steps AS said WHERE said.kind = 'answer';

UPDATE messages SET usage = (
    SELECT message_usage.usage FROM message_usage
    WHERE message_usage.run_id = messages.run_id AND message_usage.message_id = messages.uuid)
WHERE usage IS NULL AND role = 'assistant' AND run_id IS NOT NULL;

-- A message follows the one before it in its run, else the user's message that is answered, else
-- the last one of the run before. One that is answered again is there already.
DROP TRIGGER IF EXISTS step_is_message;

CREATE TRIGGER IF NOT EXISTS step_is_message AFTER INSERT ON steps
WHEN NEW.kind = 'user' OR (NEW.kind = 'answer' AND json_extract(NEW.body, '$.started'))
BEGIN
    INSERT INTO messages
        (uuid, session_id, role, content, status, created_at, agent, run_id, parent_id, usage)
    SELECT json_extract(NEW.body, '$.message_id'), NEW.session_id,
        CASE NEW.kind WHEN 'user' THEN 'user' ELSE 'assistant' END,
        json_extract(NEW.body, '$.text'),
        COALESCE(json_extract(NEW.body, '$.state'), 'complete'), NEW.at,
        CASE NEW.kind WHEN 'answer' THEN NEW.agent END, NEW.run_id,
        COALESCE(
            (SELECT MAX(id) FROM messages WHERE run_id = NEW.run_id),
            runs.message_id,
            (SELECT MAX(id) FROM messages WHERE run_id = runs.parent_id),
            (SELECT message_id FROM runs AS before WHERE before.id = runs.parent_id)),
        (SELECT usage FROM message_usage WHERE step_id = NEW.id)
    FROM runs
    WHERE runs.id = NEW.run_id AND NOT EXISTS (
        SELECT 1 FROM messages WHERE uuid = json_extract(NEW.body, '$.message_id'));
    UPDATE runs SET message_id = (
        SELECT id FROM messages WHERE uuid = json_extract(NEW.body, '$.message_id'))
    WHERE id = NEW.run_id AND NEW.kind = 'user';
END;

-- What goes on from what is shown changes nothing about the rest.
CREATE TRIGGER IF NOT EXISTS branch_is_shown AFTER UPDATE OF run_id ON sessions
WHEN NEW.run_id IS NOT NULL
    AND (SELECT parent_id FROM runs WHERE id = NEW.run_id) IS NOT OLD.run_id
BEGIN
    UPDATE messages SET hidden = messages.id NOT IN (
        WITH RECURSIVE line (id, message_id, parent_id) AS (
            SELECT runs.id, runs.message_id, runs.parent_id FROM runs WHERE runs.id = NEW.run_id
            UNION ALL
            SELECT runs.id, runs.message_id, runs.parent_id
            FROM line JOIN runs ON runs.id = line.parent_id)
        SELECT line.message_id FROM line
        UNION ALL
        SELECT own.id FROM line JOIN messages AS own ON own.run_id = line.id)
    WHERE session_id = NEW.id AND run_id IS NOT NULL;
END;

-- A run knows at any time what it has used: when it goes, its steps may have gone before it.
CREATE TRIGGER IF NOT EXISTS run_uses AFTER INSERT ON steps
WHEN NEW.kind IN ('answer', 'compaction') AND json_valid(NEW.body)
BEGIN
    UPDATE runs SET
        input_tokens = input_tokens + COALESCE(json_extract(NEW.body, '$.usage.input'), 0),
        output_tokens = output_tokens + COALESCE(json_extract(NEW.body, '$.usage.output'), 0),
        cost = cost + COALESCE(json_extract(NEW.body, '$.usage.cost'), 0),
        estimated = MAX(estimated, COALESCE(json_extract(NEW.body, '$.usage.estimated'), 0))
    WHERE id = NEW.run_id;
END;

UPDATE runs SET (input_tokens, output_tokens, cost, estimated) = (
    SELECT COALESCE(SUM(json_extract(body, '$.usage.input')), 0),
        COALESCE(SUM(json_extract(body, '$.usage.output')), 0),
        COALESCE(SUM(json_extract(body, '$.usage.cost')), 0),
        COALESCE(MAX(json_extract(body, '$.usage.estimated')), 0)
    FROM steps
    WHERE run_id = runs.id AND kind IN ('answer', 'compaction') AND json_valid(body))
WHERE ended_at IS NULL;

-- One that is taken back leaves shown what was shown before it. Of one that is deleted while it is
-- under way its turn's execution keeps what it used: all but what is kept elsewhere, of the work
-- that was handed on and done.
DROP TRIGGER IF EXISTS run_goes;

CREATE TRIGGER IF NOT EXISTS run_goes AFTER DELETE ON runs
BEGIN
    DELETE FROM messages WHERE run_id = OLD.id;
    DELETE FROM steps WHERE run_id = OLD.id;
    DELETE FROM executions WHERE run_id = OLD.uuid AND OLD.status = 'queued';
    UPDATE executions SET (input_tokens, output_tokens, cost, estimated) = (
        SELECT MAX(0, OLD.input_tokens - COALESCE(SUM(part.input_tokens), 0)),
            MAX(0, OLD.output_tokens - COALESCE(SUM(part.output_tokens), 0)),
            MAX(0, OLD.cost / 1000000 - COALESCE(SUM(part.cost), 0)), OLD.estimated
        FROM executions AS part WHERE part.run_id = OLD.uuid AND part.uuid <> OLD.uuid)
    WHERE uuid = OLD.uuid AND status = 'RUNNING';
    UPDATE executions SET status = 'CANCELLED', reason = 'the session was deleted',
        ended_at = unixepoch() * 1000
    WHERE run_id = OLD.uuid AND status = 'RUNNING';
    UPDATE sessions SET run_id = OLD.left_id WHERE id = OLD.session_id AND run_id = OLD.id;
END;

-- A run ends also where one of its steps cannot be read any more.
DROP TRIGGER IF EXISTS run_ends;

CREATE TRIGGER IF NOT EXISTS run_ends AFTER INSERT ON steps WHEN NEW.kind = 'ended'
BEGIN
    UPDATE runs SET
        status = CASE json_extract(NEW.body, '$.reason')
            WHEN 'completed' THEN 'succeeded' WHEN 'interrupted' THEN 'cancelled'
            ELSE 'failed' END,
        reason = json_extract(NEW.body, '$.reason'), detail = json_extract(NEW.body, '$.detail'),
        ended_at = NEW.at, lease = NULL, lease_until = NULL
    WHERE id = NEW.run_id;
    -- The turn's own part. What was handed on has ended before, or was cut off with it.
    UPDATE executions SET
        (input_tokens, output_tokens, cost, estimated) = (
            SELECT COALESCE(SUM(json_extract(body, '$.usage.input')), 0),
                COALESCE(SUM(json_extract(body, '$.usage.output')), 0),
                COALESCE(SUM(json_extract(body, '$.usage.cost')), 0) / 1000000,
                COALESCE(MAX(json_extract(body, '$.usage.estimated')), 0)
            FROM steps
            WHERE run_id = NEW.run_id AND thread IS NULL AND kind IN ('answer', 'compaction')
                AND json_valid(body))
    WHERE uuid = (SELECT uuid FROM runs WHERE id = NEW.run_id) AND status = 'RUNNING';
    UPDATE executions SET
        (status, reason) = (SELECT UPPER(runs.status), runs.detail FROM runs
            WHERE runs.id = NEW.run_id),
        ended_at = NEW.at
    WHERE run_id = (SELECT uuid FROM runs WHERE id = NEW.run_id) AND status = 'RUNNING';
END;
