//! What was made before of provisions that have not changed since. Nothing can be told from outside: everything
//! comes out as if it had been made anew.

use crate::amendment::Sketches;
use crate::authorship::hand::Tidy;
use crate::authorship::record::memo::Memo;
use crate::authorship::{Changes, Deed, Index, Provision, Record, Recorder, Scope, Settled, Standing};
use std::sync::Arc;

/// The memory of one document's proceedings.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    recorder: Recorder,
    /// The last record; none once something was settled.
    last: Option<(usize, Arc<Record>)>,
    pub(super) tidy: Tidy,
    pub(super) sketches: Sketches,
    pub(super) closed: Closed,
}

impl Memory {
    /// The record at this state of the index.
    pub(super) fn record(&mut self, index: &Index, settled: &Settled) -> Arc<Record> {
        if let Some((changes, record)) = &self.last
            && *changes == index.len()
        {
            return Arc::clone(record);
        }
        let record = Arc::new(self.recorder.record(index, settled));
        self.last = Some((index.len(), Arc::clone(&record)));
        record
    }

    /// Something was settled about these provisions.
    pub(super) fn resettled(&mut self, scope: &Scope, settled: &Settled) {
        if *scope == Scope::default() {
            return;
        }
        let scope = scope.with_likenesses(settled);
        self.recorder.resettled(&scope);
        self.tidy.resettled(&scope);
        self.last = None;
    }
}

/// A closed round's two records: of what came in time for it, and of what came too late.
#[derive(Clone, Debug, Default)]
pub(super) struct Closed {
    in_time: Memo<Arc<Provision>>,
    late: Memo<Arc<Provision>>,
}

impl Closed {
    /// Without what came too late.
    pub(super) fn in_time(&mut self, record: &Record) -> Record {
        restanding(&mut self.in_time, record, &|_, deed| match deed.standing {
            Standing::Late => None,
            standing => Some(standing),
        })
    }

    /// What came too late, measured against the text that lies before the house, with all that is proposed.
    pub(super) fn late(&mut self, record: &Record) -> Record {
        restanding(&mut self.late, record, &|provision, deed| match deed.standing {
            Standing::Late => Some(Standing::Pending),
            Standing::Pending if comes_back(&record.changes, provision, deed) => Some(Standing::Pending),
            Standing::Adopted | Standing::Pending => Some(Standing::Adopted),
        })
    }
}

/// Whether a deed's delegation had taken its own addition back in time, and brings it back too late: then nothing of
/// it lies before the house, and all of it is late.
fn comes_back(changes: &Changes, provision: &Provision, deed: &Deed) -> bool {
    let late = |deeds: &[Deed]| !deeds.is_empty() && deeds.iter().all(|one| one.standing == Standing::Late);
    let mut lifted = provision
        .suppressed
        .iter()
        .filter(|one| one.put.standing == Standing::Pending && late(&one.lifted))
        .peekable();
    if lifted.peek().is_none() {
        return false;
    }
    let author = |deed: &Deed| changes.get(deed.change).map(|change| change.delegation);
    let adds = provision.inserted.iter().any(|one| !one.is_adopted() && author(one) == author(deed));
    adds && lifted.any(|one| author(&one.put) == author(deed))
}

fn restanding(
    memo: &mut Memo<Arc<Provision>>,
    record: &Record,
    becomes: &dyn Fn(&Provision, &Deed) -> Option<Standing>,
) -> Record {
    let restood = |provision: &Arc<Provision>| {
        let other = provision.restanding(&|deed| becomes(provision, deed));
        // Where nothing changes it is the very same, and so is whatever was made of it.
        if other == **provision { Arc::clone(provision) } else { Arc::new(other) }
    };
    let provisions = record.provisions.iter().map(|provision| memo.of(provision, restood)).collect();
    memo.end_pass();
    Record { changes: record.changes.clone(), provisions }
}
