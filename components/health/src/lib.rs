//! Health, the OpenAPI document, migrations over HTTP, and the answer to unknown paths.
