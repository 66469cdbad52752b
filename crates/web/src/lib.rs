//! axum glue: problem responses, extractors, paging, limits.
