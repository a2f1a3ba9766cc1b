//! Accounts: the later one is the truth.

use cloudtally_model::SourceName;
use cloudtally_store::Stream;

use crate::{Cloud, at, counts};

#[test]
fn equal_ones_are_duplicates_changed_ones_replace() {
    let cloud = Cloud::new();
    let first = cloud
        .file("a.csv", "id,account_name,state\n2,admin,enabled\n3,acme,enabled\n3,acme,enabled\n");
    assert_eq!(cloud.ingest(Stream::Accounts, &[&first]).counts, counts(3, 2, 1, 0));
    assert_eq!(cloud.ingest(Stream::Accounts, &[&first]).counts, counts(3, 0, 3, 0));

    // Renamed, then removed, then the same again; and a row without a name.
    let second = cloud.file(
        "b.jsonl",
        "{\"id\":3,\"account_name\":\"acme-old\"}\n\
         {\"id\":3,\"account_name\":\"acme-old\",\"removed\":\"2026-02-01 00:00:00\"}\n\
         {\"id\":3,\"account_name\":\"acme-old\",\"removed\":\"2026-02-01T00:00:00Z\"}\n\
         {\"id\":4,\"account_name\":\"\"}\n",
    );
    assert_eq!(cloud.ingest(Stream::Accounts, &[&second]).counts, counts(4, 2, 1, 1));
    let accounts = cloud.store.accounts().unwrap();
    let source = SourceName::new("default").unwrap();
    let acme = accounts.get(&source, 3u64.into()).unwrap();
    assert_eq!((&*acme.name, acme.removed), ("acme-old", Some(at("2026-02-01 00:00:00"))));
    assert_eq!(acme.state, None);
    assert_eq!(accounts.iter().count(), 2);
    let [removal] = &cloud.store.snapshot().unwrap().account_removals[..] else { panic!() };
    assert_eq!((removal.before, removal.after), (None, acme.removed));
    assert_eq!(
        cloud.quarantined()[0].2,
        "column `account_name` has no value, but every row needs one"
    );
}
