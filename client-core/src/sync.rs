//! Brings a working copy up to date with its server: once, or as long as somebody watches.

use crate::api::{Api, ApiError};
use crate::backoff::Backoff;
use crate::link::{Incoming, Link, LinkError};
use crate::replica::Replica;
use crate::state::State;
use crate::store::{Facts, Heads};
use crate::working_copy::{CopyError, Taken, WorkingCopy};
use codraft_protocol::id::DelegationCode;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// How long the server may say nothing while something is under way.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long other messages may still come after a refusal.
const AFTER_REFUSAL: Duration = Duration::from_millis(700);
/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(300);

/// Why it did not.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The connection.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The HTTP side.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The working copy.
    #[error(transparent)]
    Copy(#[from] CopyError),
}

/// What somebody who watches is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// How the replica stands.
    State(State),
    /// Edits of the file were recorded.
    Recorded,
    /// Changes came in, by these delegations.
    Received(BTreeMap<String, usize>),
    /// The file holds the merged text.
    Rendered,
    /// The file cannot be taken in as it is now; it is looked at again when it changes.
    NotTaken(String),
}

/// A roster: each actor's bytes, with its delegation's code.
pub type Listed = Vec<(Vec<u8>, String)>;

/// What a sync did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Changes that the server has taken.
    pub sent: usize,
    /// Changes that came in, by delegation.
    pub received: BTreeMap<String, usize>,
    /// Why the server refused something.
    pub refused: Option<String>,
    /// Whether the file is the merged text.
    pub rendered: bool,
}

fn peer() -> Result<String, CopyError> {
    Ok(format!("codraft-cli-{}", crate::working_copy::new_actor()?.to_hex_string()))
}

async fn connect(copy: &WorkingCopy) -> Result<Link, SyncError> {
    let config = copy.config();
    Ok(Link::open(&config.server, &config.token, &config.document, &peer()?).await?)
}

/// What the server knows beside the document. It is not asked for a `roster` that is given: that comes with the
/// attribution of every word.
///
/// # Errors
/// [`ApiError`]
pub fn facts(api: &Api, document: &str, roster: Option<Listed>) -> Result<Facts, ApiError> {
    let described = api.document(document)?;
    let baseline = described.baseline;
    let ledger = api.ledger(document)?;
    let delegations = api.delegations()?.delegations;
    let hex = |text: &str| -> Vec<u8> {
        let digits = text.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
        digits.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
    };
    let asked = || -> Result<Listed, ApiError> {
        let roster = api.attribution(document)?.roster;
        Ok(roster.iter().map(|(actor, code)| (hex(actor), code.to_string())).collect())
    };
    Ok(Facts {
        baseline: baseline.heads.iter().filter_map(|head| hex(head).try_into().ok()).collect(),
        roster: roster.map_or_else(asked, Ok)?,
        names: delegations.into_iter().map(|one| (one.code.to_string(), one.name)).collect(),
        imported: described.created.0,
        ledger: ledger.entries.iter().filter_map(|entry| serde_json::to_string(entry).ok()).collect(),
        late: ledger.late.iter().filter_map(|hash| hex(hash).try_into().ok()).collect(),
    })
}

/// Fetches them, without holding up the runtime.
async fn fetch_facts(copy: &mut WorkingCopy) -> Result<(), SyncError> {
    let config = copy.config().clone();
    let known = copy.replica.knows_all_authors().then(|| copy.replica.facts().roster.clone());
    let fetched = tokio::task::spawn_blocking(move || {
        let api = Api::new(&config.server, &config.token)?;
        facts(&api, &config.document, known)
    });
    let fetched = fetched.await.map_err(|error| LinkError::Offline(error.to_string()))??;
    Ok(copy.learn(fetched)?)
}

/// Whose the changes are that were not there before, and how many of each.
fn authors(replica: &Replica, before: &Heads, own: Option<&DelegationCode>) -> BTreeMap<String, usize> {
    let others = replica
        .authors_since(before)
        .into_iter()
        .filter(|(author, _)| author.is_none() || author.as_ref() != own);
    let named =
        others.map(|(author, n)| (author.map_or_else(|| "unknown".to_owned(), |code| code.to_string()), n));
    named.collect()
}

