-- Search in what was said in runs. By trigrams, because many languages set no blanks between words.

CREATE VIRTUAL TABLE IF NOT EXISTS message_texts
    USING fts5 (content, content = 'messages', content_rowid = 'id', tokenize = 'trigram');

CREATE TRIGGER IF NOT EXISTS message_is_found AFTER INSERT ON messages
WHEN NEW.run_id IS NOT NULL
BEGIN
    INSERT INTO message_texts (rowid, content) VALUES (NEW.id, NEW.content);
END;

CREATE TRIGGER IF NOT EXISTS message_is_lost AFTER DELETE ON messages
WHEN OLD.run_id IS NOT NULL
BEGIN
    INSERT INTO message_texts (message_texts, rowid, content)
    VALUES ('delete', OLD.id, OLD.content);
END;

CREATE TRIGGER IF NOT EXISTS message_is_changed AFTER UPDATE OF content ON messages
WHEN OLD.run_id IS NOT NULL
BEGIN
    INSERT INTO message_texts (message_texts, rowid, content)
    VALUES ('delete', OLD.id, OLD.content);
    INSERT INTO message_texts (rowid, content) VALUES (NEW.id, NEW.content);
END;
