//! One provision's words from all its texts, each word once, in the order in which a reader sees them.

use super::super::Index;
use super::super::id::OpId;
use super::super::sequence::{LeafAt, Run, Sequence};
use crate::authorship::record::{Deed, FewDeeds, Standing, TextRun};
use crate::authorship::{ChangeIx, Settled};
use ecow::EcoString;
use hashbrown::HashMap;

/// Consecutive characters with one history, in one text.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    /// The text that they stand in.
    pub(crate) sequence: OpId,
    /// The first one's element.
    pub(crate) id: OpId,
    /// The characters.
    pub(crate) text: EcoString,
    /// As in [`TextRun`]; may be empty here: then the words count nowhere.
    pub(crate) inserted: FewDeeds,
    /// As in [`TextRun`].
    pub(crate) struck: FewDeeds,
}

/// What was found out about a provision's texts: of leaves with many words that their authors
/// [took back](Index::is_taken_back), the others. It holds for one index that only grows, until something is settled
/// about the provision.
#[derive(Clone, Debug, Default)]
pub(crate) struct TakenBack {
    /// By text and leaf.
    texts: HashMap<OpId, Vec<Option<Known>>>,
}

#[derive(Clone, Debug)]
struct Known {
    version: u32,
    kept: Box<[Stretch]>,
}

impl TakenBack {
    /// What is not passed over in a leaf, where that is known.
    fn kept(&self, text: OpId, at: LeafAt) -> Option<&[Stretch]> {
        let known = self.texts.get(&text)?.get(at.leaf as usize)?.as_ref()?;
        (known.version == at.version).then_some(&known.kept)
    }

    fn learn(&mut self, text: OpId, at: LeafAt, kept: &[Stretch]) {
        let (leaves, place) = (self.texts.entry(text).or_default(), at.leaf as usize);
        if leaves.len() <= place {
            leaves.resize(place + 1, None);
        }
        if let Some(known) = leaves.get_mut(place) {
            *known = Some(Known { version: at.version, kept: kept.into() });
        }
    }
}

/// Which words are asked for.
pub(crate) enum Wanted<'a> {
    /// All of them.
    All,
    /// Without those that their author took back; what is known about that, and is found out.
    Kept(&'a mut TakenBack),
}

/// What is gathered of one text: stretches, and with each the word of another text that it follows.
struct Gathered<'a> {
    text: OpId,
    sequence: &'a Sequence,
    elsewhere: Option<&'a Sequence>,
    stretches: Vec<Stretch>,
    anchors: Vec<Option<OpId>>,
    /// The last such word so far.
    anchor: Option<OpId>,
}

impl Gathered<'_> {
    fn take(&mut self, stretches: impl IntoIterator<Item = Stretch>) {
        self.stretches.extend(stretches);
        self.anchors.resize(self.stretches.len(), self.anchor);
    }
}

/// Stretches that go on where the one before ended become one: what is passed over may have parted them.
fn joined(stretches: impl IntoIterator<Item = Stretch>) -> Vec<Stretch> {
    let (mut all, mut len): (Vec<Stretch>, u32) = (Vec::new(), 0);
    for one in stretches {
        let characters = one.text.chars().count().try_into().unwrap_or(u32::MAX);
        match all.last_mut() {
            Some(last) if goes_on(last, &one, len) => {
                last.text.push_str(&one.text);
                len += characters;
            }
            _ => {
                all.push(one);
                len = characters;
            }
        }
    }
    all
}

/// Whether a stretch has the history of the one before it, which has `len` characters, and follows it by counter.
fn goes_on(before: &Stretch, after: &Stretch, len: u32) -> bool {
    let same = |(a, b): (&Deed, &Deed)| Deed { op: a.op.plus(len), ..*a } == *b;
    let all = |a: &FewDeeds, b: &FewDeeds| a.len() == b.len() && a.iter().zip(b.iter()).all(same);
    before.sequence == after.sequence
        && before.id.plus(len) == after.id
        && all(&before.inserted, &after.inserted)
        && all(&before.struck, &after.struck)
}

