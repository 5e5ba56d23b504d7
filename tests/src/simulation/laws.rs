//! What must be true of a document, whatever has happened: checked against the log as it is stored, Automerge,
//! and the naive oracle.

use super::Violation;
use super::oracle::{self, Provision};
use super::truth::Truth;
use automerge::{Automerge, Change, ChangeHash, ReadDoc as _, TextEncoding};
use bytes::Bytes;
use codraft_protocol::amendment::{self, Context, View};
use codraft_protocol::api::{Field, Mark, Proposal, SegmentKind};
use codraft_protocol::authorship::Index;
use codraft_protocol::id::{DelegationCode, DocumentId};
use codraft_protocol::resolution::{edit, text_form};
use codraft_server::hub::Hub;
use rand::Rng as _;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, BTreeSet};

/// What was there before anybody proposed anything.
#[derive(Clone, Debug)]
pub struct Founding {
    /// The document.
    pub document: DocumentId,
    /// The imported text.
    pub text: String,
    /// The change that imported it.
    pub hash: ChangeHash,
}

fn differs<T: PartialEq + std::fmt::Debug>(
    law: &'static str,
    what: &str,
    ours: &T,
    theirs: &T,
) -> Result<(), Violation> {
    if ours == theirs {
        return Ok(());
    }
    Err(Violation::new(law, format!("{what}\n  expected {theirs:?}\n  found    {ours:?}")))
}

/// Everything that Automerge has to say about a log: it takes in every change, at once, and what it has can be
/// saved and loaded.
///
/// # Errors
/// [`Violation`]
pub fn applied(log: &[Bytes]) -> Result<(Automerge, Vec<Change>), Violation> {
    let law = "applies in Automerge";
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    let mut changes = Vec::new();
    for (number, raw) in log.iter().enumerate() {
        let change = Change::from_bytes(raw.to_vec()).map_err(|e| Violation::new(law, e.to_string()))?;
        doc.apply_changes([change.clone()]).map_err(|e| Violation::new(law, e.to_string()))?;
        if doc.get_change_by_hash(&change.hash()).is_none() {
            return Err(Violation::new(law, format!("change {number} of the log is not taken in")));
        }
        changes.push(change);
    }
    let again = Automerge::load(&doc.save())
        .map_err(|e| Violation::new(law, format!("saved, it does not load: {e}")))?;
    differs(law, "heads after saving and loading", &again.get_heads(), &doc.get_heads())?;
    Ok((doc, changes))
}

/// A resolution's text as Automerge has it.
///
/// # Errors
/// [`Violation`]
pub fn text(doc: &Automerge) -> Result<String, Violation> {
    let read = || -> Result<String, edit::EditError> {
        let (layout, lines) = (edit::layout(doc)?, edit::lines(doc)?);
        let parts = lines.iter().map(|l| (l.enumerator.as_str(), l.separator.as_str(), l.text.as_str()));
        Ok(text_form::write(&layout, parts))
    };
    read().map_err(|error| Violation::new("text", error.to_string()))
}

/// Checks a hub, everything in which is durable, against its log.
///
/// # Errors
/// The first law that does not hold.
pub fn check(
    hub: &mut Hub,
    log: &[Bytes],
    founding: &Founding,
    truth: &Truth,
    rng: &mut StdRng,
) -> Result<(), Violation> {
    let (doc, changes) = applied(log)?;
    let mut heads = doc.get_heads();
    heads.sort_unstable();
    differs("heads", "the hub's heads", &hub.heads(), &heads)?;
    differs("text", "the text as it stands", &hub.text(&View::Current), &text(&doc)?)?;
    differs("baseline", "the baseline", &hub.text(&View::Baseline), &founding.text)?;

    // Attribution: every deed in the record is that of the change that did it, and every change its author's.
    let record = hub.record();
    for meta in record.changes.iter() {
        differs(
            "attribution",
            &format!("whose {} is", meta.hash),
            &meta.delegation,
            &truth.author(&meta.hash)?,
        )?;
    }
    let naive = oracle::provisions(&changes);
    let ours = oracle::recorded(&record);
    differs(
        "attribution",
        "the provisions",
        &ours.iter().map(|p| &p.id).collect(),
        &naive.iter().map(|p| &p.id).collect::<Vec<_>>(),
    )?;
    for (ours, naive) in ours.iter().zip(&naive) {
        differs("attribution", &format!("the deeds in {}", naive.id), ours, naive)?;
    }
    let deeds = Deeds { founding, truth };
    attributed(hub, &deeds, &naive)?;

    // Proposals: the same in any order of arrival, and what the deeds say.
    let proposals = hub.proposals().proposals;
    let shuffled = shuffled(&changes, rng);
    differs("proposals in any order", "the proposals", &derived(&shuffled, founding, truth)?, &proposals)?;
    for (n, provision) in naive.iter().enumerate() {
        proposed(&deeds, provision, n, &proposals)?;
    }
    collisions(&proposals)
}

