//! What comes out: a row a run, as JSON, one object a line, and as tables.

use serde::Serialize;
use serde_json::{Map, Value, json};

/// One run of one scenario on one server.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Which scenario.
    pub scenario: String,
    /// Which server.
    pub server: String,
    /// Whether it counts: nothing is missing, and every reader's text is equal.
    pub counts: bool,
    /// Why not, where it does not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The figures, by name with their unit, in order.
    pub figures: Map<String, Value>,
}

impl Row {
    /// A row that counts until something speaks against it.
    pub fn new(scenario: &str, server: &str) -> Self {
        let (scenario, server) = (scenario.to_owned(), server.to_owned());
        Self { scenario, server, counts: true, why: String::new(), figures: Map::new() }
    }

    /// A run that did not come to its end.
    pub fn failed(scenario: &str, server: &str, why: String) -> Self {
        Self { counts: false, why, ..Self::new(scenario, server) }
    }

    /// Adds a number, rounded to what it can say.
    pub fn set(&mut self, name: &str, value: f64) {
        let digits = if value.abs() >= 100.0 { 1.0 } else { 1000.0 };
        self.figures.insert(name.to_owned(), json!((value * digits).round() / digits));
    }

    /// Adds a count.
    pub fn count(&mut self, name: &str, value: u64) {
        self.figures.insert(name.to_owned(), json!(value));
    }

    /// Says why it does not count.
    pub fn object(&mut self, why: impl Into<String>) {
        self.counts = false;
        let why = why.into();
        // A thousand peers may say the same.
        if self.why.contains(&why) {
            return;
        }
        if !self.why.is_empty() {
            self.why.push_str("; ");
        }
        self.why.push_str(&why);
    }

    /// A figure.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.figures.get(name)?.as_f64()
    }
}

fn shown(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if number.fract() == 0.0 && number.abs() < 1e12 => format!("{number:.0}"),
        Some(number) if number.abs() >= 100.0 => format!("{number:.0}"),
        Some(number) if number.abs() >= 10.0 => format!("{number:.1}"),
        Some(number) => format!("{number:.2}"),
        None => value.as_str().unwrap_or_default().to_owned(),
    }
}

/// The rows of one scenario as a Markdown table, figures across.
pub fn table(rows: &[Row]) -> String {
    let mut names: Vec<&String> = Vec::new();
    for name in rows.iter().flat_map(|row| row.figures.keys()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut out = String::from("| server |");
    names.iter().for_each(|name| out.push_str(&format!(" {name} |")));
    out.push_str(" counts |\n| --- |");
    out.push_str(&" ---: |".repeat(names.len()));
    out.push_str(" --- |\n");
    for row in rows {
        out.push_str(&format!("| {} |", row.server));
        for name in &names {
            out.push_str(&format!(" {} |", row.figures.get(*name).map(shown).unwrap_or_default()));
        }
        out.push_str(&format!(" {} |\n", if row.counts { "yes" } else { row.why.as_str() }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_lacks_something_does_not_count_and_says_why() {
        let mut row = Row::new("S1", "codraft");
        row.count("missing", 7);
        row.set("p50 ms", 2.34567);
        assert!(row.counts);
        row.object("7 deliveries are missing");
        let table = table(&[row, Row::new("S1", "limit")]);
        assert!(table.contains("| codraft | 7 | 2.35 | 7 deliveries are missing |"), "{table}");
        assert!(table.contains("| limit |  |  | yes |"), "{table}");
    }
}
