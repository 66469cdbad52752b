//! End to end: real components in edge-host with the real runner.
