//! `POST /auth/tickets`: what a page opens a socket with, whose handshake takes no header.

use axum::extract::State;
use contracts::accounts::Ticket;
use domain::{Error, ErrorKind};
use http::StatusCode;
use ports::Platform;
use store::tickets::{self, MOST, NewTicket};
use web::{Json, NoStore, Outcome, SignedIn};

/// For how many seconds a ticket is good.
const LIFETIME: u32 = 30;

pub(crate) async fn create(
    State(platform): State<Platform>,
    signed_in: SignedIn,
) -> Outcome<(StatusCode, NoStore<Json<Ticket>>)> {
    let mut random = [0; 32];
    platform.random.fill(&mut random);
    let ticket = auth::ticket_of(random);
    let now = platform.clock.now();
    let new = NewTicket {
        hash: &auth::ticket_hash(&ticket),
        user: signed_in.account.id,
        login: signed_in.login.id,
        token_expires_at: signed_in.token_expires_at,
        now,
        expires_at: now + i64::from(LIFETIME) * 1_000,
    };
    if !tickets::insert(&*platform.sql, &new).await? {
        let detail = format!("An account has at most {MOST} tickets that were not used");
        let error = Error::new(ErrorKind::TooManyRequests, detail);
        return Err(error.retry_in(LIFETIME).into());
    }
    let body = Ticket {
        ticket: ticket.into(),
        expires_in: LIFETIME.into(),
    };
    Ok((StatusCode::CREATED, NoStore(Json(body))))
}
