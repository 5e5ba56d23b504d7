//! The pure hub of one document: events in, effects out.
