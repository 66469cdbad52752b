//! Tables of what fits and what does not.

use super::*;

#[test]
fn display_names() {
    let check = |text: &str, expected: Option<&str>| {
        let parsed = DisplayName::parse(text).ok();
        assert_eq!(
            parsed.as_ref().map(DisplayName::as_str),
            expected,
            "{text:?}"
        );
    };
    check("Ada", Some("Ada"));
    check(" Ada Lovelace ", Some("Ada Lovelace"));
    check("小明", Some("小明"));
    check(&"明".repeat(64), Some(&"明".repeat(64)));
    check(&"x".repeat(65), None);
    check("", None);
    check("  ", None);
    check("a\nb", None);
    check("a\u{7f}b", None);
}

#[test]
fn bios() {
    let check = |text: &str, fits: bool| {
        assert_eq!(Bio::parse(text).is_ok(), fits, "{text:?}");
    };
    check("", true);
    check("Writes programs.\r\n\tAnd letters.", true);
    check(&"明".repeat(200), true);
    check(&"x".repeat(201), false);
    check("a\0b", false);
    check("a\u{1b}[31mb", false);
}

#[test]
fn avatar_urls() {
    for text in [
        "http://example.org",
        "https://example.org/",
        "HTTPS://Example.org/a.png",
        "https://example.org:8443/a/b%20c.png?size=64&x=(1)#top",
        "http://127.0.0.1:3000/files/a.png",
        "http://localhost/a.png",
        "http://[::1]:3000/a.png",
        "http://[2001:db8::1]/a.png",
        "https://example.org?x",
        "https://cdn_1.example.org/@ada",
    ] {
        assert!(AvatarUrl::parse(text).is_ok(), "{text:?}");
    }
    for text in [
        "",
        "example.org/a.png",
        "/a.png",
        "//example.org/a.png",
        "ftp://example.org/a.png",
        "javascript:alert(1)",
        "javascript://example.org/%0aalert(1)",
        "data:image/png;base64,AAAA",
        "http:/example.org",
        "http://",
        "http:///a.png",
        "http://?a",
        "http://:80/",
        "http://example.org:/",
        "http://example.org:65536/",
        "http://example.org:+80/",
        "http://example.org:80:80/",
        "http://.example.org/",
        "http://a..b/",
        "http://user@example.org/",
        "http://user:password@example.org/",
        "http://[::1/",
        "http://[::g]/",
        "http://[]/",
        "https://example.org/a b.png",
        "https://example.org/a\".png",
        "https://example.org/<script>",
        "https://example.org/a\\b",
        "https://example.org/a\n",
        " https://example.org/",
        "https://example.org/ä.png",
        "https://bücher.example/",
    ] {
        assert!(AvatarUrl::parse(text).is_err(), "{text:?}");
    }
    let long = |length: usize| format!("https://example.org/{}", "x".repeat(length - 20));
    assert!(AvatarUrl::parse(&long(2048)).is_ok());
    assert!(AvatarUrl::parse(&long(2049)).is_err());
}
