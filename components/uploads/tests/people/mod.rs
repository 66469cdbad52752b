//! The components `uploads`, `users` and `auth` over one database, with an administrator, two
//! users, and a runner that keeps bytes.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test uses a part of it"
)]

use axum::{Router, body::Body};
use http::Request;
use http_body_util::BodyExt;
use ports::Platform;
use serde_json::Value;
use test_app::{Accounts, Answer, Way};

pub(crate) const FILES: &str = "/api/v1/files";
pub(crate) const AVATAR: &str = "/api/v1/files/avatar";
const BOUNDARY: &str = "----boundary7";

fn router(platform: Platform) -> Router {
    let users =
        users::router(platform.clone()).fallback_service(auth_component::router(platform.clone()));
    uploads::router(platform).fallback_service(users)
}

/// An app, and the tokens of its accounts.
pub(crate) struct People {
    pub(crate) app: Accounts,
    pub(crate) admin: String,
    pub(crate) ada: String,
    pub(crate) eve: String,
}

impl People {
    pub(crate) async fn start() -> Self {
        let app = Accounts::start_with(router, &[], &["root", "ada", "eve"]).await;
        let promote = "UPDATE users SET role = 'ADMIN' WHERE username = 'root'";
        app.sql(promote, vec![]).await;
        Self {
            admin: app.token(Way::Studio, "root").await,
            ada: app.token(Way::Studio, "ada").await,
            eve: app.token(Way::Studio, "eve").await,
            app,
        }
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        let line = format!("GET {path}");
        self.app.call_as(token, &line, &Value::Null).await
    }

    /// Sends a form with this file.
    pub(crate) async fn upload(&self, token: &str, name: &str, file: &[u8]) -> Answer {
        let head = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; \
             filename=\"{name}\"\r\ncontent-type: image/svg+xml\r\n\r\n"
        );
        let tail = format!("\r\n--{BOUNDARY}--\r\n");
        let body = [head.as_bytes(), file, tail.as_bytes()].concat();
        let request = Request::post(AVATAR)
            .header("authorization", format!("Bearer {token}"))
            .header(
                "content-type",
                format!("multipart/form-data; boundary={BOUNDARY}"),
            )
            .header("content-length", body.len())
            .body(Body::from(body))
            .unwrap();
        Answer::read(self.app.send(request).await).await
    }

    /// The bytes at an address of ours, and the answer's head.
    pub(crate) async fn bytes(&self, url: &str) -> (http::response::Parts, Vec<u8>) {
        let path = url.strip_prefix("http://127.0.0.1:3000").unwrap_or(url);
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (parts, body) = self.app.send(request).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        (parts, bytes)
    }

    /// Keeps an output of `user`, past the routes.
    pub(crate) async fn output(&self, user: i64, name: &str, file_type: &str, bytes: &[u8]) -> i64 {
        let new = file_store::NewFile {
            user: domain::UserId(user),
            business_type: domain::BusinessType::Output,
            name: &domain::FileName::of(name, "x"),
            file_type,
            workflow: None,
        };
        let bytes = bytes::Bytes::copy_from_slice(bytes);
        let kept = file_store::keep(&self.app.platform, &new, bytes).await;
        kept.unwrap().id.0
    }

    pub(crate) async fn keys(&self) -> usize {
        let keys = self.app.platform.key_value.keys("file/").await;
        keys.unwrap().len()
    }
}

/// A PNG of one colour.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    let row = [200, 100, 50].repeat(width as usize);
    let image = row.repeat(height as usize);
    writer.write_image_data(&image).unwrap();
    drop(writer);
    bytes
}

/// The size of a PNG.
pub(crate) fn size_of(png: &[u8]) -> (u32, u32) {
    let reader = png::Decoder::new(std::io::Cursor::new(png))
        .read_info()
        .unwrap();
    (reader.info().width, reader.info().height)
}
