//! Limits on everything that others can make grow. Each has a default that a conference does not meet, and
//! words of its own where it is met.

use crate::connection::ConnectionSettings;
use crate::door::Rates;
use crate::http::BodyBounds;
use crate::hub::Budgets;
use crate::places::Bounds;
use crate::throttle::Rate;
use clap::Args;
use codraft_protocol::authorship::{Gate, Limits as GateLimits};
use serde::Deserialize;
use std::time::Duration;

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty, $env:literal, $value:literal;)+) => {
        /// The limits that can be set: flags, `CODRAFT_…` variables, or under `[limits]` in the file.
        #[derive(Args, Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        #[command(next_help_heading = "Limits")]
        pub struct Limits {
            $($(#[doc = $doc])+ #[arg(long, env = $env, value_name = $value, hide_short_help = true)]
            pub $name: Option<$type>,)+
        }

        impl Limits {
            /// Every name, as it stands in the file.
            pub const NAMES: &[&str] = &[$(stringify!($name)),+];

            /// What `other` adds where this says nothing.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self { $($name: self.$name.or(other.$name)),+ }
            }
        }
    };
}

limits! {
    /// TCP connections from one address [default: 2500; from this machine: no limit]
    connections_per_address: usize, "CODRAFT_CONNECTIONS_PER_ADDRESS", "N";
    /// Websockets and event streams of one account [default: 1000]
    connections_per_account: usize, "CODRAFT_CONNECTIONS_PER_ACCOUNT", "N";
    /// API requests of one account, a second; five times as many at once [default: 100]
    requests_per_second: u32, "CODRAFT_REQUESTS_PER_SECOND", "N";
    /// Failed logins from one address, a minute; as many at once [default: 60; 100 at once]
    failed_logins_per_minute: u32, "CODRAFT_FAILED_LOGINS_PER_MINUTE", "N";
    /// Failed logins as one account from one address, a minute; as many at once [default: 6; 10 at once]
    guesses_per_minute: u32, "CODRAFT_GUESSES_PER_MINUTE", "N";
    /// Bytes of a request's body [default: 4194304]
    body_bytes: usize, "CODRAFT_BODY_BYTES", "BYTES";
    /// Seconds that a request's body may take to arrive [default: 30]
    body_seconds: u64, "CODRAFT_BODY_SECONDS", "SECONDS";
    /// Seconds that a request's head may take to arrive [default: 10]
    head_seconds: u64, "CODRAFT_HEAD_SECONDS", "SECONDS";
    /// Seconds that a websocket may take to join [default: 10]
    join_seconds: u64, "CODRAFT_JOIN_SECONDS", "SECONDS";
    /// Seconds that a client may take to read what is written to it [default: 20]
    write_seconds: u64, "CODRAFT_WRITE_SECONDS", "SECONDS";
    /// Seconds from ping to ping; after three without a sign of life, and a second for each 250 KB that it has to merge, a websocket is dropped [default: 15]
    ping_seconds: u64, "CODRAFT_PING_SECONDS", "SECONDS";
    /// Messages that one websocket may send, a second; five times as many at once [default: 1000]
    messages_per_second: u32, "CODRAFT_MESSAGES_PER_SECOND", "N";
    /// Bytes that may wait to be written to one websocket [default: 8388608]
    pending_bytes: usize, "CODRAFT_PENDING_BYTES", "BYTES";
    /// Messages that may wait to be written to one websocket [default: 4096]
    pending_messages: usize, "CODRAFT_PENDING_MESSAGES", "N";
    /// Documents that one websocket may have open [default: 1000]
    documents_per_connection: usize, "CODRAFT_DOCUMENTS_PER_CONNECTION", "N";
    /// Times that one websocket may ask for a whole document again [default: 8]
    resets: u32, "CODRAFT_RESETS", "N";
    /// Refused changes that one websocket may send [default: 200]
    refusals: u32, "CODRAFT_REFUSALS", "N";
    /// Bytes of one ephemeral message (presence, cursors) [default: 16384]
    ephemeral_bytes: usize, "CODRAFT_EPHEMERAL_BYTES", "BYTES";
    /// Ephemeral messages of one websocket, a second; twice as many at once [default: 30]
    ephemeral_per_second: u32, "CODRAFT_EPHEMERAL_PER_SECOND", "N";
    /// Bytes of one change [default: 1048576]
    change_bytes: usize, "CODRAFT_CHANGE_BYTES", "BYTES";
    /// Operations of one change [default: 100000]
    change_operations: u64, "CODRAFT_CHANGE_OPERATIONS", "N";
    /// Provisions that a document may ever have, removed ones included [default: 10000]
    provisions: usize, "CODRAFT_PROVISIONS", "N";
    /// Characters that one provision's text may ever have, struck ones included [default: 1000000]
    text_characters: usize, "CODRAFT_TEXT_CHARACTERS", "N";
    /// Megabytes of changes that a document may have [default: 256]
    document_mb: u64, "CODRAFT_DOCUMENT_MB", "MB";
    /// Megabytes of refused changes that a document keeps of one account; more are refused and not kept [default: 64]
    quarantine_mb: usize, "CODRAFT_QUARANTINE_MB", "MB";
    /// Documents that stay open though nobody uses them; of more, the longest unused go to rest [default: 64]
    open_documents: usize, "CODRAFT_OPEN_DOCUMENTS", "N";
}

