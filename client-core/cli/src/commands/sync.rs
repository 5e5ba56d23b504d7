//! `codraft sync`.

use crate::context::{Context, runtime};
use crate::failure::Failure;
use crate::output::{self, Paint, count};
use codraft_client_core::replica::Replica;
use codraft_client_core::state::State;
use codraft_client_core::sync::{self, Notice, Summary};
use codraft_client_core::working_copy::{FILE, WorkingCopy};
use codraft_protocol::api::Proposal;
use std::collections::BTreeMap;

#[derive(clap::Args)]
pub(crate) struct Sync {
    /// Stay connected and sync whatever changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
    /// Print what was done as JSON
    #[arg(long, conflicts_with = "watch")]
    json: bool,
}

/// Server and token from flags or environment are used from now on.
pub(crate) fn settle(copy: &mut WorkingCopy, context: &Context) -> Result<(), Failure> {
    let mut config = copy.config().clone();
    if let Some(server) = &context.server {
        config.server = codraft_client_core::api::server(server)?;
    }
    let other_token = context.token.as_ref().filter(|token| **token != config.token);
    if let Some(token) = other_token {
        let api = codraft_client_core::api::Api::new(&config.server, token)?;
        let me = api.me()?;
        if me.account.delegation != config.delegation.clone().filter(|code| !code.is_secretariat()) {
            let of = config.delegation.as_ref().map_or_else(|| config.role.to_string(), ToString::to_string);
            let given =
                me.account.delegation.map_or_else(|| me.account.role.to_string(), |code| code.to_string());
            return Err(Failure::new(
                Failure::USAGE,
                format!(
                    "this working copy is {of}'s, and the token given is {given}'s; clone the document again for {given}"
                ),
            ));
        }
        config.token.clone_from(token);
    }
    if config != *copy.config() {
        copy.set_config(config)?;
    }
    Ok(())
}

impl Sync {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut copy = Context::open()?;
        // Recorded first: whatever happens to the network, the edits are safe.
        copy.take()?;
        if let Err(failure) = settle(&mut copy, context) {
            return Err(if failure.is_offline() { offline(&copy, &failure) } else { failure });
        }
        if self.watch {
            return watch(&mut copy);
        }
        let before = copy.replica.clone();
        let outcome = runtime()?.block_on(sync::once(&mut copy));
        let summary = outcome.map_err(|error| {
            let failure = Failure::from(error);
            if failure.is_offline() { offline(&copy, &failure) } else { failure }
        })?;
        if self.json {
            output::json(&serde_json::json!({
                "sent": summary.sent,
                "received": summary.received,
                "refused": summary.refused,
                "rendered": summary.rendered,
                "unsent": copy.replica.unacknowledged().len(),
            }));
        } else {
            tell(&summary, &before, &copy);
        }
        copy.keep_index();
        match summary.refused {
            None => Ok(()),
            Some(reason) => Err(Failure::new(
                Failure::REFUSED,
                format!(
                    "the server refused your changes: {reason}. Your words are kept here and in the server's quarantine; \
                     'codraft reset' starts from the server's document and keeps your text as edits anew"
                ),
            )),
        }
    }
}

fn offline(copy: &WorkingCopy, failure: &Failure) -> Failure {
    let unsent = copy.replica.unacknowledged().len();
    let kept = match unsent {
        0 => "nothing waits to be sent".to_owned(),
        n => format!(
            "{} recorded here and will be sent with the next sync",
            count(n, "change is", "changes are")
        ),
    };
    Failure::new(Failure::OFFLINE, format!("offline ({failure}); {kept}"))
}

/// The proposals as they were known before, and as they are now; none where they cannot be derived.
fn proposals(before: &Replica, copy: &WorkingCopy) -> (Vec<Proposal>, Vec<Proposal>) {
    let Ok(document) = copy.config().document_id() else { return (Vec::new(), Vec::new()) };
    if copy.replica.is_as(before) {
        return (Vec::new(), Vec::new());
    }
    copy.replica.proposals_since(before, document).unwrap_or_default()
}

fn tell(summary: &Summary, before: &Replica, copy: &WorkingCopy) {
    let (before, after) = proposals(before, copy);
    let paint = Paint::stdout();
    let sent = match summary.sent {
        0 => "nothing to send".to_owned(),
        n => format!("sent {}", count(n, "change", "changes")),
    };
    let received = if summary.received.is_empty() {
        "nothing new from others".to_owned()
    } else {
        format!("received changes of {}", output::senders(paint, &summary.received))
    };
    output::line(format!("{sent}; {received}"));
    let old: BTreeMap<_, _> = before.iter().map(|one| (&one.id, one)).collect();
    for one in &after {
        let what = match old.get(&one.id) {
            None => "new",
            Some(known) if known.segments != one.segments || known.sponsors != one.sponsors => "changed",
            Some(_) => continue,
        };
        let place = format!("{} {}", one.provision.heading, one.provision.enumerator);
        let mark = format!("{:?}", one.mark).to_uppercase();
        let collides = match one.collides_with.len() {
            0 => String::new(),
            n => format!("  {}", paint.with("1;31", &format!("collides with {n}"))),
        };
        output::line(format!(
            "  {what}: {mark} {}  {}{collides}",
            place.trim(),
            output::codes(paint, &one.sponsors)
        ));
    }
    if !summary.rendered {
        output::line(format!("{FILE} was edited meanwhile and is left as it is; sync again"));
    }
}

fn watch(copy: &mut WorkingCopy) -> Result<(), Failure> {
    let paint = Paint::stdout();
    let (file, config) = (copy.file().display().to_string(), copy.config());
    let who = config.delegation.as_ref().map_or_else(|| config.role.to_string(), ToString::to_string);
    output::line(format!("watching {file} for {}; Ctrl-C ends it", paint.delegation(&who)));
    let runtime = runtime()?;
    runtime.block_on(async {
        let stop = async {
            // Without signals there is no way to be told; then it ends with the terminal.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        sync::watch(copy, stop, |notice| {
            output::line(match notice {
                Notice::State(state @ State::InSync) => paint.with("32", &state.to_string()),
                Notice::State(state @ State::Refused { .. }) => paint.with("1;31", &state.to_string()),
                Notice::State(state) => paint.dim(&state.to_string()),
                Notice::Recorded => "your edits are recorded".to_owned(),
                Notice::Received(from) => format!("received changes of {}", output::senders(paint, &from)),
                Notice::Rendered => format!("{FILE} is up to date"),
                Notice::NotTaken(reason) => format!("{} {reason}", paint.with("1;31", "not taken in:")),
            });
        })
        .await
    })?;
    Ok(())
}
