//! docs/dependencies.md against what the manifests take: each direct dependency, where, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a manifest of Cargo's takes: of others, in `section`.
fn crates(manifest: &str, section: &str) -> BTreeSet<String> {
    let text = read(manifest);
    let inside = text.split("\n[").find_map(|part| part.strip_prefix(&format!("{section}]\n")));
    let lines = inside.unwrap_or_default().lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let names = lines.map(|line| line.split(['.', ' ', '=']).next().unwrap().to_owned());
    names.filter(|name| !name.starts_with("codraft-")).collect()
}

/// What a manifest of npm's takes.
fn packages(manifest: &str) -> BTreeSet<String> {
    let parsed: serde_json::Value = serde_json::from_str(&read(manifest)).unwrap();
    let sections = ["dependencies", "devDependencies"].map(|section| parsed[section].as_object());
    sections.into_iter().flatten().flat_map(|section| section.keys().cloned()).collect()
}

type Uses = BTreeMap<String, Vec<&'static str>>;

fn uses(taken: impl IntoIterator<Item = (&'static str, BTreeSet<String>)>) -> Uses {
    let mut uses = Uses::new();
    for (place, names) in taken {
        names.into_iter().for_each(|name| uses.entry(name).or_default().push(place));
    }
    uses
}

/// The rows of a section's table: a name, and the columns behind it, of which the last is the reason.
fn rows(section: &str) -> BTreeMap<String, Vec<String>> {
    let page = read("docs/dependencies.md");
    let part = page.split("\n## ").find(|part| part.starts_with(section)).expect(section);
    let rows =
        part.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    rows.map(|(name, rest)| {
        let columns: Vec<String> = rest.split(" | ").map(str::to_owned).collect();
        assert!(columns.last().is_some_and(|reason| reason.len() > 8), "{name} needs a reason");
        (name.to_owned(), columns)
    })
    .collect()
}

/// Each stands on the page, with where it is used, and nothing else does.
fn explained(section: &str, uses: &Uses) {
    let rows = rows(section);
    let told = rows.iter().map(|(name, columns)| (name.clone(), columns[0].clone()));
    let used = uses.iter().map(|(name, places)| {
        let all = places.len() == 4;
        (name.clone(), if all { "everywhere".to_owned() } else { places.join(", ") })
    });
    let (told, used): (BTreeSet<_>, BTreeSet<_>) = (told.collect(), used.collect());
    let (missing, wrong): (Vec<_>, Vec<_>) =
        (used.difference(&told).collect(), told.difference(&used).collect());
    assert!(missing.is_empty() && wrong.is_empty(), "{section}: write {missing:?}, not {wrong:?}");
}

const SHIPPED: [(&str, &str); 4] = [
    ("protocol", "protocol/Cargo.toml"),
    ("client-core", "client-core/Cargo.toml"),
    ("cli", "client-core/cli/Cargo.toml"),
    ("server", "server/Cargo.toml"),
];

#[test]
fn dependencies_have_reasons() {
    let shipped = uses(SHIPPED.map(|(place, manifest)| (place, crates(manifest, "dependencies"))));
    assert!(shipped.len() > 30, "{shipped:?}");
    explained("In what is shipped", &shipped);

    let mut tests = crates("tests/Cargo.toml", "dependencies");
    tests.extend(crates("tests/guided/Cargo.toml", "dependencies"));
    for manifest in SHIPPED.iter().map(|(_, manifest)| *manifest).chain(["tests/Cargo.toml"]) {
        tests.extend(crates(manifest, "dev-dependencies"));
    }
    tests.retain(|name| !shipped.contains_key(name));
    assert!(tests.len() > 4, "{tests:?}");
    assert_eq!(rows("In tests only").into_keys().collect::<BTreeSet<_>>(), tests);

    let page = uses([("page", packages("server/web/package.json"))]);
    assert!(page.len() > 10, "{page:?}");
    assert_eq!(rows("In the page").into_keys().collect::<BTreeSet<_>>(), page.into_keys().collect());

    let foreign = uses(
        ["foreign", "browser", "load"].map(|place| (place, packages(&format!("tests/{place}/package.json")))),
    );
    assert!(foreign.len() > 6, "{foreign:?}");
    explained("In the tests' JavaScript", &foreign);
}