impl Index {
    /// The words of a provision whose texts these are, the one that stands in the document first: all that count, or
    /// without those that their author [took back](Self::is_taken_back).
    pub(super) fn words(
        &self,
        texts: &[(OpId, &Sequence)],
        settled: &Settled,
        wanted: Wanted<'_>,
    ) -> Vec<TextRun> {
        let stretches = self.some_stretches(texts, settled, wanted);
        let counted = stretches.into_iter().filter(|one| !one.inserted.is_empty());
        let of = |one: Stretch| TextRun { text: one.text, inserted: one.inserted, struck: one.struck };
        let mut words: Vec<TextRun> = joined(counted).into_iter().map(of).collect();
        // It is kept for as long as nobody touches the provision.
        words.shrink_to_fit();
        words
    }

    /// All stretches of all texts, each word once: those that stand in the first text in its order, what is
    /// only in another one behind the word that it follows there.
    pub(crate) fn stretches(&self, texts: &[(OpId, &Sequence)], settled: &Settled) -> Vec<Stretch> {
        self.some_stretches(texts, settled, Wanted::All)
    }

    fn some_stretches(
        &self,
        texts: &[(OpId, &Sequence)],
        settled: &Settled,
        mut wanted: Wanted<'_>,
    ) -> Vec<Stretch> {
        let Some(((id, first), others)) = texts.split_first() else { return Vec::new() };
        let (main, _) = self.own((*id, first), settled, None, &mut wanted);
        let mut strays: HashMap<Option<OpId>, Vec<Stretch>> = HashMap::new();
        for (id, sequence) in others {
            let (own, anchors) = self.own((*id, sequence), settled, Some(first), &mut wanted);
            for (stretch, anchor) in own.into_iter().zip(anchors) {
                strays.entry(anchor).or_default().push(stretch);
            }
        }
        if strays.is_empty() {
            return main;
        }
        let mut all = strays.remove(&None).unwrap_or_default();
        for stretch in main {
            // What a stray follows has a likeness, so it is a stretch of its own.
            let behind = strays.remove(&Some(stretch.id));
            all.push(stretch);
            all.extend(behind.unwrap_or_default());
        }
        all
    }

    /// The stretches of one text that stand for their words; with each the word of `elsewhere` that it follows.
    fn own(
        &self,
        (text, sequence): (OpId, &Sequence),
        settled: &Settled,
        elsewhere: Option<&Sequence>,
        wanted: &mut Wanted<'_>,
    ) -> (Vec<Stretch>, Vec<Option<OpId>>) {
        let (stretches, anchors) = (Vec::new(), Vec::new());
        let mut gathered = Gathered { text, sequence, elsewhere, stretches, anchors, anchor: None };
        for (at, runs) in sequence.leaves() {
            let Wanted::Kept(known) = &mut *wanted else {
                for run in runs {
                    self.gather(run, settled, &mut gathered);
                }
                continue;
            };
            if let Some(kept) = known.kept(text, at) {
                gathered.take(kept.iter().cloned());
                continue;
            }
            let (start, mut all_plain, mut kept, mut passed) = (gathered.stretches.len(), true, 0, 0);
            for run in runs {
                if self.is_taken_back(run, sequence.strikers(run), settled) {
                    passed += 1;
                } else {
                    kept += 1;
                    all_plain &= self.gather(run, settled, &mut gathered);
                }
            }
            if all_plain && passed > kept {
                let found = joined(gathered.stretches.drain(start..));
                known.learn(text, at, &found);
                gathered.take(found);
            }
        }
        (gathered.stretches, gathered.anchors)
    }

