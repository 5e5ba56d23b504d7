//! The documents are true: whatever the programs take, answer and refuse stands in `docs/`, and the examples
//! there and in README run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use codraft_protocol::authorship::Refusal;
use codraft_protocol::resolution::SAMPLE;
use codraft_tests::server::{Server, codraft_server, programs};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What lacks in a document, all at once.
fn all_in(document: &str, wanted: impl IntoIterator<Item = String>) {
    let text = read(document);
    let wanted: BTreeSet<String> = wanted.into_iter().collect();
    assert!(!wanted.is_empty(), "nothing to look for in {document}");
    let missing: Vec<&String> = wanted.iter().filter(|words| !text.contains(words.as_str())).collect();
    assert!(missing.is_empty(), "{document} does not name {missing:#?}");
}

/// Every Rust file below a folder.
fn sources(folder: &str) -> Vec<String> {
    let mut folders = vec![root().join(folder)];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                texts.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    texts
}

/// The string literals of a source, each with what stands between it and the next one.
fn literals(source: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = source.split('"').collect();
    (1..parts.len().saturating_sub(1)).step_by(2).map(|at| (parts[at], parts[at + 1])).collect()
}

fn is_name(word: &str, extra: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || extra.contains(c))
}

#[test]
fn the_api_is_written_down() {
    let server = Server::start();
    let mut answer = ureq::get(format!("{}/api/v1/openapi.json", server.url)).call().unwrap();
    let openapi: serde_json::Value =
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
    // Every route, every field and every word that a field may have.
    let mut wanted = Vec::new();
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            wanted.push(format!("### `{} {path}`", method.to_uppercase()));
        }
    }
    let mut schemas = vec![&openapi["components"]["schemas"]];
    while let Some(value) = schemas.pop() {
        let Some(object) = value.as_object() else {
            value.as_array().into_iter().flatten().for_each(|one| schemas.push(one));
            continue;
        };
        let fields = object.get("properties").and_then(serde_json::Value::as_object);
        wanted.extend(fields.into_iter().flat_map(|fields| fields.keys().map(|field| format!("`{field}`"))));
        let words = object.get("enum").and_then(serde_json::Value::as_array);
        wanted.extend(words.into_iter().flatten().map(|word| format!("`{}`", word.as_str().unwrap())));
        schemas.extend(object.values());
    }
    all_in("docs/api.md", wanted);
}

#[test]
fn problems_refusals_figures_and_close_codes_are_written_down() {
    // A problem's name stands before its title, which begins with a capital letter.
    let mut problems = Vec::new();
    for source in sources("server/src/http") {
        let all = literals(&source);
        for pair in all.windows(2) {
            let [(kind, between), (title, _)] = pair else { continue };
            let follows = between.trim_start().strip_prefix(',').is_some_and(|rest| rest.trim().is_empty());
            if follows && is_name(kind, "-") && title.starts_with(|c: char| c.is_ascii_uppercase()) {
                problems.push(format!("`urn:codraft:{kind}`"));
            }
        }
    }
    assert!(problems.len() > 25, "{problems:?}");
    all_in("docs/api.md", problems);

    let gate = read("protocol/src/authorship/gate.rs");
    let codes = gate.lines().filter_map(|line| line.split_once("=> \"")?.1.split_once("\","));
    let codes: Vec<String> = codes
        .map(|(code, _)| code)
        .filter(|code| is_name(code, "-"))
        .map(|code| format!("`{code}`"))
        .collect();
    assert!(codes.len() > 30, "{codes:?}");
    // Whoever counts them leaves none out.
    let counted = Refusal::CODES.map(|code| format!("`{code}`"));
    assert_eq!(codes.iter().collect::<BTreeSet<_>>(), counted.iter().collect());
    all_in("docs/api.md", codes);

    let (mut figures, mut closings) = (Vec::new(), Vec::new());
    for source in sources("server/src") {
        let figure = |word: &str| word.starts_with("codraft_") && !word.contains('=');
        let named = literals(&source).into_iter().map(|(word, _)| word).filter(|word| figure(word));
        figures.extend(named.filter(|word| is_name(word, "_")).map(|word| format!("`{word}")));
        for after in source.split("code: ").skip(1) {
            let code: String = after.chars().take_while(char::is_ascii_digit).collect();
            if code.len() == 4 && code != "1000" {
                closings.push(format!("| {code} |"));
            }
        }
    }
    all_in("docs/api.md", figures);
    all_in("docs/wire.md", closings);
}

