//! The stock JavaScript client.

#[test]
fn the_stock_automerge_repo_client() {
    codraft_tests::node::test("foreign", &["--test-timeout=240000", "stock.test.mjs"]);
}
