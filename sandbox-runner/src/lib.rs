//! The native companion: front door, mail, health.
