//! Events that the cloud writes wrongly.

use cloudtally_store::Stream;

use crate::{Cloud, counts};

const HEADER: &str = "id,type,created,account_id,zone_id,resource_id\n";
const ASSIGN: &str = "1,PORTABLE.IPASSIGN,2026-01-01 06:00:00,77,1,77\n";
const RELEASE: &str = "2,PORTABLE.IPRELEASE,2026-01-01 18:00:00,3,1,77\n";
const ADDRESSES: &str = "id,account_id,public_ip_address\n77,3,10.1.1.77\n78,NULL,10.1.1.78\n";

/// Id, account and zone of all events.
fn stored(cloud: &Cloud) -> Vec<(u64, u64, u64)> {
    let number = |event: &cloudtally_model::UsageEvent| event.zone.number().unwrap_or(0);
    let all = cloud.events().into_iter();
    all.map(|(_, event)| (event.id.0, event.account.0, number(&event))).collect()
}

/// Event, column and original value of all mends.
fn mends(cloud: &Cloud) -> Vec<(u64, String, u64)> {
    let source = cloudtally_model::SourceName::new("default").unwrap();
    let mends = cloud.store.mended_events(&source).unwrap().into_iter();
    mends.map(|mend| (mend.event.0, mend.column, mend.original)).collect()
}

#[test]
fn the_account_of_a_portable_address_comes_from_its_release() {
    let cloud = Cloud::new();
    let events = format!("{HEADER}{ASSIGN}{RELEASE}");
    let summary = cloud.ingest_text(&events).unwrap();
    assert_eq!((summary.counts, summary.mended), (counts(2, 2, 0, 0), 1));
    assert_eq!(stored(&cloud), [(1, 3, 1), (2, 3, 1)]);
    assert_eq!(mends(&cloud), [(1, "account_id".to_owned(), 77)]);
    // The same rows again are the same rows, with or without what mends them.
    assert_eq!(cloud.ingest_text(&events).unwrap().counts, counts(2, 0, 2, 0));
    let alone = cloud.ingest_text(format!("{HEADER}{ASSIGN}")).unwrap();
    assert_eq!(alone.counts, counts(1, 0, 1, 0));
    assert_eq!(mends(&cloud).len(), 1);
}

#[test]
fn the_account_of_a_portable_address_comes_from_its_row() {
    // The row of the address counts before a release, and in any order of files.
    for addresses_first in [true, false] {
        let cloud = Cloud::new();
        let events = cloud.file("events", format!("{HEADER}{ASSIGN}"));
        let addresses = cloud.file("addresses", ADDRESSES);
        let files = if addresses_first { [&*addresses, &*events] } else { [&*events, &*addresses] };
        let summary = cloud.ingest_all(&files, None).unwrap();
        assert_eq!((summary.counts, summary.mended), (counts(1, 1, 0, 0), 1));
        assert_eq!(stored(&cloud), [(1, 3, 1)]);
    }
}

#[test]
fn an_address_that_nobody_is_known_to_own_is_set_aside_until_it_is() {
    let cloud = Cloud::new();
    let summary = cloud.ingest_text(format!("{HEADER}{ASSIGN}")).unwrap();
    assert_eq!(summary.counts, counts(1, 0, 0, 1));
    let reason = &cloud.quarantined()[0].2;
    assert!(reason.contains("the id of the address, `77`"), "{reason}");
    assert!(reason.contains("`user_ip_address`"), "{reason}");
    // A release before the assignment says nothing about it.
    let early = "2,PORTABLE.IPRELEASE,2026-01-01 05:00:00,3,1,77\n";
    let summary = cloud.ingest_text(format!("{HEADER}{ASSIGN}{early}")).unwrap();
    assert_eq!(summary.counts, counts(2, 1, 0, 1));
    let events = cloud.file("events", format!("{HEADER}{ASSIGN}"));
    let addresses = cloud.file("addresses", ADDRESSES);
    let summary = cloud.ingest_all(&[&events, &addresses], None).unwrap();
    assert_eq!(summary.counts, counts(1, 1, 0, 0));
    // An account that is no address's id is the cloud's own word.
    let sound = "4,PORTABLE.IPASSIGN,2026-01-01 06:00:00,3,1,79\n";
    let summary = cloud.ingest_text(format!("{HEADER}{sound}")).unwrap();
    assert_eq!((summary.counts, summary.mended), (counts(1, 1, 0, 0), 0));
}

