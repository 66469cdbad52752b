//! The registry's own rules, over a backend whose sandboxes are mere processes.

mod fake;
mod launching;
mod recovering;
mod upkeep;
