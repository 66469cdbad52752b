-- ComfyUI services, workflows with their versions, sessions about them, and files.

CREATE TABLE IF NOT EXISTS services (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    url TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    -- What the last probe of this very address found.
    status TEXT NOT NULL DEFAULT 'UNKNOWN' CHECK (status IN ('ONLINE', 'OFFLINE', 'UNKNOWN')),
    response_time INTEGER CHECK (response_time >= 0), -- milliseconds
    checked_at INTEGER CHECK ((checked_at IS NULL) = (status = 'UNKNOWN')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS workflows (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    service_id INTEGER REFERENCES services (id) ON DELETE SET NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0), -- the number of the newest one
    last_used_at INTEGER, -- when it was last run or talked about
    -- While an agent works on it: a lease of the agent's run. The generation counts the holders.
    lock_run TEXT,
    lock_reason TEXT,
    lock_until INTEGER CHECK ((lock_until IS NULL) = (lock_run IS NULL)),
    lock_generation INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS workflows_of_user ON workflows (user_id, id);

CREATE INDEX IF NOT EXISTS workflows_of_service ON workflows (service_id)
    WHERE service_id IS NOT NULL;

-- A version is what a workflow was after one change: of its JSON, or only of its name. Versions
-- of the same JSON share it.
CREATE TABLE IF NOT EXISTS workflow_contents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workflow_id INTEGER NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    size INTEGER NOT NULL CHECK (size > 0),
    data TEXT NOT NULL -- as it was given
) STRICT;

CREATE INDEX IF NOT EXISTS contents_of_workflow ON workflow_contents (workflow_id, size);

CREATE TABLE IF NOT EXISTS workflow_versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workflow_id INTEGER NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number > 0),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    content_id INTEGER NOT NULL,
    format TEXT NOT NULL CHECK (format IN ('API', 'EDITOR')),
    node_count INTEGER NOT NULL CHECK (node_count > 0),
    size INTEGER NOT NULL CHECK (size > 0),
    author_kind TEXT NOT NULL CHECK (author_kind IN ('USER', 'AGENT')),
    author TEXT NOT NULL, -- the name
    run_id TEXT, -- an agent's run
    note TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    UNIQUE (workflow_id, number)
) STRICT;

CREATE INDEX IF NOT EXISTS versions_of_content ON workflow_versions (content_id);

CREATE TRIGGER IF NOT EXISTS content_is_unused AFTER DELETE ON workflow_versions
BEGIN
    DELETE FROM workflow_contents WHERE id = OLD.content_id
        AND NOT EXISTS (SELECT 1 FROM workflow_versions WHERE content_id = OLD.content_id);
END;

-- A change stores the version and what the workflow is from then on; `content_id` or `data` says
-- what it holds. Of the old versions the newest 200 stay, and 64 MiB of their JSON, which counts
-- once: with the newest version that has it.
CREATE VIEW IF NOT EXISTS workflow_changes AS
    SELECT versions.workflow_id, versions.number, versions.name, versions.description,
        workflows.service_id, versions.content_id, contents.data, versions.format,
        versions.node_count, versions.size, versions.author_kind, versions.author, versions.run_id,
        versions.note, versions.created_at AS at
    FROM workflow_versions AS versions
    JOIN workflows ON workflows.id = versions.workflow_id
    JOIN workflow_contents AS contents ON contents.id = versions.content_id;

CREATE TRIGGER IF NOT EXISTS workflow_changes_now INSTEAD OF INSERT ON workflow_changes
BEGIN
    INSERT INTO workflow_contents (workflow_id, size, data)
    SELECT NEW.workflow_id, NEW.size, NEW.data WHERE NEW.content_id IS NULL;
    INSERT INTO workflow_versions (workflow_id, number, name, description, content_id, format,
        node_count, size, author_kind, author, run_id, note, created_at)
    VALUES (NEW.workflow_id, NEW.number, NEW.name, NEW.description,
        COALESCE(NEW.content_id, (SELECT MAX(id) FROM workflow_contents)), NEW.format,
        NEW.node_count, NEW.size, NEW.author_kind, NEW.author, NEW.run_id, NEW.note, NEW.at);
    UPDATE workflows SET version = NEW.number, name = NEW.name, description = NEW.description,
        service_id = NEW.service_id, updated_at = NEW.at
    WHERE id = NEW.workflow_id;
    DELETE FROM workflow_versions
    WHERE workflow_id = NEW.workflow_id AND number < NEW.number AND number IN (
        SELECT number FROM (
            SELECT number, ROW_NUMBER() OVER newest AS place, SUM(counted) OVER newest AS sum
            FROM (
                SELECT number,
                    CASE number WHEN MAX(number) OVER (PARTITION BY content_id)
                        THEN size ELSE 0 END AS counted
                FROM workflow_versions WHERE workflow_id = NEW.workflow_id)
            WINDOW newest AS (ORDER BY number DESC))
        WHERE place > 200 OR sum > 67108864);
