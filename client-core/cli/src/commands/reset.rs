//! `codraft reset`.

use super::sync::settle;
use crate::context::{Context, runtime};
use crate::failure::Failure;
use crate::output::{self, count};
use codraft_client_core::api::Api;
use codraft_client_core::store::Record;
use codraft_client_core::sync;
use codraft_client_core::working_copy::FILE;

#[derive(clap::Args)]
pub(crate) struct Reset {}

impl Reset {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut copy = Context::open()?;
        settle(&mut copy, context)?;
        let dropped = copy.replica.unacknowledged().len();
        let mut fetched = runtime()?.block_on(sync::fetch(&copy))?;
        let api = Api::new(&copy.config().server, &copy.config().token)?;
        let facts = sync::facts(&api, &copy.config().document, None)?;
        fetched.apply(Record::Facts(facts))?;
        fetched.apply(fetched.acknowledgement())?;
        let replica = copy.replica.reset(fetched);
        copy.replace(replica)?;
        let edits = copy.edits().map_or(0, |edits| edits.len());
        output::note(format!(
            "this copy now starts from the server's document; {} left behind. {FILE} is as it was: {} edited \
             ('codraft diff' shows what, 'codraft sync' sends it)",
            count(
                dropped,
                "change that the server did not have was",
                "changes that the server did not have were"
            ),
            count(edits, "provision is", "provisions are"),
        ));
        Ok(())
    }
}
