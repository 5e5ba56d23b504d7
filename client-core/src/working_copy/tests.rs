use super::*;
use automerge::{Automerge, TextEncoding};
use codraft_protocol::resolution::{SAMPLE, edit, text_form};
use codraft_protocol::time::Timestamp;

fn copy(dir: &Path) -> WorkingCopy {
    let mut doc = Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint);
    let (layout, lines) = text_form::parse(SAMPLE.as_bytes()).unwrap();
    edit::begin_session(&mut doc, ActorId::from(vec![0; 16]), &DelegationCode::secretariat());
    let head = edit::create(&mut doc, "T/1", &layout, &lines, Timestamp(0)).unwrap();
    let config = Config {
        server: "http://127.0.0.1:1".to_owned(),
        token: "token".to_owned(),
        document: DocumentId::from_bytes([1; 16]).to_string(),
        symbol: "T/1".to_owned(),
        role: Role::Delegate,
        delegation: Some("CAN".parse().unwrap()),
        name: None,
    };
    let mut copy = WorkingCopy::create(dir, config).unwrap();
    copy.keep(Record::Received(vec![doc.save()])).unwrap();
    copy.learn(Facts { baseline: vec![head.0], ..Facts::default() }).unwrap();
    assert!(copy.render().unwrap());
    copy
}

fn edits(dir: &Path) -> Vec<api::Proposal> {
    let mut edits = WorkingCopy::read(dir).unwrap().edits().unwrap();
    // The actor is another one each time, and so is the change.
    edits.iter_mut().for_each(|edit| (edit.changes, edit.created) = Default::default());
    edits
}

#[test]
fn a_kept_index_is_private_and_nothing_depends_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let copy = copy(dir.path());
    let (folder, path) = (dir.path().join(FOLDER), dir.path().join(FOLDER).join(INDEX));
    // Nothing was made that would be worth it.
    copy.keep_index();
    assert!(!path.exists());
    fs::write(copy.file(), SAMPLE.replacen(" and ", " and also ", 1)).unwrap();
    let expected = edits(dir.path());
    assert_eq!(expected.len(), 1);

    copy.replica.proposals(copy.config().document_id().unwrap()).unwrap();
    copy.keep_index();
    let kept = fs::read(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
    }
    assert!(!folder.join("index.new").exists());
    assert_eq!(edits(dir.path()), expected);

    let begun = concat!("codraft index ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();
    let older = b"codraft index 0.0.0\n";
    for other in [kept.get(..kept.len() - 9).unwrap(), b"", begun, older, b"something else"] {
        fs::write(&path, other).unwrap();
        assert_eq!(edits(dir.path()), expected);
    }
    // Neither read nor written.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    copy.keep_index();
    assert_eq!(edits(dir.path()), expected);
}
