//! `codraft access-log`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};

#[derive(clap::Args)]
pub(crate) struct AccessLog {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// How many entries, from the newest back
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: u64,
    /// Only entries before this number
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
}

impl AccessLog {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let listing = context.api()?.access_log(self.before, self.limit)?;
        if self.json {
            output::json(&listing);
            return Ok(());
        }
        let paint = Paint::stdout();
        for one in &listing.entries {
            let claimed = || one.claimed.as_ref().map(|claimed| format!("({claimed}?)"));
            let who = one.ticket.clone().or_else(|| one.account.clone()).or_else(claimed);
            let who = who.unwrap_or_else(|| "somebody".to_owned());
            let left_out = if one.left_out == 0 {
                String::new()
            } else {
                format!(" [{} refusals before this one were not noted]", one.left_out)
            };
            output::line(format!(
                "#{} {} {} {who} from {} {}{left_out}",
                one.number,
                one.at,
                paint.bold(&one.kind),
                one.address,
                one.detail
            ));
        }
        Ok(())
    }
}