/// The changes in another order in which each follows what it builds on.
fn shuffled(changes: &[Change], rng: &mut StdRng) -> Vec<Change> {
    let (mut left, mut order) = (changes.to_vec(), Vec::new());
    let mut known: BTreeSet<ChangeHash> = BTreeSet::new();
    while !left.is_empty() {
        let at = rng.random_range(0..left.len());
        let ready =
            (at..left.len()).chain(0..at).find(|n| left[*n].deps().iter().all(|dep| known.contains(dep)));
        let next = left.remove(ready.expect("the log is whole"));
        known.insert(next.hash());
        order.push(next);
    }
    order
}

fn derived(changes: &[Change], founding: &Founding, truth: &Truth) -> Result<Vec<Proposal>, Violation> {
    let mut index = Index::new();
    for change in changes {
        let folded = index.replay(change, truth.author(&change.hash())?);
        folded.map_err(|error| Violation::new("proposals in any order", error.to_string()))?;
    }
    let adopted = index.adopted_at(&[founding.hash]);
    let adopted = adopted.ok_or_else(|| Violation::new("baseline", "it is not in the log".to_owned()))?;
    let record = index.record(&adopted);
    let saw = |later, earlier| index.saw(later, earlier);
    Ok(amendment::proposals(&record, &Context { document: founding.document, saw: &saw }))
}

/// What each delegation did to a provision, by the oracle.
struct Deeds<'a> {
    founding: &'a Founding,
    truth: &'a Truth,
}

impl Deeds<'_> {
    fn is_base(&self, hash: &ChangeHash) -> bool {
        *hash == self.founding.hash
    }

    fn by(&self, hash: &ChangeHash) -> Result<&DelegationCode, Violation> {
        self.truth.author(hash)
    }

    fn authors<'h>(
        &self,
        hashes: impl IntoIterator<Item = &'h ChangeHash>,
    ) -> Result<BTreeSet<DelegationCode>, Violation> {
        hashes.into_iter().map(|hash| self.by(hash).cloned()).collect()
    }
}

/// The API's attribution: every letter that has not been taken back, with who inserted and who struck it.
fn attributed(hub: &mut Hub, deeds: &Deeds<'_>, naive: &[Provision]) -> Result<(), Violation> {
    type Row = (char, DelegationCode, Vec<DelegationCode>, bool);
    let shown = hub.attribution();
    let mut expected: Vec<(String, BTreeSet<DelegationCode>, Vec<Row>)> = Vec::new();
    for provision in naive {
        let mut rows = Vec::new();
        for letter in &provision.letters {
            let (own, struck) = (deeds.by(&letter.inserted)?, deeds.authors(&letter.struck)?);
            let base = deeds.is_base(&letter.inserted);
            if base || !struck.contains(own) {
                rows.push((letter.character, own.clone(), struck.into_iter().collect(), base));
            }
        }
        let mut suppressed = deeds.authors(&provision.removed)?;
        for (_, put, lifted) in &provision.suppressed {
            if lifted.is_empty() {
                suppressed.insert(deeds.by(put)?.clone());
            }
        }
        expected.push((provision.id.clone(), suppressed, rows));
    }
    let found: Vec<_> = shown
        .provisions
        .iter()
        .map(|provision| {
            let letters = provision.runs.iter().flat_map(|run| {
                run.text.chars().map(|c| (c, run.inserted_by.clone(), run.struck_by.clone(), run.baseline))
            });
            let suppressed: BTreeSet<_> = provision.suppressed_by.iter().cloned().collect();
            (provision.provision.id.0.clone(), suppressed, letters.collect::<Vec<Row>>())
        })
        .collect();
    for (found, expected) in found.iter().zip(&expected) {
        differs("attribution", "the attribution of a provision", found, expected)?;
    }
    differs("attribution", "how many provisions are attributed", &found.len(), &expected.len())
}

