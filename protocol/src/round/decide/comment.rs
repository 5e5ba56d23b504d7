//! Comments: who says what about which words.

use super::{Plan, Work};
use crate::api::{By, NewComment, NewReply};
use crate::authorship::OpId;
use crate::authorship::anchor::Chosen;
use crate::id::{ProvisionId, Role};
use crate::round::{Act, Floor, OpRef, Refusal};

/// Longest comment or reply, in characters.
const TEXT: usize = 4_000;
/// Most characters that a comment is on.
const WORDS: usize = 1_000;
/// Most comments and replies of one document.
const MOST: usize = 10_000;
/// Longest key, in bytes.
const KEY: usize = 64;

fn plan(act: Act) -> Plan {
    Plan { work: Work::Nothing, ..Plan::of(act) }
}

/// What is said, as it is kept.
fn said(text: &str) -> Result<String, Refusal> {
    let text = text.trim().replace("\r\n", "\n");
    // What is written to somebody's terminal must not steer it.
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.is_empty() || text.chars().count() > TEXT || text.chars().any(odd) {
        return Err(Refusal::BadComment { limit: TEXT });
    }
    Ok(text)
}

fn room(floor: &Floor<'_>) -> Result<(), Refusal> {
    let all = floor.ledger.comments().iter().map(|one| 1 + one.replies.len());
    if all.sum::<usize>() >= MOST { Err(Refusal::TooManyComments { limit: MOST }) } else { Ok(()) }
}

/// The key that is sent along, where there is one.
fn key(given: Option<&String>) -> Result<Option<String>, Refusal> {
    let fits = |key: &str| (1..=KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if given.is_some_and(|key| !fits(key)) { Err(Refusal::BadKey { limit: KEY }) } else { Ok(given.cloned()) }
}

/// Comments. `None`: its author has said this already, with the same key.
pub(super) fn comment(floor: &Floor<'_>, new: &NewComment, by: &By) -> Result<Option<Plan>, Refusal> {
    let (text, key) = (said(&new.text)?, key(new.key.as_ref())?);
    let who = by.name();
    if key.is_some() && floor.ledger.comments().iter().any(|one| one.key == key && one.by.name() == who) {
        return Ok(None);
    }
    room(floor)?;
    let id = ProvisionId(new.provision.clone());
    let unknown = || Refusal::UnknownProvision(id.0.chars().take(64).collect());
    let body = floor.index.provision_named(&id, floor.settled).ok_or_else(unknown)?;
    let provision = floor.index.named(&id, floor.settled).ok_or_else(unknown)?;
    let chosen = chosen(floor, body, new)?;
    if chosen.text.chars().count() > WORDS {
        return Err(Refusal::TooManyWords { limit: WORDS });
    }
    let words = chosen.spans.iter().filter_map(|(first, len)| Some((OpRef::of(floor.index, *first)?, *len)));
    let number = u32::try_from(floor.ledger.comments().len()).unwrap_or(u32::MAX).saturating_add(1);
    let (words, quote) = (words.collect(), chosen.text);
    Ok(Some(plan(Act::Comment { comment: number, provision, words, quote, text, key })))
}

/// The words that are meant; none: the whole provision.
fn chosen(floor: &Floor<'_>, body: OpId, new: &NewComment) -> Result<Chosen, Refusal> {
    let op = |written: &str| {
        let op: Option<OpRef> = written.parse().ok();
        op.and_then(|op| op.in_index(floor.index)).ok_or(Refusal::UnknownWords)
    };
    match (&new.from, &new.to, &new.words) {
        (None, None, None) => Ok(Chosen::default()),
        (Some(from), Some(to), None) => {
            let between = floor.index.words_between(body, op(from)?, op(to)?);
            between.filter(|words| !words.text.is_empty()).ok_or(Refusal::UnknownWords)
        }
        (None, None, Some(words)) if new.within.is_some() => {
            let then = new.within.as_deref().unwrap_or_default();
            let nth = new.occurrence.unwrap_or(1);
            floor.index.words_still_saying(body, words, nth, then).ok_or(Refusal::UnknownWords)
        }
        (None, None, Some(words)) => {
            let mut found = floor.index.words_saying(body, words);
            let many = found.len();
            match new.occurrence {
                Some(one) if (1..=many).contains(&one) => Ok(found.swap_remove(one - 1)),
                None if many > 1 => Err(Refusal::AmbiguousWords(many)),
                None => found.pop().ok_or(Refusal::UnknownWords),
                Some(_) => Err(Refusal::UnknownWords),
            }
        }
        _ => Err(Refusal::UnknownWords),
    }
}

/// Replies. `None`: its author has said this already, with the same key.
pub(super) fn reply(
    floor: &Floor<'_>,
    number: u32,
    new: &NewReply,
    by: &By,
) -> Result<Option<Plan>, Refusal> {
    let (text, key) = (said(&new.text)?, key(new.key.as_ref())?);
    let who = by.name();
    if find(floor, number)?.replies.iter().any(|one| key.is_some() && one.key == key && one.by == who) {
        return Ok(None);
    }
    room(floor)?;
    Ok(Some(plan(Act::Reply { comment: number, text, key })))
}

/// Resolves, or opens again. `None`: it is so already.
pub(super) fn resolve(
    floor: &Floor<'_>,
    number: u32,
    resolved: bool,
    by: &By,
) -> Result<Option<Plan>, Refusal> {
    let one = find(floor, number)?;
    let presides = matches!(by.role, Some(Role::Chair | Role::Secretariat));
    // What a delegation asks must not be put away by another one.
    if !presides && one.by.delegation != by.delegation {
        return Err(Refusal::NotYourComment(number));
    }
    Ok((one.resolved.is_some() != resolved).then(|| plan(Act::Resolve { comment: number, resolved })))
}

fn find<'a>(floor: &Floor<'a>, number: u32) -> Result<&'a crate::round::Comment, Refusal> {
    let found = floor.ledger.comments().iter().find(|one| one.number == number);
    found.ok_or(Refusal::UnknownComment(number))
}
