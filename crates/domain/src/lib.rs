//! Ids, entities, values and the one error type; no IO.
