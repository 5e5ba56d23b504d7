//! Those who decide: what a chair, a secretariat and delegates ask for, from what lies before the house.

use codraft_protocol::api::{
    By, Decision, NewComment, NewReply, NewRuling, NewRulings, RoundState, SegmentKind, Status,
};
use codraft_protocol::id::{ProvisionId, Role};
use codraft_protocol::round::Command;
use codraft_protocol::time::Timestamp;
use codraft_server::hub::Hub;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

const DECISIONS: [Decision; 4] = [Decision::Adopt, Decision::Reject, Decision::Bracket, Decision::Defer];

/// Somebody who presides.
pub fn presiding(role: Role) -> By {
    By { account: format!("{role}-1"), role: Some(role), delegation: None }
}

/// What somebody asks for now, and who. `delegates` are those who may write.
pub fn wish(hub: &Hub, delegates: &[By], now: Timestamp, rng: &mut StdRng) -> (By, Command) {
    let state = hub.rounds().rounds.last().map(|round| round.state);
    let who =
        |rng: &mut StdRng| delegates.choose(rng).cloned().unwrap_or_else(|| presiding(Role::Secretariat));
    let presides =
        |rng: &mut StdRng| presiding(if rng.random_bool(0.5) { Role::Chair } else { Role::Secretariat });
    match (rng.random_range(0..20), state) {
        (0..3, Some(RoundState::Open)) => (presides(rng), Command::Close),
        (3, Some(RoundState::Open)) => {
            let deadline = Some(Timestamp(now.0 + rng.random_range(-5_000..60_000)));
            (presides(rng), Command::Deadline { deadline })
        }
        (0..7, Some(RoundState::Closed)) => (presiding(Role::Chair), Command::Rule(rulings(hub, rng))),
        (7..9, Some(RoundState::Closed)) => (presiding(Role::Secretariat), Command::Conclude),
        (0..9, Some(RoundState::Concluded)) => {
            let deadline = rng.random_bool(0.2).then(|| Timestamp(now.0 + rng.random_range(1..60_000)));
            (presides(rng), Command::Open { deadline })
        }
        (9..12, _) => (who(rng), sponsoring(hub, rng)),
        (12..17, _) => {
            let by = if rng.random_bool(0.3) { presides(rng) } else { who(rng) };
            (by, commenting(hub, rng))
        }
        (17, _) => (presiding(Role::Secretariat), editing(hub, rng)),
        (18, _) => (presides(rng), Command::Number),
        // Now and then what does not fit.
        _ => {
            let round = [Command::Close, Command::Conclude, Command::Open { deadline: None }];
            let rule = Command::Rule(rulings(hub, rng));
            let unfit = round.into_iter().chain([rule]).collect::<Vec<_>>();
            (presiding(Role::Chair), unfit.choose(rng).cloned().unwrap_or(Command::Settle))
        }
    }
}

/// Rulings on some of what there is, settled or not.
fn rulings(hub: &Hub, rng: &mut StdRng) -> NewRulings {
    if rng.random_bool(0.15) {
        let reason = "nobody is against it".to_owned();
        return NewRulings { consensual: true, reason, ..NewRulings::default() };
    }
    let all = hub.proposals().proposals;
    let decision = DECISIONS[rng.random_range(0..4)];
    let count = rng.random_range(1..4);
    let rulings = all.choose_multiple(rng, count).cloned().collect::<Vec<_>>().into_iter().map(|one| {
        let marked = (0..one.segments.len()).filter(|n| one.segments[*n].kind != SegmentKind::Kept);
        let marked: Vec<usize> = marked.filter(|_| rng.random_bool(0.6)).collect();
        let in_part = decision == Decision::Adopt && rng.random_bool(0.3) && !marked.is_empty();
        let settled = matches!(one.status, Status::Agreed | Status::Rejected);
        NewRuling {
            proposal: one.number.filter(|_| rng.random_bool(0.7)).unwrap_or(one.id.0),
            decision: if rng.random_bool(0.8) { decision } else { DECISIONS[rng.random_range(0..4)] },
            segments: in_part.then_some(marked),
            reason: "because".to_owned(),
            revisit: settled || rng.random_bool(0.4),
        }
    });
    NewRulings { rulings: rulings.collect(), ..NewRulings::default() }
}

fn sponsoring(hub: &Hub, rng: &mut StdRng) -> Command {
    let all = hub.proposals().proposals;
    let proposal = all.choose(rng).map_or_else(|| "CAN/1".to_owned(), |one| one.id.0.clone());
    match rng.random_range(0..5) {
        0 | 1 => Command::Join { proposal },
        2 | 3 => Command::Withdraw { proposal },
        _ => Command::Reason { proposal, text: "for clarity".to_owned() },
    }
}

fn commenting(hub: &Hub, rng: &mut StdRng) -> Command {
    let comments = hub.comments().comments;
    let known = comments.choose(rng).map(|one| one.number);
    match (rng.random_range(0..6), known) {
        (0, Some(comment)) => {
            Command::Reply { comment, reply: NewReply { text: "noted".to_owned(), key: None } }
        }
        (1, Some(comment)) => Command::Resolve { comment, resolved: rng.random_bool(0.8) },
        _ => Command::Comment(comment(hub, rng)),
    }
}

/// On a provision, or on some of the words that stand in it.
fn comment(hub: &Hub, rng: &mut StdRng) -> NewComment {
    let all = hub.attribution().provisions;
    let text = format!("why? ({})", rng.random_range(0..100));
    let Some(one) = all.choose(rng) else { return NewComment { text, ..NewComment::default() } };
    let standing = one.runs.iter().filter(|run| run.struck_by.is_empty());
    let characters: Vec<char> = standing.flat_map(|run| run.text.chars()).collect();
    let from = rng.random_range(0..=characters.len());
    let to = rng.random_range(from..=characters.len().min(from + 12));
    let words = (from < to).then(|| characters[from..to].iter().collect());
    let occurrence = words.is_some().then_some(1);
    NewComment { provision: one.provision.id.0.clone(), text, words, occurrence, ..NewComment::default() }
}

/// What only the secretariat does.
fn editing(hub: &Hub, rng: &mut StdRng) -> Command {
    let all = hub.attribution().provisions;
    let any = |rng: &mut StdRng| all.choose(rng).map(|one| ProvisionId(one.provision.id.0.clone()));
    match (rng.random_bool(0.4), any(rng)) {
        (false, Some(provision)) => Command::Move { provision, behind: any(rng) },
        _ => Command::Renumber,
    }
}
