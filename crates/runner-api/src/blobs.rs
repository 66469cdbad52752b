//! Bytes that the edge has the runner keep: files that are too large for key-value.
//!
//! | request | answer |
//! |---|---|
//! | `PUT /v1/blobs/{uuid}?from=N&last=BOOL`, a piece | 204; 409 when the bytes before `N` are not there, 413, 507 |
//! | `GET /v1/blobs/{uuid}` | 200, the bytes; 404 when there are none, or not all of them |
//! | `DELETE /v1/blobs/{uuid}` | 204, also where there is nothing |
//!
//! A piece that is sent again takes the place of what was there from `N` on. After the answer to
//! the last one all are on disk, and none follows it.

/// The largest piece, in bytes.
pub const PIECE_MAX_BYTES: usize = 4 << 20;

/// The most bytes that are kept under one name.
pub const BLOB_MAX_BYTES: u64 = 256 << 20;
