//! The websocket server of codraft: a pure hub that decides, and tasks that perform what it decided.

pub mod access;
pub mod commands;
pub mod config;
pub mod connection;
pub mod directory;
pub mod document;
pub mod http;
pub mod hub;
pub mod outbox;
pub mod registry;
pub mod server;
pub mod storage;
