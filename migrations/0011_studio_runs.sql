-- Runs of studio: what becomes of a workflow with the run that works on it.

-- A turn about a workflow uses it.
CREATE TRIGGER IF NOT EXISTS workflow_is_used AFTER INSERT ON runs
BEGIN
    UPDATE workflows SET last_used_at = MAX(COALESCE(last_used_at, 0), NEW.created_at)
    WHERE id = (SELECT workflow_id FROM sessions WHERE id = NEW.session_id);
END;

CREATE TRIGGER IF NOT EXISTS execution_is_of_workflow AFTER INSERT ON executions
WHEN NEW.execution_type = 'CHAT'
    AND (SELECT kind FROM sessions WHERE id = NEW.session_id) = 'studio'
BEGIN
    UPDATE executions SET execution_type = 'WORKFLOW' WHERE id = NEW.id;
END;

-- The lock of a run lives and dies with it: it is prolonged with the run's own lease, and ends
-- with the run, however that ends. It outlasts the lease by half a minute, in which somebody else
-- can take the run up.
CREATE INDEX IF NOT EXISTS workflows_locked ON workflows (lock_run) WHERE lock_run IS NOT NULL;

CREATE TRIGGER IF NOT EXISTS run_keeps_its_lock AFTER UPDATE OF lease_until ON runs
WHEN NEW.lease_until IS NOT NULL
BEGIN
    UPDATE workflows SET lock_until = MAX(lock_until, NEW.lease_until + 30000)
    WHERE lock_run = NEW.uuid;
END;

CREATE TRIGGER IF NOT EXISTS run_ends_its_lock AFTER UPDATE OF status ON runs
WHEN NEW.status NOT IN ('queued', 'running')
BEGIN
    UPDATE workflows SET lock_run = NULL, lock_reason = NULL, lock_until = NULL
    WHERE lock_run = NEW.uuid;
END;

CREATE TRIGGER IF NOT EXISTS run_takes_its_lock_along AFTER DELETE ON runs
BEGIN
    UPDATE workflows SET lock_run = NULL, lock_reason = NULL, lock_until = NULL
    WHERE lock_run = OLD.uuid;
END;

-- An answer of studio has its number while it is written: its pieces name it. Readers of messages
-- do not see it until it is done.
CREATE TRIGGER IF NOT EXISTS answer_has_a_number AFTER INSERT ON steps
WHEN NEW.kind = 'started'
    AND (SELECT kind FROM sessions WHERE id = NEW.session_id) = 'studio'
BEGIN
    INSERT INTO messages (uuid, session_id, role, content, status, lease_until, created_at, agent,
        run_id, parent_id)
    SELECT json_extract(NEW.body, '$.message_id'), NEW.session_id, 'assistant', '', 'answering',
        9007199254740991, NEW.at, NEW.agent, NEW.run_id,
        COALESCE((SELECT MAX(id) FROM messages WHERE run_id = NEW.run_id), runs.message_id)
    FROM runs WHERE runs.id = NEW.run_id;
END;

CREATE TRIGGER IF NOT EXISTS answer_is_done AFTER INSERT ON steps WHEN NEW.kind = 'answer'
BEGIN
    UPDATE messages SET content = json_extract(NEW.body, '$.text'),
        status = COALESCE(json_extract(NEW.body, '$.state'), 'complete'),
        lease_until = NULL, created_at = NEW.at,
        usage = (SELECT usage FROM message_usage WHERE step_id = NEW.id)
    WHERE uuid = json_extract(NEW.body, '$.message_id') AND status = 'answering';
END;
