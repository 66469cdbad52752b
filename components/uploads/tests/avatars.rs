//! `POST /files/avatar`, and what sends pictures that are none.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod people;

use people::{AVATAR, FILES, People, png, size_of};
use serde_json::{Value, json};

async fn avatar_of(people: &People, token: &str) -> Value {
    people.get(token, "/api/v1/users/me").await.data()["avatarUrl"].clone()
}

#[tokio::test]
async fn a_picture_is_made_small_and_shown_to_everybody() {
    let people = People::start().await;
    let made = people
        .upload(&people.ada, "me.png", &png(1200, 600))
        .await
        .data();
    let url = made["accessUrl"].as_str().unwrap();
    assert!(
        url.starts_with("http://127.0.0.1:3000/api/v1/files/avatar/"),
        "{url}"
    );
    assert_eq!(avatar_of(&people, &people.ada).await, url);
    let (head, bytes) = people.bytes(url).await;
    assert_eq!(head.status, 200);
    assert_eq!(head.headers["content-type"], "image/png");
    assert_eq!(head.headers["content-disposition"], "inline");
    assert_eq!(head.headers["x-content-type-options"], "nosniff");
    assert!(
        head.headers["cache-control"]
            .to_str()
            .unwrap()
            .starts_with("public")
    );
    assert_eq!(head.headers["content-length"], bytes.len().to_string());
    assert_eq!(size_of(&bytes), (512, 256));
    // A small one keeps its size.
    let made = people
        .upload(&people.ada, "me.png", &png(20, 10))
        .await
        .data();
    let newer = made["accessUrl"].as_str().unwrap();
    assert_eq!(size_of(&people.bytes(newer).await.1), (20, 10));
    // The one before it is gone.
    assert_eq!(people.bytes(url).await.0.status, 404);
    assert_eq!(people.keys().await, 1);
    let listed = people.get(&people.ada, FILES).await.data();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let entry = &listed[0];
    for (member, expected) in [
        ("id", &made["fileId"]),
        ("fileName", &json!("me.png")),
        ("fileType", &json!("image/png")),
        ("businessType", &json!("AVATAR")),
        ("accessUrl", &json!(newer)),
        ("workflowId", &Value::Null),
    ] {
        assert_eq!(&entry[member], expected, "{member}");
    }
    let line = format!("DELETE {FILES}/stored/{}", made["fileId"]);
    people
        .app
        .call_as(&people.ada, &line, &Value::Null)
        .await
        .data();
    assert_eq!(avatar_of(&people, &people.ada).await, Value::Null);
    assert_eq!(people.bytes(newer).await.0.status, 404);
    assert_eq!(people.keys().await, 0);
}

#[tokio::test]
async fn of_pictures_that_come_at_once_the_one_that_is_shown_is_there() {
    let people = People::start().await;
    let (small, large) = (png(20, 10), png(30, 20));
    let (one, two) = tokio::join!(
        people.upload(&people.ada, "one.png", &small),
        people.upload(&people.ada, "two.png", &large)
    );
    let statuses = [one.status.as_u16(), two.status.as_u16()];
    assert!(statuses.contains(&200), "{statuses:?}");
    for status in statuses {
        assert!([200, 409].contains(&status), "{statuses:?}");
    }
    let shown = avatar_of(&people, &people.ada).await;
    let (head, _) = people.bytes(shown.as_str().unwrap()).await;
    assert_eq!(head.status, 200);
    assert_eq!(people.keys().await, 1);
}

#[tokio::test]
async fn every_kind_of_picture_comes_out_as_one_kind() {
    let people = People::start().await;
    let gif: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x01\x00\xff\xff\xff\x00\x00\x00\x2c\x00\x00\x00\
        \x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";
    let webp: &[u8] = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\
        \x11\x11\x88\x88\xfe\x07\x00";
    for (name, picture) in [("a.gif", gif), ("a.webp", webp)] {
        let answer = people.upload(&people.ada, name, picture).await;
        let made = answer.data();
        let (_, bytes) = people.bytes(made["accessUrl"].as_str().unwrap()).await;
        assert_eq!(size_of(&bytes), (1, 1), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_picture_is_refused() {
    let people = People::start().await;
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
    let detail = "The file must be a picture: PNG, JPEG, WebP or GIF";
    for file in [svg, "", "<html>", "%PDF-1.4", "BM......", "GIF8", "II*\0"] {
        let answer = people.upload(&people.ada, "me.png", file.as_bytes()).await;
        answer.problem(415, detail);
    }
    let whole = png(64, 64);
    for broken in [
        &whole[..40],
        b"GIF89a",
        b"RIFF\x1a\x00\x00\x00WEBPVP8 ",
        &[0xff, 0xd8, 0xff],
    ] {
        let answer = people.upload(&people.ada, "me.png", broken).await;
        answer.refused(400);
        assert_eq!(answer.fields(), ["file"]);
    }
    assert_eq!(avatar_of(&people, &people.ada).await, Value::Null);
    assert_eq!(people.keys().await, 0);
    people.app.post(AVATAR, &json!({})).await.refused(401);
}

#[tokio::test]
async fn a_picture_that_is_something_else_besides_comes_out_as_a_picture() {
    let people = People::start().await;
    let mut polyglot = png(16, 16);
    polyglot.extend_from_slice(b"<script>alert(1)</script>PK\x03\x04");
    let name = "../../x.html\r\nset-cookie: a";
    let made = people.upload(&people.ada, name, &polyglot).await.data();
    let (head, bytes) = people.bytes(made["accessUrl"].as_str().unwrap()).await;
    assert!(!String::from_utf8_lossy(&bytes).contains("script"));
    assert_eq!(head.headers["content-type"], "image/png");
    assert_eq!(
        head.headers["content-security-policy"],
        "sandbox; default-src 'none'; frame-ancestors 'none'"
    );
}

/// A PNG that says it is this large, and holds nothing.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(1, 1);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[tokio::test]
async fn bombs_are_refused_before_they_are_unpacked() {
    let people = People::start().await;
    for (width, height) in [
        (60_000, 60_000),
        (10_001, 1),
        (1, 10_001),
        (4_001, 4_000),
        (u32::MAX >> 1, 1),
        (0, 0),
    ] {
        let answer = people
            .upload(&people.ada, "me.png", &bomb(width, height))
            .await;
        answer.refused(400);
        assert_eq!(answer.fields(), ["file"], "{width} × {height}");
    }
    let mut large = png(8, 8);
    large.resize((5 << 20) + 1, 0);
    people
        .upload(&people.ada, "me.png", &large)
        .await
        .refused(413);
    large.resize(6 << 20, 0);
    people
        .upload(&people.ada, "me.png", &large)
        .await
        .refused(413);
    // What is within all limits is taken, also where it is much.
    let answer = people
        .upload(&people.ada, "me.png", &png(4_000, 4_000))
        .await;
    answer.data();
}
