//! The registry over real backends: attacks from inside, and runners that are killed.
//!
//! The tests over containers run where `ATELIER_DOCKER_HOST` names an engine that has the image
//! `ATELIER_DOCKER_IMAGE` (`tests/docker/engine.sh` makes both), and say so where they do not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod attacks;
mod canaries;
mod crashes;
mod life;
mod projects;
mod site;
#[path = "../support/mod.rs"]
mod support;

/// Containers are root's to make here; the rest holds for everybody.
#[test]
fn all_of_it_as_an_ordinary_user() {
    support::again_as_an_ordinary_user();
}
