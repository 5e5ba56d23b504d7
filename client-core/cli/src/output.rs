//! What is written to the terminal: plain, coloured, or JSON.

use codraft_protocol::api::{Field, Mark, Proposal, SegmentKind, Status};
use codraft_protocol::id::DelegationCode;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

/// Writes a line to standard output. Where nobody reads it any more (`| head`) there is nothing to do.
pub(crate) fn line(words: impl AsRef<str>) {
    let _ = writeln!(std::io::stdout().lock(), "{}", words.as_ref());
}

/// Writes text as it is.
pub(crate) fn raw(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Says something beside the answer, to standard error.
pub(crate) fn note(words: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", words.as_ref());
}

/// Writes a listing as JSON.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(text),
        Err(error) => note(format!("codraft: cannot be written as JSON: {error}")),
    }
}

/// Colours, where there is a terminal that shows them and nobody has set `NO_COLOR`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    pub(crate) fn stdout() -> Self {
        Self {
            on: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        }
    }

    pub(crate) fn with(self, code: &str, words: &str) -> String {
        if self.on && !words.is_empty() {
            format!("\u{1b}[{code}m{words}\u{1b}[0m")
        } else {
            words.to_owned()
        }
    }

    pub(crate) fn bold(self, words: &str) -> String {
        self.with("1", words)
    }

    pub(crate) fn dim(self, words: &str) -> String {
        self.with("2", words)
    }

    /// A delegation's code in its colour: the same one everywhere.
    pub(crate) fn delegation(self, code: &str) -> String {
        let sum = code.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        let tone = ["36", "33", "35", "32", "34", "31"].get(sum as usize % 6).copied().unwrap_or("36");
        self.with(&format!("1;{tone}"), code)
    }

    pub(crate) fn struck(self, words: &str) -> String {
        if self.on { self.with("9;31", words) } else { format!("[-{words}-]") }
    }

    fn inserted(self, words: &str) -> String {
        if self.on { self.with("4;32", words) } else { format!("{{+{words}+}}") }
    }
}

/// The codes, each in its colour.
pub(crate) fn codes(paint: Paint, codes: &[DelegationCode]) -> String {
    codes.iter().map(|code| paint.delegation(code.as_str())).collect::<Vec<_>>().join(" + ")
}

/// How much of an unchanged stretch stands around a change, in characters.
const CONTEXT: usize = 40;

fn shortened(text: &str, first: bool, last: bool) -> String {
    let count = text.chars().count();
    if count <= 2 * CONTEXT {
        return text.to_owned();
    }
    let head: String = text.chars().take(CONTEXT).collect();
    let tail: String = text.chars().skip(count - CONTEXT).collect();
    match (first, last) {
        (true, _) => format!("…{tail}"),
        (_, true) => format!("{head}…"),
        _ => format!("{head} … {tail}"),
    }
}

fn words(paint: Paint, proposal: &Proposal) -> String {
    let mut out = String::new();
    let mut previous = None;
    let last = proposal.segments.len().saturating_sub(1);
    for (n, segment) in proposal.segments.iter().enumerate() {
        if previous == Some(Field::Enumerator) && segment.field == Field::Text {
            out.push(' ');
        }
        previous = Some(segment.field);
        out.push_str(&match segment.kind {
            SegmentKind::Kept => {
                let first = proposal.segments.iter().take(n).all(|one| one.field != Field::Text);
                shortened(&segment.text, first && segment.field == Field::Text, n == last)
            }
            SegmentKind::Inserted => paint.inserted(&segment.text),
            SegmentKind::Struck => paint.struck(&segment.text),
        });
    }
    out
}

