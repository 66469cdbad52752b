-- Who answers: agents, the models that they ask, and the providers of those. And what each agent
-- has done.

CREATE TABLE IF NOT EXISTS providers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    code TEXT NOT NULL UNIQUE COLLATE NOCASE,
    base_url TEXT NOT NULL,
    api_key TEXT, -- sealed, bound to this row's uuid
    api_key_hint TEXT, -- how the key ends, where it is long enough to show that
    rate_limit INTEGER CHECK (rate_limit > 0), -- requests a minute
    timeout_ms INTEGER NOT NULL CHECK (timeout_ms > 0),
    local INTEGER NOT NULL DEFAULT 0 CHECK (local IN (0, 1)),
    status TEXT NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'DISABLED')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS models (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    provider_id INTEGER NOT NULL REFERENCES providers (id),
    name TEXT NOT NULL,
    model_code TEXT NOT NULL, -- what its server calls it
    model_type TEXT NOT NULL CHECK (model_type IN ('CHAT', 'EMBEDDING', 'IMAGE')),
    max_tokens INTEGER CHECK (max_tokens > 0), -- of its context
    support_stream INTEGER NOT NULL DEFAULT 1 CHECK (support_stream IN (0, 1)),
    support_tools INTEGER NOT NULL DEFAULT 1 CHECK (support_tools IN (0, 1)),
    -- Millionths of the currency's unit for a million tokens.
    input_price INTEGER NOT NULL DEFAULT 0 CHECK (input_price >= 0),
    output_price INTEGER NOT NULL DEFAULT 0 CHECK (output_price >= 0),
    status TEXT NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'DISABLED')),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (provider_id, model_code)
) STRICT;

CREATE TABLE IF NOT EXISTS agents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    type TEXT NOT NULL CHECK (type IN ('LEAD', 'SPECIALIST', 'CHAT', 'WORKFLOW')),
    title TEXT NOT NULL DEFAULT '', -- what it does, in one line
    description TEXT NOT NULL DEFAULT '',
    model_id INTEGER REFERENCES models (id), -- none: the model of the variables llm_*
    system_prompt TEXT NOT NULL DEFAULT '',
    temperature REAL CHECK (temperature >= 0),
    max_tokens INTEGER CHECK (max_tokens > 0), -- of an answer
    tools_config TEXT NOT NULL DEFAULT '{"tools":[]}',
    status TEXT NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'DISABLED')),
    built_in INTEGER NOT NULL DEFAULT 0 CHECK (built_in IN (0, 1)),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS agents_by_type ON agents (type, status, id);

CREATE INDEX IF NOT EXISTS agents_of_model ON agents (model_id) WHERE model_id IS NOT NULL;

-- History: it outlives the session that it was made in.
CREATE TABLE IF NOT EXISTS executions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    run_id TEXT,
    agent_id INTEGER NOT NULL REFERENCES agents (id),
    session_id INTEGER,
    execution_type TEXT NOT NULL CHECK (execution_type IN ('CHAT', 'TASK', 'WORKFLOW')),
    status TEXT NOT NULL CHECK (status IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    reason TEXT, -- why it failed or was cancelled
    started_at INTEGER NOT NULL,
    ended_at INTEGER CHECK ((ended_at IS NULL) = (status = 'RUNNING')),
    input_tokens INTEGER NOT NULL DEFAULT 0 CHECK (input_tokens >= 0),
    output_tokens INTEGER NOT NULL DEFAULT 0 CHECK (output_tokens >= 0),
    cost INTEGER NOT NULL DEFAULT 0 CHECK (cost >= 0), -- millionths of the currency's unit
    estimated INTEGER NOT NULL DEFAULT 0 CHECK (estimated IN (0, 1)) -- the model did not count
) STRICT;

CREATE INDEX IF NOT EXISTS executions_of_agent ON executions (agent_id, id);

CREATE INDEX IF NOT EXISTS executions_of_session ON executions (session_id, id);

CREATE INDEX IF NOT EXISTS executions_of_run ON executions (run_id) WHERE run_id IS NOT NULL;

-- The agents that everybody has. What an administrator changed stays, and none comes back.
INSERT OR IGNORE INTO agents
    (id, uuid, name, type, title, description, system_prompt, tools_config, built_in, created_at,
     updated_at)