#[test]
fn the_zone_of_an_upload_is_that_of_its_store() {
    let cloud = Cloud::new();
    let zones = cloud.file("data_center", "id,name,networktype\n1,east,Advanced\n2,west,Basic\n");
    let stores = cloud.file(
        "image_store",
        "id,data_center_id,image_provider_name\n7,2,NFS\n8,NULL,S3\n1,2,NFS\n",
    );
    let events = cloud.file(
        "usage_event",
        format!(
            "{HEADER}1,TEMPLATE.CREATE,2026-01-01 06:00:00,3,7,40\n\
             2,ISO.CREATE,2026-01-01 06:00:00,3,8,41\n\
             3,VOLUME.UPLOAD,2026-01-01 06:00:00,3,9,42\n\
             4,TEMPLATE.CREATE,2026-01-01 06:00:00,3,1,43\n\
             5,VM.CREATE,2026-01-01 06:00:00,3,7,44\n"
        ),
    );
    let summary = cloud.ingest_all(&[&zones, &stores, &events], None).unwrap();
    assert_eq!((summary.counts, summary.mended), (counts(5, 5, 0, 0), 3));
    assert_eq!(stored(&cloud), [(1, 3, 2), (2, 3, 0), (3, 3, 0), (4, 3, 1), (5, 3, 7)]);
    let expected = [(1, 7), (2, 8), (3, 9)].map(|(id, zone)| (id, "zone_id".to_owned(), zone));
    assert_eq!(mends(&cloud), expected);
    // Without the zones they are the same rows.
    let again = cloud.ingest(Stream::Events, &[&events]);
    assert_eq!(again.counts, counts(5, 0, 5, 0));
}

#[test]
fn an_event_that_came_before_it_could_be_mended_stays() {
    let cloud = Cloud::new();
    let zones = cloud.file("data_center", "id,name,networktype\n1,east,Advanced\n");
    let event = format!("{HEADER}1,TEMPLATE.CREATE,2026-01-01 06:00:00,3,7,40\n");
    let events = cloud.file("usage_event", event);
    assert_eq!(cloud.ingest(Stream::Events, &[&events]).counts, counts(1, 1, 0, 0));
    let summary = cloud.ingest_all(&[&zones, &events], None).unwrap();
    assert_eq!((summary.counts, summary.mended), (counts(1, 0, 1, 0), 0));
    assert_eq!(stored(&cloud), [(1, 3, 7)]);
}

#[test]
fn a_sum_of_the_cloud_that_falls_is_a_database_that_went_back() {
    let cloud = Cloud::new();
    let series = "INSERT INTO user_statistics (id, account_id, data_center_id, device_id, \
                  device_type, network_id, public_ip_address, net_bytes_sent, net_bytes_received, \
                  current_bytes_sent, current_bytes_received) VALUES \
                  (7,2,1,31,'DomainRouter',204,NULL,0,0,0,0);\n";
    let log = |rows: &[(&str, u64)]| {
        let rows = rows.iter().map(|(at, bytes)| format!("(7,'{at} 00:00:03',{bytes},{bytes})"));
        let rows: Vec<String> = rows.collect();
        format!(
            "{series}INSERT INTO op_user_stats_log (user_stats_id, updated, agg_bytes_sent, \
             agg_bytes_received) VALUES {};\n",
            rows.join(",")
        )
    };
    let first = log(&[("2026-01-02", 500), ("2026-01-03", 800), ("2026-01-04", 1000)]);
    assert_eq!(cloud.ingest_text(&first).unwrap().counts, counts(3, 3, 0, 0));
    // Restored to 2 January: what it tells of 5 January is less than was known of the 4th.
    let restored = log(&[("2026-01-02", 500), ("2026-01-05", 600), ("2026-01-06", 1100)]);
    assert_eq!(cloud.ingest_text(&restored).unwrap().counts, counts(3, 1, 1, 1));
    let reason = &cloud.quarantined()[0].2;
    assert!(reason.contains("falls from 1000 and 1000 bytes at 2026-01-04T00:00:00Z"), "{reason}");
    let sent: Vec<u64> = cloud.samples().iter().map(|sample| sample.bytes_sent).collect();
    assert_eq!(sent, [500, 800, 1000, 1100]);
}