fn seconds(set: Option<u64>, default: Duration) -> Duration {
    set.map_or(default, Duration::from_secs)
}

fn rate(set: Option<u32>, per: f64, burst: f64, default: Rate) -> Rate {
    set.map_or(default, |n| Rate { per_second: f64::from(n) / per, burst: (f64::from(n) * burst).max(1.0) })
}

impl Limits {
    /// How many connections.
    pub fn bounds(&self, all: usize) -> Bounds {
        let default = Bounds::default();
        Bounds {
            all,
            address: self.connections_per_address,
            account: self.connections_per_account.unwrap_or(default.account),
        }
    }

    /// Rates of logins and requests.
    pub fn rates(&self) -> Rates {
        let default = Rates::default();
        Rates {
            strangers: rate(self.failed_logins_per_minute, 60.0, 1.0, default.strangers),
            guesses: rate(self.guesses_per_minute, 60.0, 1.0, default.guesses),
            requests: rate(self.requests_per_second, 1.0, 5.0, default.requests),
        }
    }

    /// A request's body.
    pub fn body(&self) -> BodyBounds {
        let default = BodyBounds::default();
        BodyBounds {
            bytes: self.body_bytes.unwrap_or(default.bytes),
            patience: seconds(self.body_seconds, default.patience),
        }
    }

    /// How long a request's head may take.
    pub fn head(&self) -> Duration {
        seconds(self.head_seconds, Duration::from_secs(10))
    }

    /// One websocket.
    pub fn connection(&self, frame_bytes: Option<usize>) -> ConnectionSettings {
        let default = ConnectionSettings::default();
        ConnectionSettings {
            frame_bytes: frame_bytes.unwrap_or(default.frame_bytes),
            pending_bytes: self.pending_bytes.unwrap_or(default.pending_bytes),
            pending_messages: self.pending_messages.unwrap_or(default.pending_messages),
            messages_per_second: self.messages_per_second.unwrap_or(default.messages_per_second),
            join_timeout: seconds(self.join_seconds, default.join_timeout),
            write_timeout: seconds(self.write_seconds, default.write_timeout),
            ping_interval: seconds(self.ping_seconds, default.ping_interval).max(Duration::from_secs(1)),
            documents: self.documents_per_connection.unwrap_or(default.documents),
        }
    }

    /// One websocket in one document.
    pub fn budgets(&self) -> Budgets {
        let default = Budgets::default();
        Budgets {
            resets: self.resets.unwrap_or(default.resets),
            refusals: self.refusals.unwrap_or(default.refusals),
            ephemeral_bytes: self.ephemeral_bytes.unwrap_or(default.ephemeral_bytes),
            ephemeral_rate: self.ephemeral_per_second.unwrap_or(default.ephemeral_rate),
            document_bytes: self.document_mb.map_or(default.document_bytes, |mb| mb << 20),
            quarantine_bytes: self.quarantine_mb.map_or(default.quarantine_bytes, |mb| mb << 20),
        }
    }

