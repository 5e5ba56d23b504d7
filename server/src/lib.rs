//! The websocket server of codraft: a pure hub that decides, and tasks that perform what it decided.

pub mod access;
pub mod access_log;
pub mod address;
pub mod commands;
pub mod config;
pub mod connection;
pub mod direct;
pub mod directory;
pub mod document;
pub mod door;
pub mod drafts;
mod echo;
mod figures;
pub mod http;
pub mod hub;
pub mod notify;
pub mod outbox;
pub mod overview;
mod patience;
pub mod pieces;
pub mod places;
pub mod registry;
pub mod server;
pub mod storage;
pub mod stream;
pub mod throttle;
pub mod tls;
