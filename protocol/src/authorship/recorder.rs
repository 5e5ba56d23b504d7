//! Makes the records of a document that goes on: of what nobody has touched since the last one, the very same.

use super::index::build::words::TakenBack;
use super::index::id::OpId;
use super::record::{Provision, Record};
use super::{Index, Scope, Settled};
use hashbrown::HashMap;
use std::sync::Arc;

/// A memory of the last record. It is for one index that only grows; whoever settles something says so.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// By the element that stands for it in the document.
    made: HashMap<OpId, Made>,
    record: u64,
}

#[derive(Clone, Debug)]
struct Made {
    provision: Arc<Provision>,
    /// What is passed over in it.
    taken_back: TakenBack,
    /// How many changes the index had when one last touched it.
    touched: u32,
    /// Whether something was settled since: it is made again, and kept where it has come out the same.
    unsettled: bool,
    /// The last record that it was in.
    record: u64,
}

impl Recorder {
    /// Something was settled about these provisions, those that are alike included.
    pub(crate) fn resettled(&mut self, scope: &Scope) {
        match scope {
            Scope::All => self.made.values_mut().for_each(|made| made.unsettled = true),
            Scope::Provisions(these) => {
                for id in these {
                    if let Some(made) = self.made.get_mut(id) {
                        made.unsettled = true;
                    }
                }
            }
        }
    }

    /// All provisions with their deeds, relative to what is settled.
    pub fn record(&mut self, index: &Index, settled: &Settled) -> Record {
        self.record += 1;
        let provisions = index.bodies(settled).map(|body| self.provision(index, settled, body)).collect();
        let record = self.record;
        self.made.retain(|_, made| made.record == record);
        Record { changes: index.changes(), provisions }
    }

    fn provision(&mut self, index: &Index, settled: &Settled, body: OpId) -> Arc<Provision> {
        let touched = index.touched(body, settled);
        let record = self.record;
        let new = |known: &mut TakenBack| index.provision_knowing(body, settled, known);
        let made = self.made.entry(body).or_insert_with(|| {
            let mut taken_back = TakenBack::default();
            let provision = Arc::new(new(&mut taken_back));
            Made { provision, taken_back, touched, unsettled: false, record }
        });
        if made.touched != touched || made.unsettled {
            if made.unsettled {
                made.taken_back = TakenBack::default();
            }
            let provision = new(&mut made.taken_back);
            if *made.provision != provision {
                made.provision = Arc::new(provision);
            }
            (made.touched, made.unsettled) = (touched, false);
        }
        made.record = record;
        Arc::clone(&made.provision)
    }
}