    /// Gathers the stretches of one run. Returns whether none of its words has a likeness.
    fn gather(&self, run: &Run, settled: &Settled, gathered: &mut Gathered<'_>) -> bool {
        let mut characters = run.text.chars();
        let (mut done, mut all_plain) = (0, true);
        while done < run.len {
            let id = run.id.plus(done);
            let left = run.len - done;
            let plain = settled.plain(id, left);
            if plain > 0 {
                let strikers = gathered.sequence.strikers(run);
                let (stretch, len) = self.plain(id, plain, strikers, &mut characters, settled);
                gathered.take([Stretch { sequence: gathered.text, ..stretch }]);
                done += len;
                continue;
            }
            all_plain = false;
            let character = characters.next();
            done += 1;
            let Some(likeness) = settled.likeness(id) else { continue };
            if likeness.body.id != id {
                if gathered.elsewhere.is_some_and(|text| text.contains(likeness.body.id)) {
                    gathered.anchor = Some(likeness.body.id);
                }
                continue;
            }
            let (mut inserted, mut struck) = (FewDeeds::new(), FewDeeds::new());
            for member in &likeness.members {
                inserted.extend(self.done(member.id, settled));
                let by = self
                    .objects
                    .get(&member.sequence)
                    .and_then(|object| object.sequence.struck(member.id))
                    .unwrap_or_default();
                struck.extend(self.undone(member.id, by, settled));
            }
            inserted.sort_unstable();
            struck.sort_unstable();
            let text = character.into_iter().collect();
            gathered.take([Stretch { sequence: gathered.text, id, text, inserted, struck }]);
        }
        all_plain
    }

    /// Whether these words are surely nobody's proposal and nobody's loss: open words that their own author struck, and
    /// nothing is settled about them. Most of what is ever typed and not kept is of this kind, so that what a provision
    /// costs goes by what it says, and not by how long its authors were at it. It may miss some of them.
    fn is_taken_back(&self, run: &Run, strikers: &[ChangeIx], settled: &Settled) -> bool {
        let Some(author) = self.owners.get(run.id.actor.0 as usize) else { return false };
        let own = |change: &ChangeIx| {
            let (standing, same) = settled.undone(&self.history, *change, run.id);
            self.delegation_at(*change) == Some(author)
                && standing == Some(Standing::Pending)
                && same >= run.len
        };
        // The secretariat's may be agreed as they are. Who has nothing in the imported text, and no verdict, has
        // written what is open, or came too late; and what an open strike struck did not come too late.
        !strikers.is_empty()
            && !author.is_secretariat()
            && settled.is_unsettled(run.id, run.len)
            && strikers.iter().any(own)
    }

