//! What codraft's own tests share: a real server process, the real command, a client made by hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod cli;
pub mod corpus;
pub mod fuzz;
pub mod hostile;
pub mod load;
pub mod node;
pub mod peer;
pub mod samod_transport;
pub mod scene;
pub mod server;
pub mod simulation;
pub mod writer;