END;

-- A workflow begins with its first version: one statement stores both.
CREATE VIEW IF NOT EXISTS workflow_beginnings AS
    SELECT workflows.uuid, workflows.user_id, changes.*
    FROM workflows JOIN workflow_changes AS changes
        ON changes.workflow_id = workflows.id AND changes.number = 1;

CREATE TRIGGER IF NOT EXISTS workflow_begins INSTEAD OF INSERT ON workflow_beginnings
BEGIN
    INSERT INTO workflows (uuid, user_id, name, created_at, updated_at)
    VALUES (NEW.uuid, NEW.user_id, NEW.name, NEW.at, NEW.at);
    INSERT INTO workflow_changes (workflow_id, number, name, description, service_id, content_id,
        data, format, node_count, size, author_kind, author, run_id, note, at)
    SELECT id, 1, NEW.name, NEW.description, NEW.service_id, NULL, NEW.data, NEW.format,
        NEW.node_count, NEW.size, NEW.author_kind, NEW.author, NEW.run_id, NEW.note, NEW.at
    FROM workflows WHERE uuid = NEW.uuid;
END;

CREATE TABLE IF NOT EXISTS favorites (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    workflow_id INTEGER NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, workflow_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS favorites_of_workflow ON favorites (workflow_id);

-- Which workflow a studio session is about.
ALTER TABLE sessions ADD COLUMN workflow_id INTEGER REFERENCES workflows (id) ON DELETE SET NULL;

CREATE INDEX IF NOT EXISTS sessions_of_workflow ON sessions (workflow_id, id)
    WHERE workflow_id IS NOT NULL;

-- What people upload and what workflows make. The bytes are in key-value or with the runner,
-- under the row's uuid.
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    business_type TEXT NOT NULL CHECK (business_type IN ('AVATAR', 'WORKFLOW', 'OUTPUT')),
    name TEXT NOT NULL,
    file_type TEXT NOT NULL, -- the media type
    size INTEGER NOT NULL CHECK (size >= 0),
    place TEXT NOT NULL CHECK (place IN ('key_value', 'runner')),
    workflow_id INTEGER REFERENCES workflows (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    stored_at INTEGER -- when the bytes were there: until then nobody sees it
) STRICT;

CREATE INDEX IF NOT EXISTS files_of_user ON files (user_id, id);

CREATE INDEX IF NOT EXISTS files_of_workflow ON files (workflow_id) WHERE workflow_id IS NOT NULL;

CREATE INDEX IF NOT EXISTS files_unfinished ON files (created_at) WHERE stored_at IS NULL;

-- Bytes whose row is gone, until they are gone too.
CREATE TABLE IF NOT EXISTS file_remains (
    uuid TEXT PRIMARY KEY,
    place TEXT NOT NULL
) STRICT;

CREATE TRIGGER IF NOT EXISTS file_goes AFTER DELETE ON files
BEGIN
    INSERT OR IGNORE INTO file_remains (uuid, place) VALUES (OLD.uuid, OLD.place);
END;

-- Whether or not the database follows its foreign keys.
CREATE TRIGGER IF NOT EXISTS workflow_goes AFTER DELETE ON workflows
BEGIN
    DELETE FROM favorites WHERE workflow_id = OLD.id;
    DELETE FROM workflow_versions WHERE workflow_id = OLD.id;
    DELETE FROM workflow_contents WHERE workflow_id = OLD.id;
    UPDATE sessions SET workflow_id = NULL WHERE workflow_id = OLD.id;
    UPDATE files SET workflow_id = NULL WHERE workflow_id = OLD.id;
END;

CREATE TRIGGER IF NOT EXISTS service_goes AFTER DELETE ON services
BEGIN
    UPDATE workflows SET service_id = NULL WHERE service_id = OLD.id;
END;
