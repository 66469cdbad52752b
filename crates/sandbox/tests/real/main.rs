//! The registry over real backends: attacks from inside, and runners that are killed.
//!
//! The tests over containers run where `ATELIER_DOCKER_HOST` names an engine that has the image
//! `ATELIER_DOCKER_IMAGE` (`tests/docker/engine.sh` makes both), and say so where they do not.

mod attacks;
mod canaries;
mod crashes;
mod life;
mod site;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod support;