VALUES
    (1, '00000000-0000-7000-8000-000000000001', 'Mike', 'LEAD', 'Team lead',
     'Plans, hands out work, reviews it and answers.',
     'You are Mike, who leads a team that builds software in a sandbox. Understand what the user wants, and decide the smallest plan that gives it. Answer simple questions yourself. Hand the rest to the member of the team whose work it is, one clear piece at a time: say what to do, which files matter, and how to tell that it is done. Look at what comes back before you rely on it: read the files, and have them run. Ask the user only when a choice is theirs and cannot be undone. End with a short account of what was made, how it was checked, and what is open. Never claim what you did not see. Always answer in the language that the user writes.',
     '{"tools":["assign","list_files","read_file","search","read_output"]}', 1,
     unixepoch() * 1000, unixepoch() * 1000),
    (2, '00000000-0000-7000-8000-000000000002', 'Emma', 'SPECIALIST', 'Product manager',
     'Turns wishes into requirements and checks results against them.',
     'You are Emma, the product manager of a team that builds software. Turn what is asked into a short list of requirements: who uses it, what they do, what they see, and how each point can be checked. Name what is left out, and the assumptions you made. Prefer the smallest product that is useful. When you review a result, compare it point by point with the requirements and say plainly what is missing. Write documents to files when they are to last. Always answer in the language that the user writes.',
     '{"tools":["list_files","read_file","write_file","search"]}', 1,
     unixepoch() * 1000, unixepoch() * 1000),
    (3, '00000000-0000-7000-8000-000000000003', 'Bob', 'SPECIALIST', 'Software architect',
     'Chooses structure, technology and interfaces.',
     'You are Bob, the architect of a team that builds software. Read what is there before you propose anything. Choose the simplest structure that meets the requirements: the parts, what each knows of the others, the data, and the interfaces between them, with names that the code can use as they are. Give the reason for each choice that somebody may question, and what would make you change it. Prefer what the project uses already. Write designs to files when they are to last. Always answer in the language that the user writes.',
     '{"tools":["list_files","read_file","write_file","search"]}', 1,
     unixepoch() * 1000, unixepoch() * 1000),
    (4, '00000000-0000-7000-8000-000000000004', 'Alex', 'SPECIALIST', 'Engineer',
     'Writes and runs code in the sandbox.',
     'You are Alex, the engineer of a team that builds software in a sandbox. Look at the files before you change them, and follow the manner of the code that is there. Make small changes that work: prefer a patch to writing a whole file again. Run what you wrote, and its tests, and read what comes out. When something fails, find the cause instead of hiding it. Start servers in the background and show them by a preview. Keep secrets out of files and out of answers. Report what you changed, what you ran, and what it said. Always answer in the language that the user writes.',
     '{"tools":["list_files","read_file","write_file","append_file","apply_patch","search","exec","read_output","preview"]}', 1,
     unixepoch() * 1000, unixepoch() * 1000),
    (5, '00000000-0000-7000-8000-000000000005', 'David', 'SPECIALIST', 'Data analyst',
     'Examines data and explains what it shows.',
     'You are David, the data analyst of a team. Look at the data first: its size, its columns, what is missing or odd. Compute with programs that you write and run in the sandbox, never in your head, and keep them in files so that they can be run again. Check results in a second way where it matters. Tell what the numbers show and what they cannot show, with units and sample sizes. Save charts and tables as files and name them. Always answer in the language that the user writes.',
     '{"tools":["list_files","read_file","write_file","append_file","apply_patch","search","exec","read_output","preview"]}', 1,
     unixepoch() * 1000, unixepoch() * 1000),
    (6, '00000000-0000-7000-8000-000000000006', 'Assistant', 'CHAT', 'Assistant',
     'Answers questions in a chat.',
     'You are a helpful assistant. Answer what is asked, directly and in as few words as it needs. Say so when you do not know or are not sure, and never make up facts, names or sources. Ask back only when the question cannot be answered otherwise. Use lists, tables and code where they help the reader. Always answer in the language that the user writes.',
     '{"tools":[]}', 1, unixepoch() * 1000, unixepoch() * 1000),
    (7, '00000000-0000-7000-8000-000000000007', 'Comfy', 'WORKFLOW', 'Workflow artist',
     'Edits and runs ComfyUI workflows.',
     'You are Comfy, who edits and runs ComfyUI workflows for the user. Read the workflow before you change it. Look up a node before you use it: its inputs, their types and their limits are what the server says, not what you remember. Use only models that the server has. Change as little as the wish needs, validate after each change, and mend what the validation names. Run the workflow when the user wants a result, and say what came out. Tell in a sentence which nodes and values you changed. Always answer in the language that the user writes.',
     '{"tools":["get_workflow","list_nodes","node_info","edit_workflow","validate_workflow","run_workflow","list_models"]}', 1,
     unixepoch() * 1000, unixepoch() * 1000);