/// Proposals for people: where, what, who, and what it collides with.
pub(crate) fn proposals(paint: Paint, all: &[Proposal], names: &BTreeMap<String, String>) {
    let numbers: BTreeMap<&str, usize> =
        all.iter().enumerate().map(|(n, one)| (one.id.0.as_str(), n + 1)).collect();
    let who = |ids: &[codraft_protocol::id::ProposalId]| -> String {
        let each = ids.iter().map(|id| {
            let number = numbers.get(id.0.as_str()).copied().unwrap_or(0);
            let other = all.iter().find(|one| one.id == *id);
            let name = other.and_then(|one| one.number.clone()).unwrap_or_else(|| format!("#{number}"));
            format!("{name} ({})", other.map(|one| codes(paint, &one.sponsors)).unwrap_or_default())
        });
        each.collect::<Vec<_>>().join(", ")
    };
    let mut heading = None;
    for (n, proposal) in all.iter().enumerate() {
        if heading != Some(&proposal.provision.heading) {
            let title = match proposal.provision.heading.as_str() {
                "" => format!("{} part", proposal.provision.part),
                heading => heading.to_owned(),
            };
            line(format!("{}{}", if n == 0 { "" } else { "\n" }, paint.bold(&title)));
            heading = Some(&proposal.provision.heading);
        }
        let mark = match proposal.mark {
            Mark::Add => paint.with("1;32", "ADD"),
            Mark::Mod => paint.with("1;33", "MOD"),
            Mark::Sup => paint.with("1;31", "SUP"),
        };
        let name = proposal.number.clone().unwrap_or_else(|| format!("#{}", n + 1));
        let mark = if proposal.editorial { format!("({mark})") } else { mark };
        let place =
            proposal.provisional.as_ref().map(|name| format!("  {}", paint.dim(name))).unwrap_or_default();
        line(format!(
            "  {name:<8} {mark}  {}{place}{}",
            codes(paint, &proposal.sponsors),
            status(paint, proposal)
        ));
        // A line without words is a proposal, too.
        let blank = proposal.segments.iter().all(|segment| segment.text.trim().is_empty());
        let shown = if blank { paint.dim("(an empty line)") } else { words(paint, proposal) };
        line(format!("       {shown}"));
        if !proposal.collides_with.is_empty() {
            line(format!("       {} {}", paint.with("1;31", "collides with"), who(&proposal.collides_with)));
        }
        for reason in &proposal.reasons {
            line(format!("       {}: {}", paint.delegation(reason.by.as_str()), paint.dim(&reason.text)));
        }
        if !proposal.amends.is_empty() {
            line(format!("       amends {}", who(&proposal.amends)));
        }
    }
    let sponsors: std::collections::BTreeSet<&str> =
        all.iter().flat_map(|one| &one.sponsors).map(DelegationCode::as_str).collect();
    let known: Vec<String> = sponsors
        .into_iter()
        .filter_map(|code| Some(format!("{} {}", paint.delegation(code), names.get(code)?)))
        .collect();
    if !known.is_empty() {
        line(format!("\n{}", known.join("   ")));
    }
}

/// Where a proposal stands, where that is not simply that it is tabled.
fn status(paint: Paint, proposal: &Proposal) -> String {
    let (colour, word) = match proposal.status {
        Status::Tabled => ("", ""),
        Status::Draft => ("2", "private draft"),
        Status::Late => ("33", "late: for the next round"),
        Status::Agreed => ("32", "agreed"),
        Status::Rejected => ("31", "rejected"),
        Status::Bracketed => ("33", "in brackets"),
        Status::Deferred => ("33", "deferred"),
        Status::Withdrawn => ("2", "withdrawn"),
    };
    let mut words = String::new();
    if !word.is_empty() {
        words.push_str(&format!("  {}", paint.with(colour, word)));
    }
    if proposal.gone {
        words.push_str(&format!("  {}", paint.with("33", "its provision no longer stands")));
    }
    words
}

/// "1 change", "2 changes".
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// Who sent how many changes, in words.
pub(crate) fn senders(paint: Paint, received: &BTreeMap<String, usize>) -> String {
    let each = received.iter().map(|(code, n)| format!("{} ({n})", paint.delegation(code)));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_stretches_are_shortened_between_characters() {
        let long = "é".repeat(200);
        assert_eq!(shortened(&long, true, false).chars().count(), CONTEXT + 1);
        assert_eq!(shortened(&long, false, true).chars().count(), CONTEXT + 1);
        assert_eq!(shortened(&long, false, false).chars().count(), 2 * CONTEXT + 3);
        assert_eq!(shortened("short", true, true), "short");
    }

    #[test]
    fn without_a_terminal_marks_are_letters() {
        let paint = Paint { on: false };
        assert_eq!((paint.struck("a"), paint.inserted("b")), ("[-a-]".into(), "{+b+}".into()));
        assert_eq!(paint.delegation("CAN"), "CAN");
        assert_ne!(Paint { on: true }.delegation("CAN"), "CAN");
    }
}
