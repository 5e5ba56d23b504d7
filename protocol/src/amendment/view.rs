//! Views: projections of one record onto a text.

use super::marked::{self, Names};
use super::piece::by;
use crate::authorship::{Deed, Provision, Record, Suppression};
use crate::id::{DelegationCode, InvalidId};
use crate::resolution::line::Line;
use crate::resolution::schema;
use crate::resolution::text_form::{self, Layout};
use std::fmt;
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
    /// Everything in one text, in CriticMarkup, with the delegations named or not.
    Marked(Names),
}

impl FromStr for View {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.split_once(':') {
            None if text == "current" => Ok(Self::Current),
            None if text == "baseline" => Ok(Self::Baseline),
            None if text == "marked" => Ok(Self::Marked(Names::Shown)),
            Some(("marked", "anonymous")) => Ok(Self::Marked(Names::Hidden)),
            Some(("delegation", code)) => code.parse().map(Self::Delegation),
            _ => Err(InvalidId::new(
                "view",
                text,
                "use current, baseline, delegation:CAN, marked or marked:anonymous",
            )),
        }
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("current"),
            Self::Baseline => f.write_str("baseline"),
            Self::Delegation(code) => write!(f, "delegation:{code}"),
            Self::Marked(Names::Shown) => f.write_str("marked"),
            Self::Marked(Names::Hidden) => f.write_str("marked:anonymous"),
        }
    }
}

/// The lines of a view, in order; for [`View::Marked`] with the marks in `text`.
pub fn lines(record: &Record, view: &View) -> Vec<Line> {
    match view {
        View::Current => project(record, &|_| true),
        View::Baseline => project(record, &Deed::is_adopted),
        View::Delegation(code) => {
            project(record, &|deed| deed.is_adopted() || by(&record.changes, deed) == Some(code))
        }
        View::Marked(names) => marked::lines(record, *names),
    }
}

/// A view in the plain-text form.
pub fn text(record: &Record, layout: &Layout, view: &View) -> String {
    let lines = lines(record, view);
    text_form::write(
        layout,
        lines.iter().map(|l| (l.enumerator.as_str(), l.separator.as_str(), l.text.as_str())),
    )
}

/// The text that those deeds give for which `counts` holds: any set of operations, such as the baseline's and
/// a chosen subset of the pending ones.
pub fn project(record: &Record, counts: &dyn Fn(&Deed) -> bool) -> Vec<Line> {
    record.provisions.iter().filter_map(|provision| line(provision, counts)).collect()
}

/// One provision of it; `None` where it does not stand.
pub fn line(provision: &Provision, counts: &dyn Fn(&Deed) -> bool) -> Option<Line> {
    let any = |deeds: &[Deed]| deeds.iter().any(counts);
    // A suppression that was adopted is agreed: its author alone cannot lift it any more.
    let lifts = |one: &Suppression, deed: &Deed| counts(deed) && (deed.is_adopted() || !one.put.is_adopted());
    let stands = |one: &Suppression| counts(&one.put) && !one.lifted.iter().any(|deed| lifts(one, deed));
    let suppressed = provision.suppressed.iter().any(stands);
    if !any(&provision.inserted) || any(&provision.removed) || suppressed {
        return None;
    }
    let field = |name: &str| {
        let mut versions = provision.field(name).iter().rev();
        versions
            .find(|version| counts(&version.put) && !any(&version.replaced))
            .map(|version| version.value.clone())
    };
    let words = provision.text.iter().filter(|run| any(&run.inserted) && !any(&run.struck));
    let enumerator = field(schema::ENUMERATOR).unwrap_or_default();
    Some(Line {
        provision: provision.id.clone(),
        kind: field(schema::KIND).unwrap_or_default(),
        part: field(schema::PART).unwrap_or_default(),
        level: field(schema::LEVEL).and_then(|level| level.parse().ok()).unwrap_or(0),
        separator: field(schema::SEPARATOR)
            .unwrap_or_else(|| schema::default_separator(&enumerator).to_owned()),
        enumerator,
        text: words.map(|run| run.text.as_str()).collect(),
    })
}