    /// The longest stretch from `id` on, of at most `most` characters, that has one history.
    fn plain(
        &self,
        id: OpId,
        most: u32,
        strikers: &[ChangeIx],
        characters: &mut std::str::Chars<'_>,
        settled: &Settled,
    ) -> (Stretch, u32) {
        let change = self.change_of(id);
        let last = self.history.entry(change).map_or(id.counter, |entry| entry.last());
        let (standing, same) = settled.done(&self.history, change, id);
        let mut len = most.min(last.saturating_sub(id.counter).saturating_add(1)).min(same);
        let mut struck = FewDeeds::new();
        for striker in strikers {
            let (standing, same) = settled.undone(&self.history, *striker, id);
            len = len.min(same);
            struck.extend(standing.map(|standing| Deed { change: *striker, op: id, standing }));
        }
        let inserted = standing.map(|standing| Deed { change, op: id, standing }).into_iter().collect();
        let text = characters.by_ref().take(len as usize).collect();
        (Stretch { sequence: OpId::ROOT, id, text, inserted, struck }, len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorship::settled::Element;
    use crate::id::DelegationCode;
    use automerge::transaction::Transactable as _;
    use automerge::{ActorId, AutoCommit, ObjType, ROOT};

    /// Of words that their author struck the record has none, unless they are agreed: then the strike is a proposal.
    #[test]
    fn what_is_taken_back_is_passed_over_where_nothing_of_it_is_settled() {
        let mut doc = AutoCommit::new();
        doc.set_actor(ActorId::from([7; 16]));
        let list = doc.put_object(ROOT, "provisions", ObjType::List).unwrap();
        let provision = doc.insert_object(&list, 0, ObjType::Map).unwrap();
        let text = doc.put_object(&provision, "text", ObjType::Text).unwrap();
        doc.commit();
        let founding = doc.get_heads();
        let mut writing = |actor: u8, at: usize, strikes: isize, words: &str| {
            doc.set_actor(ActorId::from([actor; 16]));
            doc.splice_text(&text, at, strikes, words).unwrap();
            doc.commit();
        };
        writing(1, 0, 0, "kept");
        writing(1, 4, 0, "gone");
        writing(1, 4, 4, "");
        writing(9, 4, 0, "own");
        writing(9, 4, 3, "");
        let mut index = Index::new();
        for change in doc.get_changes(&[]) {
            let is_delegate = change.actor_id().to_bytes()[0] == 1;
            let owner = if is_delegate { "CAN" } else { DelegationCode::SECRETARIAT };
            index.replay(&change, &DelegationCode::try_from(owner.to_owned()).unwrap()).unwrap();
        }
        let words = |settled: &Settled| {
            let record = index.record(settled);
            record.provisions[0].text.iter().map(|run| run.text.to_string()).collect::<Vec<_>>()
        };
        let plain = index.adopted_at(&founding).unwrap();
        // The secretariat's are looked at closely, whatever they are.
        assert_eq!(words(&plain), ["kept", "own"]);
        assert_eq!(index.whole_record(&plain).provisions[0].text.len(), 3);
        let settled_by = |settle: &dyn Fn(&mut Settled)| {
            let mut settled = plain.clone();
            settle(&mut settled);
            words(&settled)
        };
        assert_eq!(settled_by(&|settled| settled.set_late_from(Some(ChangeIx(3)))), ["kept", "own", "gone"]);
        let gone = index.whole_record(&plain).provisions[0].text[2].inserted[0].op;
        let adopted = Some(crate::authorship::settled::Verdict::Adopted);
        assert_eq!(settled_by(&|settled| settled.set_done(gone, 4, adopted)), ["kept", "own", "gone"]);
        assert_eq!(
            settled_by(&|settled| settled.set_done(gone.plus(3), 1, adopted)),
            ["kept", "own", "gon", "e"]
        );
    }

    /// A word that is in two texts is struck in the other one, where whoever knows this one's leaves does not look.
    #[test]
    fn what_is_known_of_a_text_is_of_that_text_alone() {
        let mut doc = AutoCommit::new();
        doc.set_actor(ActorId::from([7; 16]));
        let list = doc.put_object(ROOT, "provisions", ObjType::List).unwrap();
        let texts = [0, 1].map(|n| {
            let provision = doc.insert_object(&list, n, ObjType::Map).unwrap();
            doc.put_object(&provision, "text", ObjType::Text).unwrap()
        });
        texts.iter().for_each(|text| doc.splice_text(text, 0, 0, "w").unwrap());
        doc.commit();
        let founding = doc.get_heads();
        doc.set_actor(ActorId::from([1; 16]));
        for _ in 0..3 {
            doc.splice_text(&texts[0], 1, 0, "or").unwrap();
            doc.commit();
            doc.splice_text(&texts[0], 1, 2, "").unwrap();
            doc.commit();
        }
        let (mut index, canada) = (Index::new(), "CAN".parse::<DelegationCode>().unwrap());
        for (change, owner) in doc.get_changes(&[]).iter().zip([DelegationCode::secretariat()]) {
            index.replay(change, &owner).unwrap();
        }
        let fold = |index: &mut Index, doc: &mut AutoCommit| {
            for change in doc.get_changes(&founding) {
                index.replay(&change, &canada).unwrap();
            }
        };
        fold(&mut index, &mut doc);
        let mut settled = index.adopted_at(&founding).unwrap();
        let bodies: Vec<OpId> = index.bodies(&settled).collect();
        let words = [0, 1].map(|n| {
            let (sequence, words) = index.text_of(bodies[n]).unwrap();
            Element { sequence, id: words.iter().next().unwrap().id }
        });
        settled.join(words[1], words[0]);
        let mut known = TakenBack::default();
        let before = index.provision_knowing(bodies[0], &settled, &mut known);
        assert_eq!(before, index.provision(bodies[0], &settled));
        doc.splice_text(&texts[1], 0, 1, "").unwrap();
        doc.commit();
        fold(&mut index, &mut doc);
        let after = index.provision_knowing(bodies[0], &settled, &mut known);
        assert_eq!(after, index.provision(bodies[0], &settled));
        assert_eq!((before.text[0].struck.len(), after.text[0].struck.len()), (0, 1));
    }
}
