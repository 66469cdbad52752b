//! Request and response types of the documented APIs, and their OpenAPI document; no IO.
