-- Search finds all that accounts say and are told, also in conversations without runs, and never
-- what strangers say in the open chat. The index knows whose a message is: a search looks at nobody
-- else's.

-- Whose it is, once it is in the index: `u17u`, because the index knows nothing of less than three
-- characters. Setting it puts it there.
ALTER TABLE messages ADD COLUMN searched TEXT;

DROP TRIGGER IF EXISTS message_is_found;

DROP TRIGGER IF EXISTS message_is_changed;

DROP TRIGGER IF EXISTS message_is_lost;

DROP TABLE IF EXISTS message_texts;

CREATE VIRTUAL TABLE IF NOT EXISTS message_texts
    USING fts5 (content, searched, content = 'messages', content_rowid = 'id', tokenize = 'trigram');

CREATE TRIGGER IF NOT EXISTS message_is_searched AFTER UPDATE OF searched ON messages
WHEN NEW.searched IS NOT NULL AND OLD.searched IS NULL
BEGIN
    INSERT INTO message_texts (rowid, content, searched) VALUES (NEW.id, NEW.content, NEW.searched);
END;

CREATE TRIGGER IF NOT EXISTS message_is_found AFTER INSERT ON messages
WHEN NEW.status <> 'answering' AND (
    SELECT users.realm FROM sessions JOIN users ON users.id = sessions.user_id
    WHERE sessions.id = NEW.session_id) = 'account'
BEGIN
    UPDATE messages SET searched = (
        SELECT 'u' || user_id || 'u' FROM sessions WHERE id = NEW.session_id)
    WHERE id = NEW.id;
END;

-- An answer is found once it is written: its text changes every few seconds until then.
CREATE TRIGGER IF NOT EXISTS answer_is_found AFTER UPDATE OF status ON messages
WHEN OLD.status = 'answering' AND NEW.status <> 'answering' AND (
    SELECT users.realm FROM sessions JOIN users ON users.id = sessions.user_id
    WHERE sessions.id = NEW.session_id) = 'account'
BEGIN
    UPDATE messages SET searched = (
        SELECT 'u' || user_id || 'u' FROM sessions WHERE id = NEW.session_id)
    WHERE id = NEW.id;
END;

CREATE TRIGGER IF NOT EXISTS message_is_changed AFTER UPDATE OF content ON messages
WHEN OLD.searched IS NOT NULL
BEGIN
    INSERT INTO message_texts (message_texts, rowid, content, searched)
    VALUES ('delete', OLD.id, OLD.content, OLD.searched);
    INSERT INTO message_texts (rowid, content, searched) VALUES (NEW.id, NEW.content, NEW.searched);
END;

CREATE TRIGGER IF NOT EXISTS message_is_lost AFTER DELETE ON messages
WHEN OLD.searched IS NOT NULL
BEGIN
    INSERT INTO message_texts (message_texts, rowid, content, searched)
    VALUES ('delete', OLD.id, OLD.content, OLD.searched);
END;

UPDATE messages SET searched = (
    SELECT 'u' || user_id || 'u' FROM sessions WHERE id = messages.session_id)
WHERE searched IS NULL AND status <> 'answering' AND session_id IN (
    SELECT sessions.id FROM sessions JOIN users ON users.id = sessions.user_id
    WHERE users.realm = 'account');
