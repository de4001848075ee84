//! Calls into the prebuilt guests.
