//! Somebody who is signed in, as the programs of the documented APIs act for them.

use crate::{Answer, Client, Stream, mailbox::Mailbox};
use http::{Request, request::Builder};
use serde_json::{Value, json};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse";

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Person {
    /// Where they send their requests.
    pub door: Client,
    /// What they are known by: an access token of the `workspace` contract.
    pub token: String,
}

impl Person {
    /// Signs `name` up by mail, and in as the `workspace` contract has it.
    pub async fn sign_up(door: Client, mailbox: &Mailbox, name: &str) -> Self {
        let email = format!("{name}@example.org");
        let wanted = json!({ "username": name, "email": email, "password": PASSWORD });
        let accepted = door.post("/api/v1/auth/verifications", &wanted).await;
        assert_eq!(accepted.status, 202, "{}", accepted.text());
        let code = mailbox.code(&email, 1).await;
        let given = json!({ "email": email, "token": code });
        let verified = door.post("/api/v1/auth/verifications/verify", &given).await;
        assert_eq!(verified.status, 200, "{}", verified.text());
        Self::sign_in(door, &email).await
    }

    /// Signs somebody in who has an account already.
    pub async fn sign_in(door: Client, email: &str) -> Self {
        let login = json!({ "email": email, "password": PASSWORD });
        let answer = door.post("/api/v1/auth/login", &login).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        Self { door, token }
    }

    /// Signs somebody in who has an account already, as the `studio` contract has it.
    pub async fn sign_in_to_studio(door: Client, name: &str) -> Self {
        let login = json!({ "username": name, "password": PASSWORD });
        let answer = door.post("/api/v1/auth/login", &login).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["data"]["token"].as_str().unwrap().to_owned();
        Self { door, token }
    }

    /// A request of theirs, `"METHOD /path"`.
    #[must_use]
    pub fn request(&self, line: &str) -> Builder {
        let (method, path) = line.split_once(' ').unwrap();
        Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token))
    }

    /// Sends JSON, or nothing for `null`; whatever comes of it.
    pub async fn ask(&self, line: &str, body: &Value) -> Answer {
        let (request, body) = self.with_body(line, body);
        self.door.send(request, body).await
    }

    /// The same, read as it comes.
    pub async fn stream(&self, line: &str, accept: &str, body: &Value) -> Stream {
        let (request, body) = self.with_body(line, body);
        let request = request.header("accept", accept);
        self.door.open(request, body).await.unwrap()
    }

    /// Asks for what is granted: the JSON of an answer of the 200s.
    pub async fn done(&self, line: &str, body: &Value) -> Value {
        let answer = self.ask(line, body).await;
        assert!(
            (200..300).contains(&answer.status),
            "{line}: {} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    /// Makes a session; returns its UUID.
    pub async fn session(&self) -> String {
        let made = self.done("POST /api/v1/sessions", &json!({})).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Runs a command of the shell in the session's sandbox; what `exec` answers.
    pub async fn exec(&self, session: &str, command: &str) -> Value {
        let body = json!({ "session_id": session, "command": command });
        self.done("POST /api/v1/sandbox/exec", &body).await
    }

    /// Sends a form with a file, by its name, and other fields.
    pub async fn upload(
        &self,
        line: &str,
        (name, file): (&str, &[u8]),
        fields: &[(&str, &str)],
    ) -> Answer {
        let part = |field: &str, more: &str| {
            format!("--limit\r\ncontent-disposition: form-data; name=\"{field}\"{more}\r\n\r\n")
        };
        let mut form = Vec::new();
        for (field, value) in fields {
            form.extend(part(field, "").into_bytes());
            form.extend(format!("{value}\r\n").into_bytes());
        }
        form.extend(part("file", &format!("; filename=\"{name}\"")).into_bytes());
        form.extend(file);
        form.extend(b"\r\n--limit--\r\n");
        let kind = "multipart/form-data; boundary=limit";
        let request = self.request(line).header("content-type", kind);
        self.door.send(request, form).await
    }

    fn with_body(&self, line: &str, body: &Value) -> (Builder, String) {
        let request = self.request(line);
        if body.is_null() {
            return (request, String::new());
        }
        let request = request.header("content-type", "application/json");
        (request, body.to_string())
    }
}