/// Takes in the file, exchanges everything with the server, and writes the merged text into the file.
///
/// # Errors
/// [`SyncError`]; what was recorded stays recorded.
pub async fn once(copy: &mut WorkingCopy) -> Result<Summary, SyncError> {
    copy.take()?;
    let before = copy.replica.heads();
    let unsent = copy.replica.unacknowledged().len();
    let mut link = connect(copy).await?;
    let mut summary = Summary::default();
    loop {
        exchange(copy, &mut link, &mut summary).await?;
        copy.acknowledged()?;
        // What was saved in an editor meanwhile goes along.
        if summary.refused.is_some() || copy.take()? == Taken::Nothing {
            break;
        }
        for message in copy.replica.messages().map_err(CopyError::from)? {
            link.send(message).await?;
        }
    }
    link.close().await;
    copy.refused(summary.refused.clone())?;
    fetch_facts(copy).await?;
    summary.rendered = copy.render()?;
    summary.sent = unsent.saturating_sub(copy.replica.unacknowledged().len());
    summary.received = authors(&copy.replica, &before, copy.replica.delegation());
    Ok(summary)
}

/// Until both sides have the same, or the server has refused something.
async fn exchange(copy: &mut WorkingCopy, link: &mut Link, summary: &mut Summary) -> Result<(), SyncError> {
    for message in copy.replica.connect().map_err(CopyError::from)? {
        link.send(message).await?;
    }
    let mut deadline = Instant::now() + PATIENCE;
    while !copy.replica.is_in_sync() {
        let waited = tokio::select! {
            incoming = link.next() => Some(incoming?),
            () = sleep_until(deadline) => None,
        };
        match waited {
            Some(Incoming::Sync(message)) => {
                for answer in copy.receive(&message)?.messages {
                    link.send(answer).await?;
                }
                if summary.refused.is_none() {
                    deadline = Instant::now() + PATIENCE;
                }
            }
            Some(Incoming::Refused(reason)) => {
                let reason = reason.strip_prefix("refused: ").map_or(reason.clone(), str::to_owned);
                summary.refused.get_or_insert(reason);
                deadline = Instant::now() + AFTER_REFUSAL;
            }
            None if summary.refused.is_some() => return Ok(()),
            None => return Err(LinkError::Offline("the server says nothing".to_owned()).into()),
        }
    }
    Ok(())
}

/// Fetches the whole document anew.
///
/// # Errors
/// [`SyncError`]
pub async fn fetch(copy: &WorkingCopy) -> Result<Replica, SyncError> {
    let mut link = connect(copy).await?;
    let mut replica = Replica::new(copy.config().writer());
    for message in replica.connect().map_err(CopyError::from)? {
        link.send(message).await?;
    }
    while !replica.is_in_sync() {
        let incoming = timeout(PATIENCE, link.next()).await;
        let silent = |_| LinkError::Offline("the server says nothing".to_owned());
        if let Incoming::Sync(message) = incoming.map_err(silent)?? {
            for answer in replica.receive(&message, crate::now()).map_err(CopyError::from)?.messages {
                link.send(answer).await?;
            }
        }
    }
    link.close().await;
    Ok(replica)
}

