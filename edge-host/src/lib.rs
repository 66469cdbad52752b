//! Serves a spin.toml with embedded wasmtime.