/// What one delegation has pending in one provision.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pending {
    inserted: String,
    struck: String,
    strikes_others: bool,
    fields: bool,
    suppresses: bool,
    adds: bool,
}

fn pending(deeds: &Deeds<'_>, provision: &Provision) -> Result<BTreeMap<DelegationCode, Pending>, Violation> {
    let mut all: BTreeMap<DelegationCode, Pending> = BTreeMap::new();
    if !deeds.is_base(&provision.inserted) {
        all.entry(deeds.by(&provision.inserted)?.clone()).or_default().adds = true;
    }
    for by in deeds.authors(&provision.removed)? {
        all.entry(by).or_default().suppresses = true;
    }
    for (_, put, _) in provision.suppressed.iter().filter(|(_, _, lifted)| lifted.is_empty()) {
        all.entry(deeds.by(put)?.clone()).or_default().suppresses = true;
    }
    for letter in &provision.letters {
        let (own, struck) = (deeds.by(&letter.inserted)?, deeds.authors(&letter.struck)?);
        let base = deeds.is_base(&letter.inserted);
        if !base && struck.contains(own) {
            continue;
        }
        if !base {
            all.entry(own.clone()).or_default().inserted.push(letter.character);
        }
        for by in struck {
            let pending = all.entry(by).or_default();
            if base {
                pending.struck.push(letter.character);
            } else {
                pending.strikes_others = true;
            }
        }
    }
    for given in provision.fields.values().flatten().filter(|given| !deeds.is_base(&given.put)) {
        let by = deeds.by(&given.put)?.clone();
        if !deeds.authors(&given.replaced)?.contains(&by) {
            all.entry(by).or_default().fields = true;
        }
    }
    Ok(all)
}

