//! `codraft-server demo`: a server with something in it, and what to do with it.

use super::{Failure, init, serve};
use crate::config::Config;
use codraft_protocol::api;
use codraft_protocol::id::{DelegationCode, Role};
use codraft_protocol::resolution::SAMPLE;
use std::io::IsTerminal;
use std::path::Path;

/// Who takes part: code, name, terminal colour.
const DELEGATIONS: [(&str, &str, u8); 3] =
    [("BRA", "Brazil", 32), ("KEN", "Kenya", 33), ("NOR", "Norway", 36)];

/// What the demo has made.
struct Made {
    document: String,
    secretariat: String,
    chair: String,
    delegates: Vec<String>,
}

/// Serves temporary data until it is told to stop; then the data is gone. `say` prints.
///
/// # Errors
/// [`Failure`]
pub async fn demo(config: &Config, say: impl Fn(&str)) -> Result<(), Failure> {
    let dir =
        tempfile::tempdir().map_err(|error| Failure::new(1, format!("no temporary directory: {error}")))?;
    let (storage, secretariat) = init::init(&dir.path().join("data"))?;
    let config = Config { reserve_mb: config.reserve_mb.or(Some(64)), ..config.clone() };
    let (ready, server) = tokio::sync::oneshot::channel();
    let running = serve::run(storage, &config, |server| {
        drop(ready.send((server.url(), server.registry().clone(), server.access().clone())));
    });
    let filling = async {
        let Ok((url, registry, access)) = server.await else { return Ok(()) };
        let made = fill(&registry, &access, secretariat).await?;
        say(&instructions(&url, &made, dir.path()));
        Ok::<(), Failure>(())
    };
    tokio::try_join!(running, filling).map(|_| ())
}

async fn fill(
    registry: &crate::registry::Registry,
    access: &crate::access::Access,
    secretariat: String,
) -> Result<Made, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(1, error);
    let pen = access.authenticate(Some(&secretariat)).map_err(|error| failed(&error))?;
    let new = api::NewDocument { text: SAMPLE.to_owned(), symbol: "C26/DT/1".to_owned() };
    let imported = registry.create(&pen, new).await.map_err(|error| failed(&error))?;
    let chair = api::NewInvitation { role: Role::Chair, delegation: None };
    let chair = access.decide(|directory, now, seed| directory.invite(&chair, now, seed)).await;
    let chair = chair.map_err(|error| failed(&error))?.token;
    let mut delegates = Vec::new();
    for (code, name, _) in DELEGATIONS {
        let code: DelegationCode = code.parse().map_err(|error| failed(&error))?;
        let new = api::NewDelegation { code, name: name.to_owned() };
        let added = access.decide(|directory, now, seed| directory.add_delegation(&new, now, seed)).await;
        delegates.push(added.map_err(|error| failed(&error))?.token);
    }
    Ok(Made { document: imported.document.id, secretariat, chair, delegates })
}

/// How the other program is started, from any folder, and whether it has been built.
fn codraft() -> (String, bool) {
    let beside = std::env::current_exe().ok().map(|exe| exe.with_file_name("codraft"));
    let built = beside.as_ref().is_some_and(|exe| exe.is_file());
    (beside.map_or_else(|| "codraft".to_owned(), |exe| exe.display().to_string()), built)
}

fn instructions(url: &str, made: &Made, dir: &Path) -> String {
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let paint = |code: u8, words: &str| {
        if colour { format!("\u{1b}[1;{code}m{words}\u{1b}[0m") } else { words.to_owned() }
    };
    let mut out =
        format!("\n{} at {}, with a sample resolution.\n\n", paint(1, "codraft demo"), paint(1, url));
    let (command, built) = codraft();
    if !built {
        out.push_str(
            "Build the other program first, in another terminal:   cargo build --release --bin codraft\n\n",
        );
    }
    // Each in a browser of its own would do, too; but every name below localhost has its own cookies and copies.
    out.push_str("In a browser, each delegation at its own address:\n\n");
    let (scheme, address) = url.split_once("://").unwrap_or(("http", url));
    let port = address.rsplit_once(':').map_or("", |(_, port)| port);
    let people = DELEGATIONS.into_iter().map(|(code, name, tone)| (code.to_lowercase(), name, tone));
    let people = people.zip(&made.delegates).chain([
        (("chair".to_owned(), "the chair", 35), &made.chair),
        (("secretariat".to_owned(), "the secretariat", 34), &made.secretariat),
    ]);
    for ((host, name, tone), token) in people {
        out.push_str(&format!(
            "  {}\n  {scheme}://{host}.localhost:{port}/join#{token}\n",
            paint(tone, name)
        ));
    }
    out.push_str("\nOr open a terminal for each delegation. In it, once:\n");
    for ((code, name, tone), token) in DELEGATIONS.into_iter().zip(&made.delegates) {
        let folder = dir.join(code.to_lowercase());
        out.push_str(&format!(
            "\n  {}\n  alias codraft='{command}'; export CODRAFT_TOKEN={token} CODRAFT_SERVER={url}\n  codraft clone {} {} && cd {}\n",
            paint(tone, &format!("{name} ({code})")),
            made.document,
            folder.display(),
            folder.display(),
        ));
    }
    out.push_str(&format!(
        "\nThen, as any of them:\n\n  edit resolution.txt in any editor, strike words, add a paragraph, delete one; then\n  \
         codraft diff            what you changed\n  \
         codraft sync            record, send, fetch, merge      (codraft sync --watch: live)\n  \
         codraft proposals       who proposes what, and what collides\n  \
         codraft show --view marked\n\n\
         The chair, who rules:   CODRAFT_TOKEN={}\n\
         The secretariat:        CODRAFT_TOKEN={}\n\
         The same in JSON:       curl -H \"Authorization: Bearer $CODRAFT_TOKEN\" {url}/api/v1/documents/{}/proposals\n\n\
         Ctrl-C stops it. The data and the folders above are temporary and go with it.\n",
        made.chair, made.secretariat, made.document,
    ));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instructions_name_everyone() {
        let made = Made {
            document: "DOC".into(),
            secretariat: "PEN".into(),
            chair: "CHAIR".into(),
            delegates: vec!["T1".into(), "T2".into(), "T3".into()],
        };
        let said = instructions("http://127.0.0.1:1", &made, Path::new("/tmp/x"));
        for word in ["DOC", "PEN", "CHAIR", "T1", "T2", "T3", "Kenya", "/tmp/x/nor"] {
            assert!(said.contains(word), "{said}");
        }
        assert!(said.contains("  http://ken.localhost:1/join#T2\n"), "{said}");
        // With a certificate every link says so.
        let said = instructions("https://127.0.0.1:1", &made, Path::new("/tmp/x"));
        assert!(said.contains("  https://ken.localhost:1/join#T2\n") && !said.contains("http://"), "{said}");
    }
}