    /// One change.
    pub fn gate(&self) -> Gate {
        let default = GateLimits::default();
        let limits = GateLimits {
            change_bytes: self.change_bytes.unwrap_or(default.change_bytes),
            change_ops: self.change_operations.unwrap_or(default.change_ops),
            provisions: self.provisions.unwrap_or(default.provisions),
            text_chars: self.text_characters.unwrap_or(default.text_chars),
        };
        Gate { limits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_is_the_defaults() {
        let none = Limits::default();
        assert_eq!(none.rates(), Rates::default());
        assert_eq!(none.body(), BodyBounds::default());
        assert_eq!(none.budgets(), Budgets::default());
        assert_eq!(none.gate().limits, GateLimits::default());
        assert_eq!(none.bounds(10_000), Bounds::default());
    }

    #[test]
    fn the_file_sets_each_and_flags_come_first() {
        let written: String = Limits::NAMES.iter().map(|name| format!("{name} = 7\n")).collect();
        let file: Limits = toml::from_str(&written).unwrap();
        let flag = Limits { provisions: Some(3), ..Limits::default() };
        let both = flag.or(file);
        assert_eq!(
            both.gate().limits,
            GateLimits { change_bytes: 7, change_ops: 7, provisions: 3, text_chars: 7 }
        );
        assert_eq!(both.rates().requests, Rate { per_second: 7.0, burst: 35.0 });
        assert_eq!(both.budgets().document_bytes, 7 << 20);
        assert_eq!(both.connection(Some(9)).frame_bytes, 9);
        assert!(toml::from_str::<Limits>("provision = 1").is_err());
    }

    /// The defaults that the help tells are the ones there are.
    #[test]
    fn the_help_tells_the_truth() {
        #[derive(clap::Parser)]
        struct Help {
            #[command(flatten)]
            limits: Limits,
        }
        let command = <Help as clap::CommandFactory>::command();
        let told = |name: &str| {
            let help = command.get_arguments().find(|arg| arg.get_id() == name).unwrap().get_help().unwrap();
            let help = help.to_string();
            let (_, default) = help.split_once("[default: ").unwrap();
            default.split([']', ';']).next().unwrap().parse::<u64>().unwrap()
        };
        let (connection, budgets, gate) =
            (ConnectionSettings::default(), Budgets::default(), GateLimits::default());
        assert_eq!(told("connections_per_address"), crate::places::PER_ADDRESS as u64);
        assert_eq!(told("connections_per_account"), Bounds::default().account as u64);
        assert_eq!(told("requests_per_second") as f64, Rates::default().requests.per_second);
        assert_eq!(told("failed_logins_per_minute") as f64, Rates::default().strangers.per_second * 60.0);
        assert_eq!(told("guesses_per_minute") as f64, Rates::default().guesses.per_second * 60.0);
        let said = command.clone().render_long_help().to_string();
        for (name, rate) in [("60", Rates::default().strangers), ("6", Rates::default().guesses)] {
            assert!(said.contains(&format!("[default: {name}; {} at once]", rate.burst)), "{said}");
        }
        assert_eq!(told("body_bytes"), BodyBounds::default().bytes as u64);
        assert_eq!(told("body_seconds"), BodyBounds::default().patience.as_secs());
        assert_eq!(told("head_seconds"), Limits::default().head().as_secs());
        assert_eq!(told("join_seconds"), connection.join_timeout.as_secs());
        assert_eq!(told("write_seconds"), connection.write_timeout.as_secs());
        assert_eq!(told("ping_seconds"), connection.ping_interval.as_secs());
        assert_eq!(told("messages_per_second"), u64::from(connection.messages_per_second));
        assert_eq!(told("pending_bytes"), connection.pending_bytes as u64);
        assert_eq!(told("pending_messages"), connection.pending_messages as u64);
        assert_eq!(told("documents_per_connection"), connection.documents as u64);
        assert_eq!(told("resets"), u64::from(budgets.resets));
        assert_eq!(told("refusals"), u64::from(budgets.refusals));
        assert_eq!(told("ephemeral_bytes"), budgets.ephemeral_bytes as u64);
        assert_eq!(told("ephemeral_per_second"), u64::from(budgets.ephemeral_rate));
        assert_eq!(told("document_mb") << 20, budgets.document_bytes);
        assert_eq!(told("quarantine_mb") << 20, budgets.quarantine_bytes as u64);
        assert_eq!(told("change_bytes"), gate.change_bytes as u64);
        assert_eq!(told("change_operations"), gate.change_ops);
        assert_eq!(told("provisions"), gate.provisions as u64);
        assert_eq!(told("text_characters"), gate.text_chars as u64);
        let registry = crate::registry::Settings::default();
        assert_eq!(told("open_documents"), registry.open_documents as u64);
    }
}
