"""The Python peer: health, one read, one insert, over FastAPI and sqlite3."""

import sqlite3
from datetime import datetime, timezone

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

database = sqlite3.connect("users.db", check_same_thread=False, isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = NORMAL")
database.execute(
    "CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, username TEXT UNIQUE NOT NULL,"
    " email TEXT, created_at TEXT NOT NULL)"
)
app = FastAPI()


class NewUser(BaseModel):
    username: str
    email: str | None = None


class User(NewUser):
    id: int
    created_at: str


@app.get("/api/v1/health")
async def health():
    return {"status": "ok"}


@app.get("/api/v1/users/{username}")
async def read_user(username: str) -> User:
    row = database.execute(
        "SELECT id, username, email, created_at FROM users WHERE username = ?", (username,)
    ).fetchone()
    if row is None:
        raise HTTPException(404, "User not found")
    return User(id=row[0], username=row[1], email=row[2], created_at=row[3])


@app.post("/api/v1/users/")
async def create_user(user: NewUser) -> User:
    created_at = datetime.now(timezone.utc).isoformat()
    try:
        row = database.execute(
            "INSERT INTO users (username, email, created_at) VALUES (?, ?, ?) RETURNING id",
            (user.username, user.email, created_at),
        ).fetchone()
    except sqlite3.IntegrityError:
        raise HTTPException(400, "Username already registered")
    return User(id=row[0], username=user.username, email=user.email, created_at=created_at)
