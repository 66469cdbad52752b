//! Tokens that are good, and attacks on them.

use super::*;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jwt_compact::alg::{Hs384, Hs384Key, Hs512, Hs512Key};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

const ISSUER: &str = "http://127.0.0.1:3000";
const NOW: i64 = 1_800_000_000_000;

fn keys() -> Keys {
    Keys::from_secret(&"x".repeat(32)).unwrap()
}

fn token() -> AccessToken {
    AccessToken {
        login: Uuid::from_bytes([1; 16]),
        user: Uuid::from_bytes([2; 16]),
        audience: Audience::Runtime,
        issued_at: NOW,
        expires_at: NOW + 3_600_000,
        id: Uuid::from_bytes([3; 16]),
    }
}

fn text() -> String {
    issue(&keys(), ISSUER, &token()).unwrap()
}

fn verify_now(text: &str) -> Result<AccessToken, TokenError> {
    verify(&keys(), ISSUER, text, NOW)
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "runtime", "sub": token().user.to_string(), "sid": token().login.to_string(),
        "jti": token().id.to_string(), "typ": "access", "iat": NOW / 1000, "exp": NOW / 1000 + 3_600,
    })
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token of any header and claims, signed as we sign.
fn signed(header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let mut keyed = Hmac::<Sha256>::new_from_slice(keys().access.as_ref()).unwrap();
    keyed.update(message.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(keyed.finalize().into_bytes());
    format!("{message}.{signature}")
}

#[test]
fn what_is_issued_is_verified_on_every_audience() {
    for audience in Audience::ALL {
        let token = AccessToken {
            audience,
            ..token()
        };
        let text = issue(&keys(), ISSUER, &token).unwrap();
        assert_eq!(verify_now(&text), Ok(token));
        assert_eq!(claimed_audience(&text), Some(audience));
    }
}

#[test]
fn the_text_holds_the_documented_claims_and_whole_seconds() {
    let token = AccessToken {
        issued_at: NOW + 999,
        expires_at: NOW + 3_600_999,
        ..token()
    };
    let text = issue(&keys(), ISSUER, &token).unwrap();
    let payload = text.split('.').nth(1).unwrap();
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&payload).unwrap(), claims());
    assert_eq!(verify_now(&text).unwrap().expires_at, NOW + 3_600_000);
}

#[test]
fn a_token_is_good_until_it_expires_and_comes_along_after() {
    let text = text();
    let at = |now| verify(&keys(), ISSUER, &text, now);
    assert_eq!(at(NOW + 3_599_999), Ok(token()));
    let expired = Err(TokenError::Expired(token()));
    assert_eq!(at(NOW + 3_600_000), expired);
    assert_eq!(at(i64::MAX), expired);
}

#[test]
fn no_other_algorithm() {
    let header = |alg: &str| json!({ "alg": alg, "typ": "JWT" });
    for alg in [
        "none", "None", "NONE", "", "hs256", "HS384", "HS512", "RS256", "ES256",
    ] {
        let whole = signed(&header(alg), &claims());
        assert_eq!(verify_now(&whole), Err(TokenError::Forged), "{alg}");
        let (unsigned, _) = whole.rsplit_once('.').unwrap();
        let unsigned = format!("{unsigned}.");
        assert_eq!(verify_now(&unsigned), Err(TokenError::Forged), "{alg}");
    }
    // Signed with the right key by a stronger algorithm that we did not ask for.
    let said = jwt_compact::UntrustedToken::new(&text())
        .unwrap()
        .deserialize_claims_unchecked::<Said>()
        .unwrap();
    let key = keys().access;
    let long = Hs384.token(&Header::empty(), &said, &Hs384Key::new(key.as_ref()));
    assert_eq!(verify_now(&long.unwrap()), Err(TokenError::Forged));
    let longer = Hs512.token(&Header::empty(), &said, &Hs512Key::new(key.as_ref()));
    assert_eq!(verify_now(&longer.unwrap()), Err(TokenError::Forged));
}