/// The map's lines of a part: the names that each begins with.
fn mapped(part: &str) -> BTreeSet<String> {
    let map = read("ARCHITECTURE.md");
    let map = map.split("```").nth(1).expect("the map").to_owned();
    let lines = map.lines().skip_while(|line| line.split(' ').next() != Some(part)).skip(1);
    let lines = lines.take_while(|line| line.starts_with(' ')).filter(|line| !line.starts_with("   "));
    let names = lines.filter_map(|line| line.trim_start().split("  ").next().map(str::to_owned));
    names.flat_map(|names| names.split(", ").map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_module_is_on_the_map() {
    for (part, beside) in [("protocol", &[] as &[&str]), ("client-core", &["cli"]), ("server", &["web"])] {
        let mut modules: BTreeSet<String> = beside.iter().map(|name| (*name).to_owned()).collect();
        for entry in std::fs::read_dir(root().join(part).join("src")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "rs") {
                modules.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
            }
        }
        modules.retain(|name| name != "lib" && name != "main");
        assert_eq!(mapped(part), modules, "{part}: the map of ARCHITECTURE.md, and what there is");
    }
}

/// The chains of modules that ARCHITECTURE.md draws are those of the sources.
#[test]
fn modules_use_only_those_before_them() {
    let text = read("ARCHITECTURE.md");
    // `id` and `time` head both.
    let chains = ["id, time → wire", "id, time → api"].map(|begin| {
        let chain = text.split('`').find(|words| words.starts_with(begin)).expect(begin);
        chain.split(" → ").flat_map(|step| step.split(", ")).collect::<Vec<_>>()
    });
    let mut looked_at = BTreeSet::new();
    for chain in &chains {
        for (at, module) in chain.iter().enumerate() {
            let mut texts = vec![read(&format!("protocol/src/{module}.rs"))];
            if root().join(format!("protocol/src/{module}")).is_dir() {
                texts.extend(sources(&format!("protocol/src/{module}")));
            }
            for text in texts {
                // Its own tests and comments may name whatever they like.
                let code = text.split("#[cfg(test)]").next().unwrap().lines();
                let code: String = code.filter(|line| !line.trim_start().starts_with("//")).collect();
                for after in code.split("crate::").skip(1) {
                    let used: String =
                        after.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                    let before = chain[..=at].contains(&used.as_str());
                    assert!(before, "protocol::{module} uses {used}, which does not come before it");
                }
            }
            looked_at.insert((*module).to_owned());
        }
    }
    assert_eq!(looked_at, mapped("protocol"));
}

/// The bugs of docs/reliability.md can be planted in the sources as they are, one after another.
#[test]
fn every_planted_bug_applies() {
    let copy = tempfile::tempdir().unwrap();
    let entries = std::fs::read_dir(root().join("tests/planted")).unwrap();
    let mut patches: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    patches.sort();
    assert!(patches.len() > 30, "{patches:?}");
    let mut failed = Vec::new();
    for patch in &patches {
        let text = std::fs::read_to_string(patch).unwrap();
        for file in text.lines().filter_map(|line| line.strip_prefix("--- a/")) {
            let to = copy.path().join(file);
            if !to.exists() {
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                std::fs::copy(root().join(file), to).unwrap();
            }
        }
        let mut command = Command::new("patch");
        command.args(["--quiet", "--fuzz=0", "--forward", "-p1", "-d"]).arg(copy.path()).arg("-i").arg(patch);
        if !command.status().expect("patch is needed").success() {
            failed.push(patch);
        }
    }
    assert!(failed.is_empty(), "make them anew: {failed:#?}");
}

/// A program's commands as its help lists them, with all flags of each; `commands` lead to this one.
fn commands(program: &str, before: &[String], found: &mut Vec<String>) {
    let output =
        Command::new(programs().join(program)).args(before).arg("--help").output().expect("it starts");
    let help = String::from_utf8(output.stdout).unwrap();
    let mut inside = false;
    for line in help.lines() {
        if line.ends_with(':') {
            inside = line == "Commands:";
        }
        let flag = line.trim_start().trim_start_matches("-h, ").split([' ', '=', '[']).next().unwrap_or("");
        if flag.starts_with("--") && flag != "--help" && !line.contains("codraft ") {
            found.push(flag.to_owned());
        }
        let name = line.strip_prefix("  ").filter(|name| inside && !name.starts_with(' '));
        if let Some(name) = name.and_then(|name| name.split(' ').next()).filter(|name| *name != "help") {
            let path: Vec<String> = before.iter().cloned().chain([name.to_owned()]).collect();
            found.push(format!("`{name}`|`{program} {}", path.join(" ")));
            commands(program, &path, found);
        }
    }
}

#[test]
fn every_command_flag_and_setting_is_written_down() {
    let (cli, configuration) = (read("docs/cli.md"), read("docs/configuration.md"));
    for program in ["codraft", "codraft-server"] {
        let mut found = Vec::new();
        commands(program, &[], &mut found);
        assert!(found.len() > 20, "{found:?}");
        for one in found {
            match one.split_once('|') {
                // `codraft log` in full, or in a heading beside others of its kind.
                Some((short, whole)) => assert!(
                    cli.contains(whole)
                        || cli.lines().any(|line| line.starts_with("### ") && line.contains(short)),
                    "docs/cli.md does not name {whole}"
                ),
                None => assert!(
                    one == "--version" || cli.contains(&one) || configuration.contains(&one),
                    "neither docs/cli.md nor docs/configuration.md names {one}"
                ),
            }
        }
    }
    // The keys of the file, as the program itself lists them.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("codraft.toml");
    std::fs::write(&file, "nonsense = 1\n").unwrap();
    let output = codraft_server(&["serve", "--config-file", file.to_str().unwrap()]);
    let said = String::from_utf8(output.stderr).unwrap();
    let listed = said.split_once("expected one of").unwrap_or_else(|| panic!("{said}")).1;
    let keys: Vec<String> =
        literals(&listed.replace('`', "\"")).iter().map(|(key, _)| format!("| `{key}`")).collect();
    assert!(keys.len() >= 9, "{keys:?}");
    all_in("docs/configuration.md", keys);
    // Variables, from the sources of both programs.
    let mut variables = vec!["`NO_COLOR`".to_owned()];
    for source in sources("server/src").into_iter().chain(sources("client-core/cli/src")) {
        let named = source.split("env = \"").skip(1).filter_map(|rest| rest.split_once('"'));
        variables.extend(named.map(|(variable, _)| format!("`{variable}`")));
    }
    assert!(variables.len() > 10, "{variables:?}");
    all_in("docs/configuration.md", variables);
}

/// Runs the shell examples of a document one after another, as its reader would.
fn run_examples(
    document: &str,
    section: Option<&str>,
    server: &Server,
    edit: impl Fn(String) -> String,
) -> String {
    let text = read(document);
    let text = match section {
        Some(heading) => text.split_once(heading).expect(heading).1.split("\n## ").next().unwrap().to_owned(),
        None => text,
    };
    let blocks: Vec<&str> =
        text.split("```sh\n").skip(1).map(|rest| rest.split_once("```").expect("closed").0).collect();
    assert!(!blocks.is_empty(), "{document} has examples");
    let dir = tempfile::tempdir().unwrap();
    let resolution = dir.path().join("resolution-1501.txt");
    std::fs::write(&resolution, SAMPLE).unwrap();
    std::fs::create_dir_all(dir.path().join("protocol/samples")).unwrap();
    std::fs::write(dir.path().join("protocol/samples/resolution.txt"), SAMPLE).unwrap();
    let path = format!("{}:{}", programs().display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-eu", "-c", &edit(blocks.concat())])
        .current_dir(dir.path())
        .env("PATH", path)
        .env("CODRAFT_SERVER", &server.url)
        .env("CODRAFT_RESERVE_MB", "0")
        .env("SECRETARIAT", &server.secretariat)
        .env("RESOLUTION", &resolution)
        .env("EDITOR", "sed -i s/annually/weekly/")
        .env_remove("CODRAFT_TOKEN")
        .output()
        .expect("sh runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{document}: {:?}\n{out}\n{err}", output.status);
    out.into_owned()
}

#[test]
fn the_examples_of_the_commands_run() {
    let server = Server::start();
    let out = run_examples("docs/cli.md", None, &server, |script| script);
    for words in
        ["{++weekly++}{>>CAN<<}", "\"proposals\": [", "sent 1 change", "the backup of", "the store is whole"]
    {
        assert!(out.contains(words), "{words} in {out}");
    }
}

#[test]
fn the_examples_of_the_api_run() {
    let server = Server::start();
    let out = run_examples("docs/api.md", None, &server, |script| script);
    for words in ["1\tto warn everybody;", "{\"proposals\":[]}", "\"revoked\":true", "ready", "is whole"] {
        assert!(out.contains(words), "{words} in {out}");
    }
}

#[test]
fn the_five_minutes_of_the_readme_run() {
    // Its own server, on the port that a moment ago was free.
    let mut server = Server::start();
    assert!(server.stop());
    let address = server.url.trim_start_matches("http://").to_owned();
    let out = run_examples("README.md", Some("## Five minutes"), &server, |script| {
        assert!(script.contains("127.0.0.1:4280"), "{script}");
        format!("trap 'kill $!' EXIT\n{}", script.replace("127.0.0.1:4280", &address))
    });
    assert!(out.contains("MOD  CAN") && out.contains("{++weekly++}{>>CAN<<}"), "{out}");
}

#[test]
fn the_tour_of_a_round_runs() {
    let Some(corpus) = codraft_tests::corpus::read("resolution-1332-2019.txt") else { return };
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("resolution-1332.txt");
    std::fs::write(&file, corpus).unwrap();
    let out = run_examples("docs/tour.md", None, &server, |script| {
        format!("RESOLUTION={}\n{script}", file.display())
    });
    for words in ["60 proposals are on record", "nothing collides any more", "whole: ", "Rev.1", "Rev.2"] {
        assert!(out.contains(words), "{words} in {out}");
    }
}
