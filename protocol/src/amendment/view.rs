//! Views: projections of one record onto a text.

use crate::authorship::Record;
use crate::id::{DelegationCode, InvalidId};
use crate::resolution::line::Line;
use crate::resolution::text_form::Layout;
use std::str::FromStr;

/// Which text to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// As it stands: everybody's pending words in, everybody's strikes and suppressions out.
    Current,
    /// What proposals are measured against.
    Baseline,
    /// The baseline with one delegation's proposals.
    Delegation(DelegationCode),
    /// Everything in one text, in CriticMarkup with the delegations named.
    Marked,
}

impl FromStr for View {
    type Err = InvalidId;
    fn from_str(_: &str) -> Result<Self, InvalidId> {
        unimplemented!()
    }
}

/// The lines of a view, in order; for [`View::Marked`] with the marks in enumerator and text.
pub fn lines(record: &Record, view: &View) -> Vec<Line> {
    let _ = (record, view);
    unimplemented!()
}

/// A view in the plain-text form.
pub fn text(record: &Record, layout: &Layout, view: &View) -> String {
    let _ = (record, layout, view);
    unimplemented!()
}
