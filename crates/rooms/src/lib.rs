//! Rooms: numbered events of a session, kept for a while and fanned out.