/// Keeps the working copy in sync until `stop` resolves; tells what happens.
///
/// # Errors
/// [`SyncError`] where going on would not help.
pub async fn watch(
    copy: &mut WorkingCopy,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(Notice),
) -> Result<(), SyncError> {
    tokio::pin!(stop);
    let mut backoff = Backoff::default();
    loop {
        let ended = tokio::select! {
            () = &mut stop => None,
            ended = live(copy, &mut backoff, &mut tell) => Some(ended),
        };
        let reason = match ended {
            None => {
                // What was saved last is recorded, even if it is sent another time.
                copy.take()?;
                return Ok(());
            }
            Some(Err(SyncError::Link(LinkError::Offline(reason)))) => reason,
            Some(Err(SyncError::Api(error @ ApiError::Offline { .. }))) => error.to_string(),
            Some(Err(error)) => return Err(error),
            Some(Ok(())) => return Ok(()),
        };
        let luck = new_luck()?;
        let wait = backoff.failed(luck);
        tell(Notice::State(State::Offline { reason, retry_in: Some(wait) }));
        let again = Instant::now() + wait;
        let mut seen = None;
        while Instant::now() < again {
            tokio::select! {
                () = &mut stop => {
                    copy.take()?;
                    return Ok(());
                }
                () = sleep_until(again.min(Instant::now() + LOOK)) => look(copy, &mut seen, &mut tell)?,
            };
        }
    }
}

fn new_luck() -> Result<u64, CopyError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| CopyError::Randomness(error.to_string()))?;
    Ok(u64::from_le_bytes(bytes))
}

/// Takes in the file where it has changed since it was `seen`. Returns whether edits were recorded.
fn look(
    copy: &mut WorkingCopy,
    seen: &mut Option<std::time::SystemTime>,
    tell: &mut impl FnMut(Notice),
) -> Result<bool, SyncError> {
    let modified = std::fs::metadata(copy.file()).and_then(|metadata| metadata.modified()).ok();
    if modified.is_some() && modified == *seen {
        return Ok(false);
    }
    *seen = modified;
    match copy.take() {
        Ok(Taken::Edits) => {
            tell(Notice::Recorded);
            Ok(true)
        }
        Ok(Taken::Nothing) => Ok(false),
        // An editor may just be writing it, and people make mistakes: the next save is looked at again.
        Err(error @ (CopyError::NoFile | CopyError::Replica(_) | CopyError::ReadOnly(_))) => {
            tell(Notice::NotTaken(error.to_string()));
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// One connection, as long as it lasts.
async fn live(
    copy: &mut WorkingCopy,
    backoff: &mut Backoff,
    tell: &mut impl FnMut(Notice),
) -> Result<(), SyncError> {
    tell(Notice::State(State::Syncing));
    let mut link = connect(copy).await?;
    for message in copy.replica.connect().map_err(CopyError::from)? {
        link.send(message).await?;
    }
    let (mut seen, mut shown) = (None, State::Syncing);
    let mut before = copy.replica.heads();
    let mut refused: Option<String> = None;
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            incoming = link.next() => match incoming? {
                Incoming::Sync(message) => {
                    for answer in copy.receive(&message)?.messages {
                        link.send(answer).await?;
                    }
                }
                Incoming::Refused(reason) => {
                    let reason = reason.strip_prefix("refused: ").map_or(reason.clone(), str::to_owned);
                    copy.refused(Some(reason.clone()))?;
                    refused = Some(reason);
                }
            },
            _ = tick.tick() => {
                if look(copy, &mut seen, tell)? {
                    for message in copy.replica.messages().map_err(CopyError::from)? {
                        link.send(message).await?;
                    }
                }
            }
        }
        let state = match &refused {
            Some(reason) => State::Refused { reason: reason.clone() },
            None if copy.replica.is_in_sync() => State::InSync,
            None => State::Syncing,
        };
        if copy.replica.is_in_sync() && copy.replica.rendered() != copy.replica.heads() {
            backoff.worked();
            copy.acknowledged()?;
            let received = authors(&copy.replica, &before, copy.replica.delegation());
            before = copy.replica.heads();
            if !received.is_empty() {
                fetch_facts(copy).await?;
                tell(Notice::Received(received));
            }
            if copy.render()? {
                tell(Notice::Rendered);
                seen = std::fs::metadata(copy.file()).and_then(|metadata| metadata.modified()).ok();
            }
        }
        if state == State::InSync && state != shown {
            copy.acknowledged()?;
            copy.refused(None)?;
        }
        if state != shown {
            tell(Notice::State(state.clone()));
            shown = state;
        }
    }
}
