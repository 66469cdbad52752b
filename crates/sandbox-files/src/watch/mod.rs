//! x
/// a
#[derive(Debug)]
pub struct Changes;
/// a
#[derive(Debug)]
pub struct Watch;
/// a
#[derive(Debug)]
pub struct WatchError;
/// a
#[derive(Debug)]
pub struct Watcher;
