//! What the runner and process 1 of a sandbox say to each other.
