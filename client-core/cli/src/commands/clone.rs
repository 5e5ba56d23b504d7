//! `codraft clone`.

use crate::context::{Context, runtime};
use crate::failure::Failure;
use crate::output;
use codraft_client_core::sync;
use codraft_client_core::working_copy::{Config, FILE, WorkingCopy};
use codraft_protocol::id::DocumentId;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Clone {
    /// The document's id
    document: DocumentId,
    /// The folder, empty or not there yet [default: the document's symbol, or its id]
    dir: Option<PathBuf>,
}

impl Clone {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let token = context.token.clone();
        let api = context.api()?;
        let token = token.ok_or_else(|| {
            Failure::new(Failure::USAGE, "which token? Give --token TOKEN, or set CODRAFT_TOKEN")
        })?;
        let me = api.me()?;
        let document = api.document(&self.document.to_string())?;
        let dir = self.dir.unwrap_or_else(|| {
            let symbol = document.symbol.replace(['/', '\\', '\0'], "-");
            PathBuf::from(if symbol.trim_matches(['.', ' ']).is_empty() {
                document.id.clone()
            } else {
                symbol
            })
        });
        let existed = dir.exists();
        let config = Config {
            server: api.server().to_owned(),
            token,
            document: document.id.clone(),
            symbol: document.symbol.clone(),
            role: me.account.role,
            delegation: me.account.delegation.clone().or_else(|| {
                let pen = me.account.role == codraft_protocol::id::Role::Secretariat;
                pen.then(codraft_protocol::id::DelegationCode::secretariat)
            }),
            name: me.name.clone(),
        };
        let mut copy = WorkingCopy::create(&dir, config)?;
        let cloned = runtime()?.block_on(sync::once(&mut copy));
        if let Err(error) = cloned {
            // Nothing of anybody's is in it yet.
            drop(copy);
            let partial = if existed { dir.join(".codraft") } else { dir.clone() };
            let _ = std::fs::remove_dir_all(partial);
            return Err(error.into());
        }
        copy.keep_index();
        let who = copy
            .config()
            .delegation
            .as_ref()
            .map_or_else(|| me.account.role.to_string(), ToString::to_string);
        output::note(format!("cloned “{}” for {who}; edit {}", document.title, dir.join(FILE).display()));
        Ok(())
    }
}
