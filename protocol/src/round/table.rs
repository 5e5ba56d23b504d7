//! The table of proposals: provision, mark, sponsors, words, reasons, collisions, ruling; as text, HTML and CSV.

use crate::api::{Field, Proposal, Row, SegmentKind, Status, Table};
use std::collections::BTreeMap;

/// Whether the delegations are named. The audit trail always names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// With their codes.
    Shown,
    /// Without.
    Hidden,
}

/// The rows, in the order of the proposals.
pub fn rows(proposals: &[Proposal], names: Names) -> Table {
    let numbers: BTreeMap<&str, String> =
        proposals.iter().map(|one| (one.id.0.as_str(), shown(one, names))).collect();
    let rows = proposals.iter().map(|one| {
        let ruling = one.history.iter().rev().find(|happening| {
            matches!(
                happening.what.as_str(),
                "adopt" | "adopt-part" | "reject" | "bracket" | "defer" | "fell" | "withdrew"
            )
        });
        let mark = one.mark.as_str();
        Row {
            provision: place(one),
            mark: if one.editorial { format!("({mark})") } else { mark.to_owned() },
            number: shown(one, names),
            sponsors: if names == Names::Shown { one.sponsors.clone() } else { Vec::new() },
            words: words(one),
            reasons: if names == Names::Shown { one.reasons.clone() } else { Vec::new() },
            collides_with: one
                .collides_with
                .iter()
                .filter_map(|id| numbers.get(id.0.as_str()).cloned())
                .collect(),
            status: one.status,
            ruling: ruling.map(|one| one.reason.clone()).unwrap_or_default(),
        }
    });
    Table { rows: rows.collect() }
}

/// A proposal's number; without names only its running part.
fn shown(one: &Proposal, names: Names) -> String {
    let number = one.number.clone().unwrap_or_else(|| one.id.to_string());
    match names {
        Names::Shown => number,
        Names::Hidden => number.rsplit('/').next().map(|n| format!("#{n}")).unwrap_or_default(),
    }
}

/// `resolves 1`; for an addition what it is called until it is numbered.
fn place(one: &Proposal) -> String {
    let enumerator = one.provisional.as_deref().unwrap_or(&one.provision.enumerator);
    let heading = if one.provision.heading.is_empty() { &one.provision.part } else { &one.provision.heading };
    format!("{heading} {enumerator}").trim().to_owned()
}

/// Struck words as `[-…-]`, new ones as `{+…+}`.
fn words(one: &Proposal) -> String {
    let mut out = String::new();
    let mut previous = None;
    for segment in &one.segments {
        if previous == Some(Field::Enumerator) && segment.field == Field::Text {
            out.push(' ');
        }
        previous = Some(segment.field);
        match segment.kind {
            SegmentKind::Kept => out.push_str(&segment.text),
            SegmentKind::Inserted => out.push_str(&format!("{{+{}+}}", segment.text)),
            SegmentKind::Struck => out.push_str(&format!("[-{}-]", segment.text)),
        }
    }
    out
}

/// A status in words.
pub(crate) const fn status(status: Status) -> &'static str {
    match status {
        Status::Draft => "draft",
        Status::Tabled => "tabled",
        Status::Late => "late",
        Status::Agreed => "agreed",
        Status::Rejected => "rejected",
        Status::Bracketed => "bracketed",
        Status::Deferred => "deferred",
        Status::Withdrawn => "withdrawn",
    }
}

fn codes(row: &Row) -> String {
    row.sponsors.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(", ")
}

fn reasons(row: &Row) -> String {
    row.reasons.iter().map(|one| format!("{}: {}", one.by, one.text)).collect::<Vec<_>>().join("; ")
}

/// For reading: a paragraph a proposal.
pub fn text(table: &Table) -> String {
    let mut out = String::new();
    for row in &table.rows {
        out.push_str(&format!("{}  {}  {}", row.number, row.mark, row.provision));
        if !row.sponsors.is_empty() {
            out.push_str(&format!("  ({})", codes(row)));
        }
        out.push_str(&format!("  {}\n    {}\n", status(row.status), row.words));
        for (label, value) in [
            ("reasons", reasons(row)),
            ("collides with", row.collides_with.join(", ")),
            ("ruling", row.ruling.clone()),
        ] {
            if !value.is_empty() {
                out.push_str(&format!("    {label}: {value}\n"));
            }
        }
        out.push('\n');
    }
    out
}

/// The columns, in order.
const COLUMNS: [&str; 9] = [
    "Number",
    "Provision",
    "Mark",
    "Sponsors",
    "Proposed words",
    "Reasons",
    "Collides with",
    "Status",
    "Ruling",
];

fn cells(row: &Row) -> [String; 9] {
    [
        row.number.clone(),
        row.provision.clone(),
        row.mark.clone(),
        codes(row),
        row.words.clone(),
        reasons(row),
        row.collides_with.join(", "),
        status(row.status).to_owned(),
        row.ruling.clone(),
    ]
}

/// For spreadsheets: RFC 4180, and no cell that a spreadsheet would take for a formula.
pub fn csv(table: &Table) -> String {
    let line = |cells: &[String]| {
        let quoted = cells.iter().map(|cell| {
            let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
            format!("\"{}{}\"", if formula { "'" } else { "" }, cell.replace('"', "\"\""))
        });
        quoted.collect::<Vec<_>>().join(",") + "\r\n"
    };
    let mut out = line(&COLUMNS.map(str::to_owned));
    for row in &table.rows {
        out.push_str(&line(&cells(row)));
    }
    out
}

/// A page of its own.
pub fn html(table: &Table, title: &str) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{0}</title>\n\
         <style>body{{font:16px/1.5 Georgia,serif;margin:2em}}table{{border-collapse:collapse}}\
         th,td{{border:1px solid #999;padding:.4em .6em;text-align:left;vertical-align:top}}\
         th{{background:#eee;font-family:sans-serif;font-size:.85em}}ins{{color:#05630f}}del{{color:#9b1c1c}}</style>\n\
         <h1>{0}</h1>\n<table>\n<thead><tr>",
        escaped(title)
    );
    for column in COLUMNS {
        out.push_str(&format!("<th scope=\"col\">{column}</th>"));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (n, cell) in cells(row).iter().enumerate() {
            let cell = if n == 4 { marked(cell) } else { escaped(cell) };
            out.push_str(&format!("<td dir=\"auto\">{cell}</td>"));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</html>\n");
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// The marks of [`words`] as `<ins>` and `<del>`.
fn marked(words: &str) -> String {
    escaped(words)
        .replace("{+", "<ins>")
        .replace("+}", "</ins>")
        .replace("[-", "<del>")
        .replace("-]", "</del>")
}
