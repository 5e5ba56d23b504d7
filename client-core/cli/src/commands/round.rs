//! `codraft round`.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Paint};
use codraft_protocol::api::{NewRound, RoundState, Rounds};
use codraft_protocol::time::Timestamp;

#[derive(clap::Args)]
pub(crate) struct Round {
    /// Of this document, instead of the working copy's
    #[arg(long, value_name = "ID", global = true)]
    document: Option<String>,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    step: Option<Step>,
}

#[derive(clap::Subcommand)]
enum Step {
    /// How the rounds stand (this is what `codraft round` alone does, too)
    #[command(after_help = "Example:\n  codraft round show --json")]
    Show,
    /// Open the next round on the agreed text (secretariat)
    #[command(after_help = "Examples:\n  codraft round open\n  codraft round open --deadline 3d")]
    Open {
        /// When it closes by itself: 90m, 36h, 3d, or 2026-12-01T18:00:00Z
        #[arg(long, value_name = "WHEN", value_parser = moment)]
        deadline: Option<Timestamp>,
    },
    /// Set the open round's deadline, or lift it (secretariat, chair)
    #[command(after_help = "Examples:\n  codraft round deadline 2h\n  codraft round deadline none")]
    Deadline {
        /// 90m, 36h, 3d, 2026-12-01T18:00:00Z, or none
        #[arg(value_parser = moment_or_none)]
        when: Deadline,
    },
    /// Close the round for edits: what comes later is late (secretariat, chair)
    #[command(after_help = "Example:\n  codraft round close")]
    Close,
    /// Conclude the round: what was adopted is the next agreed text (secretariat)
    #[command(after_help = "Example:\n  codraft round conclude && codraft round revisions")]
    Conclude,
    /// The agreed texts so far
    #[command(after_help = "Example:\n  codraft round revisions")]
    Revisions,
    /// One agreed text, byte for byte
    #[command(after_help = "Example:\n  codraft round revision 0 > as-imported.txt")]
    Revision {
        /// Its number: 0 is the import
        number: u32,
    },
}

/// A deadline that may be lifted.
#[derive(Clone, Copy, Debug)]
struct Deadline(Option<Timestamp>);

/// A moment as people write it.
fn moment(written: &str) -> Result<Timestamp, String> {
    let units = [('m', 60), ('h', 3600), ('d', 86_400)];
    for (unit, seconds) in units {
        if let Some(number) =
            written.strip_suffix(unit).and_then(|n| n.parse::<i64>().ok()).filter(|n| *n > 0)
        {
            return Ok(Timestamp(codraft_client_core::now().0 + number.saturating_mul(seconds * 1000)));
        }
    }
    let parsed = serde_json::from_value(serde_json::Value::String(written.to_owned()));
    parsed.map_err(|_| "write 90m, 36h, 3d, or a moment such as 2026-12-01T18:00:00Z".to_owned())
}

fn moment_or_none(written: &str) -> Result<Deadline, String> {
    if written == "none" { Ok(Deadline(None)) } else { moment(written).map(|at| Deadline(Some(at))) }
}

impl Round {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let document = Context::document(self.document.as_ref())?;
        let api = context.api()?;
        let rounds = match self.step {
            None | Some(Step::Show) => api.rounds(&document)?,
            Some(Step::Open { deadline }) => api.open_round(&document, &NewRound { deadline })?,
            Some(Step::Deadline { when: Deadline(deadline) }) => {
                api.round_deadline(&document, &NewRound { deadline })?
            }
            Some(Step::Close) => api.close_round(&document)?,
            Some(Step::Conclude) => api.conclude_round(&document)?,
            Some(Step::Revision { number }) => {
                output::raw(&api.revision_text(&document, number)?);
                return Ok(());
            }
            Some(Step::Revisions) => {
                let revisions = api.revisions(&document)?;
                if self.json {
                    output::json(&revisions);
                } else {
                    for one in revisions.revisions {
                        let of =
                            one.round.map_or_else(|| "import".to_owned(), |round| format!("round {round}"));
                        let sum = one.sha256.get(..12).unwrap_or_default();
                        output::line(format!(
                            "Rev.{}  {}  {of}  {} bytes  sha256 {sum}…",
                            one.number, one.at, one.bytes
                        ));
                    }
                }
                return Ok(());
            }
        };
        if self.json {
            output::json(&rounds);
        } else {
            shown(&rounds);
        }
        Ok(())
    }
}

fn shown(rounds: &Rounds) {
    let paint = Paint::stdout();
    for round in &rounds.rounds {
        let state = match round.state {
            RoundState::Open => paint.with("32", "open for edits"),
            RoundState::Closed => paint.with("33", "closed for edits: the chair rules"),
            RoundState::Concluded => paint.dim("concluded"),
        };
        let mut line = format!("round {}  on Rev.{}  {state}", round.number, round.baseline);
        if let Some(result) = round.result {
            line.push_str(&format!("  → Rev.{result}"));
        }
        if let Some(deadline) = round.deadline.filter(|_| round.state == RoundState::Open) {
            line.push_str(&format!("  until {deadline}"));
        }
        output::line(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now = codraft_client_core::now().0;
        assert!((moment("2h").unwrap().0 - now - 7_200_000).abs() < 5000);
        assert_eq!(moment("1970-01-01T00:00:01Z").unwrap(), Timestamp(1000));
        assert!(moment_or_none("none").unwrap().0.is_none());
        for bad in ["", "h", "-3d", "tomorrow", "12"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
