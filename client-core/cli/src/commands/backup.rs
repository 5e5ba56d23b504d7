//! `codraft backup`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use std::fs::{self, File};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Backup {
    /// The file to write
    file: PathBuf,
}

impl Backup {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let shown = self.file.display();
        let failed = |error: std::io::Error| Failure::new(Failure::FAILED, format!("{shown}: {error}"));
        if self.file.exists() {
            return Err(Failure::new(
                Failure::FAILED,
                format!("{shown} exists; give the backup a name of its own"),
            ));
        }
        let mut from = context.api()?.backup()?;
        // Under its name only once all of it is there.
        let mut partial = self.file.clone().into_os_string();
        partial.push(".partial");
        let mut file = File::create(&partial).map_err(failed)?;
        let bytes = std::io::copy(&mut from, &mut file).and_then(|bytes| file.sync_all().map(|()| bytes));
        let bytes = bytes
            .map_err(|error| Failure::new(Failure::OFFLINE, format!("the backup broke off: {error}")))?;
        fs::rename(&partial, &self.file).map_err(failed)?;
        output::note(format!("{shown}: {bytes} bytes; check it with: codraft-server verify {shown}"));
        Ok(())
    }
}