#[test]
fn no_altered_part_and_no_other_key() {
    let whole = text();
    let parts: Vec<&str> = whole.split('.').collect();
    let mut administrator = claims();
    administrator["sub"] = json!(Uuid::from_bytes([9; 16]).to_string());
    let header = part(&json!({ "alg": "HS256", "typ": "at+jwt" }));
    for forged in [
        format!("{}.{}.{}", parts[0], part(&administrator), parts[2]),
        format!("{header}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.{}", parts[0], parts[1], &parts[2][..40]),
        format!("{}.{}.{}", parts[0], parts[1], "A".repeat(43)),
    ] {
        assert_eq!(verify_now(&forged), Err(TokenError::Forged), "{forged}");
    }
    let other = Keys::from_secret(&"y".repeat(32)).unwrap();
    let refused = verify(&other, ISSUER, &whole, NOW);
    assert_eq!(refused, Err(TokenError::Forged));
}

#[test]
fn no_other_type_issuer_or_claim() {
    let check = |member: &str, value: Value, expected: &TokenError| {
        let mut claims = claims();
        claims[member] = value;
        let whole = signed(&json!({ "alg": "HS256" }), &claims);
        assert_eq!(
            verify_now(&whole).as_ref(),
            Err(expected),
            "{member}: {claims}"
        );
    };
    for kind in ["refresh", "", "Access", "ticket"] {
        check("typ", json!(kind), &TokenError::OtherType);
    }
    for issuer in ["", "http://127.0.0.1:3000/", "https://example.org"] {
        check("iss", json!(issuer), &TokenError::OtherIssuer);
    }
    for audience in [json!("chat"), json!(""), json!(["runtime"]), json!(null)] {
        check("aud", audience, &TokenError::Malformed);
    }
    for member in ["sub", "sid", "jti"] {
        check(member, json!("1"), &TokenError::Malformed);
        check(member, json!(1), &TokenError::Malformed);
    }
    for time in [json!("soon"), json!(null), json!(u64::MAX), json!(1e300)] {
        check("exp", time.clone(), &TokenError::Malformed);
        check("iat", time, &TokenError::Malformed);
    }
}

#[test]
fn no_missing_claim() {
    for member in ["iss", "aud", "sub", "sid", "jti", "typ", "iat", "exp"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(member);
        let whole = signed(&json!({ "alg": "HS256" }), &claims);
        assert_eq!(verify_now(&whole), Err(TokenError::Malformed), "{member}");
    }
}

#[test]
fn no_other_form() {
    let whole = text();
    let mut long = claims();
    long["more"] = json!("x".repeat(4_096));
    let long = signed(&json!({ "alg": "HS256" }), &long);
    let compact = signed(&json!({ "alg": "HS256", "cty": "CBOR" }), &claims());
    for malformed in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "rt_AAAA",
        &whole[1..],
        &format!("{whole}.{whole}"),
        &format!(" {whole}"),
        &format!("{whole}="),
        &whole.replace('.', ""),
        &long,
        &compact,
        &"x".repeat(10_000_000),
    ] {
        let start: String = malformed.chars().take(40).collect();
        assert_eq!(verify_now(malformed), Err(TokenError::Malformed), "{start}");
    }
    // The bound itself is far above what we issue.
    assert!(whole.len() < MAX_BYTES / 4);
}

#[test]
fn a_time_beyond_the_calendar_is_an_error() {
    let token = AccessToken {
        expires_at: i64::MAX,
        ..token()
    };
    assert!(issue(&keys(), ISSUER, &token).is_err());
}

#[test]
fn the_claimed_audience_is_read_without_a_check() {
    let forged = format!(
        "{}.{}.AAAA",
        part(&json!({ "alg": "none" })),
        part(&claims())
    );
    assert_eq!(claimed_audience(&forged), Some(Audience::Runtime));
    let unknown = signed(&json!({ "alg": "HS256" }), &json!({ "aud": "chat" }));
    for text in ["", "a.b.c", &unknown, &"x".repeat(10_000_000)] {
        assert_eq!(claimed_audience(text), None);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_or_pass(
        text in ".{0,60}",
        header in "\\{\"alg\":\"HS256\",\"(x5t|x5t#S256|kid|jku|cty)\":\"[A-Za-z0-9_=-]{0,50}\"\\}",
        payload in "\\{\"(aud|exp|iat|nbf)\":(-?[0-9]{1,25}(\\.[0-9]{1,3})?|\"[a-z]{0,8}\"|null)\\}",
        signature in "[A-Za-z0-9_-]{40,48}",
    ) {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let built = format!("{}.{}.{signature}", encode(&header), encode(&payload));
        for text in [text, built] {
            prop_assert!(verify_now(&text).is_err());
            let _any = claimed_audience(&text);
        }
    }
}
