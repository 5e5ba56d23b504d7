//! One provision's words from all its texts, each word once, in the order in which a reader sees them.

use super::super::Index;
use super::super::id::OpId;
use super::super::sequence::{Run, Sequence};
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

impl Index {
    /// The words of a provision whose texts these are, the one that stands in the document first: all that count, or
    /// without those that their author [took back](Self::is_taken_back).
    pub(super) fn words(&self, texts: &[(OpId, &Sequence)], settled: &Settled, all: bool) -> Vec<TextRun> {
        let stretches = self.some_stretches(texts, settled, all);
        let counted = stretches.into_iter().filter(|one| !one.inserted.is_empty());
        let of = |one: Stretch| TextRun { text: one.text, inserted: one.inserted, struck: one.struck };
        let mut words: Vec<TextRun> = counted.map(of).collect();
        // It is kept for as long as nobody touches the provision.
        words.shrink_to_fit();
        words
    }

    /// All stretches of all texts, each word once: those that stand in the first text in its order, what is
    /// only in another one behind the word that it follows there.
    pub(crate) fn stretches(&self, texts: &[(OpId, &Sequence)], settled: &Settled) -> Vec<Stretch> {
        self.some_stretches(texts, settled, true)
    }

    fn some_stretches(&self, texts: &[(OpId, &Sequence)], settled: &Settled, all: bool) -> Vec<Stretch> {
        let Some(((id, first), others)) = texts.split_first() else { return Vec::new() };
        let (main, _) = self.own((*id, first), settled, None, all);
        let mut strays: HashMap<Option<OpId>, Vec<Stretch>> = HashMap::new();
        for (id, sequence) in others {
            let (own, anchors) = self.own((*id, sequence), settled, Some(first), all);
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
        all: bool,
    ) -> (Vec<Stretch>, Vec<Option<OpId>>) {
        let (mut stretches, mut anchors, mut anchor) = (Vec::new(), Vec::new(), None);
        for run in sequence.iter() {
            if !all && self.is_taken_back(run, sequence.strikers(run), settled) {
                continue;
            }
            let mut characters = run.text.chars();
            let mut done = 0;
            while done < run.len {
                let id = run.id.plus(done);
                let left = run.len - done;
                let plain = settled.plain(id, left);
                if plain > 0 {
                    let (stretch, len) =
                        self.plain(id, plain, sequence.strikers(run), &mut characters, settled);
                    stretches.push(Stretch { sequence: text, ..stretch });
                    anchors.push(anchor);
                    done += len;
                    continue;
                }
                let character = characters.next();
                done += 1;
                let Some(likeness) = settled.likeness(id) else { continue };
                if likeness.body.id != id {
                    if elsewhere.is_some_and(|text| text.contains(likeness.body.id)) {
                        anchor = Some(likeness.body.id);
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
                let character = character.into_iter().collect();
                stretches.push(Stretch { sequence: text, id, text: character, inserted, struck });
                anchors.push(anchor);
            }
        }
        (stretches, anchors)
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
}