/// Every pending deed has a proposal that its delegation stands behind, and every proposal says what was done.
fn proposed(
    deeds: &Deeds<'_>,
    provision: &Provision,
    n: usize,
    proposals: &[Proposal],
) -> Result<(), Violation> {
    let law = "proposals say who did what";
    let pending = pending(deeds, provision)?;
    let base = deeds.is_base(&provision.inserted);
    let id = &provision.id;
    let wrong = |what: String| Err(Violation::new(law, format!("provision {n} ({id}): {what}")));
    for (code, own) in &pending {
        let sponsored = proposals.iter().any(|proposal| {
            let here = proposal.provision.id.0 == *id || proposal.also.iter().any(|also| also.0 == *id);
            here && proposal.sponsors.contains(code)
        });
        let withdrawn = own.adds && own.suppresses;
        if !sponsored && !withdrawn {
            return wrong(format!("{code} stands behind no proposal, but has {own:?}"));
        }
    }
    let base_text: String =
        provision.letters.iter().filter(|l| deeds.is_base(&l.inserted)).map(|l| l.character).collect();
    for proposal in proposals.iter().filter(|proposal| proposal.provision.id.0 == *id) {
        let words = |kinds: &[SegmentKind]| -> String {
            let own = proposal.segments.iter().filter(|s| s.field == Field::Text && s.of.is_none());
            own.filter(|s| kinds.contains(&s.kind)).map(|s| s.text.as_str()).collect()
        };
        let (inserted, struck) = (words(&[SegmentKind::Inserted]), words(&[SegmentKind::Struck]));
        let stands = words(&[SegmentKind::Kept, SegmentKind::Struck]);
        if stands != base_text {
            return wrong(format!("kept and struck are {stands:?}, the baseline is {base_text:?}"));
        }
        let whole = proposal.mark == Mark::Sup;
        let led = proposal.sponsors.iter().any(|code| {
            pending.get(code).is_some_and(|own| {
                let struck_right = own.struck == struck || (whole && own.suppresses && struck == base_text);
                let mark_right = match proposal.mark {
                    Mark::Add => own.adds && !base,
                    Mark::Sup => own.suppresses || (base && own.struck == base_text),
                    Mark::Mod => !own.suppresses && (base || !own.adds),
                };
                (own.inserted == inserted || (whole && own.suppresses)) && struck_right && mark_right
            })
        });
        if !led {
            return wrong(format!(
                "none of {:?} did what is proposed ({:?}: +{inserted:?} -{struck:?}), but {pending:?}",
                proposal.sponsors, proposal.mark
            ));
        }
        for code in proposal.sponsors.iter().filter(|_| proposal.also.is_empty()) {
            if !pending.contains_key(code) {
                return wrong(format!("{code} is named as a sponsor and did nothing"));
            }
        }
        for segment in proposal.segments.iter().filter(|s| s.kind != SegmentKind::Kept) {
            if segment.by != proposal.sponsors {
                return wrong(format!(
                    "a segment is by {:?}, the proposal by {:?}",
                    segment.by, proposal.sponsors
                ));
            }
        }
        for hash in proposal.changes.iter() {
            let author = deeds.by(hash)?;
            if !proposal.sponsors.contains(author) {
                return wrong(format!(
                    "{hash} is {author}'s, and among the changes of {:?}",
                    proposal.sponsors
                ));
            }
        }
    }
    // The same amendment made twice is one proposal.
    let here: Vec<_> = proposals.iter().filter(|proposal| proposal.provision.id.0 == *id).collect();
    for (i, a) in here.iter().enumerate() {
        for b in &here[i + 1..] {
            let plain =
                |p: &Proposal| p.amends.is_empty() && p.segments.iter().all(|s| s.of.is_none()) && base;
            let result = |p: &Proposal| -> Vec<(bool, String)> {
                let standing = p.segments.iter().filter(|s| s.kind != SegmentKind::Struck);
                let mut fields = BTreeMap::<bool, String>::new();
                standing.for_each(|s| fields.entry(s.field == Field::Text).or_default().push_str(&s.text));
                fields.into_iter().collect()
            };
            if plain(a) && plain(b) && a.mark == b.mark && result(a) == result(b) {
                return wrong(format!("{:?} and {:?} propose the same, apart", a.sponsors, b.sponsors));
            }
        }
    }
    Ok(())
}

/// Collisions are mutual, and a suppression collides with whatever else is proposed for its provision.
fn collisions(proposals: &[Proposal]) -> Result<(), Violation> {
    let law = "collisions";
    for a in proposals {
        for b in proposals.iter().filter(|b| b.id != a.id) {
            let there = a.collides_with.contains(&b.id);
            if there != b.collides_with.contains(&a.id) {
                return Err(Violation::new(
                    law,
                    format!("{:?} and {:?}: only one says so", a.sponsors, b.sponsors),
                ));
            }
            let amends = a.amends.contains(&b.id) || b.amends.contains(&a.id);
            let clash = a.provision.id == b.provision.id && a.mark == Mark::Sup && b.mark == Mark::Mod;
            if clash && !there && !amends {
                return Err(Violation::new(
                    law,
                    format!("SUP by {:?} and MOD by {:?} do not collide", a.sponsors, b.sponsors),
                ));
            }
        }
        if a.collides_with.contains(&a.id) {
            return Err(Violation::new(law, format!("{:?} collides with itself", a.sponsors)));
        }
    }
    Ok(())
}
