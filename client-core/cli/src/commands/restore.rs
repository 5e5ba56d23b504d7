//! `codraft restore`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use codraft_client_core::working_copy::FILE;

#[derive(clap::Args)]
pub(crate) struct Restore {}

impl Restore {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if Context::open()?.restore_file()? {
            output::note(format!("{FILE} is there again, with every recorded edit"));
            return Ok(());
        }
        Err(Failure::new(
            Failure::FAILED,
            format!("{FILE} is there; move it away first if you want it as it last was"),
        ))
    }
}
