//! Sound inputs.

use std::path::PathBuf;

use cloudtally_model::{Account, AccountType, DeviceType, NetworkSample};

use super::*;

#[test]
fn a_dump_as_mysql_writes_it() {
    let csv = "\u{feff}\"id\",\"type\",\"created\",\"account_id\",\"zone_id\",\"resource_id\",\
               \"resource_name\",\"offering_id\",\"template_id\",\"size\",\"resource_type\",\
               \"processed\",\"virtual_size\"\r\n\
               \"1\",\"VM.CREATE\",\"2026-01-31 23:59:59\",\"2\",\"1\",\"10\",\"web, \"\"1\"\"\",\
               \"12\",\"201\",NULL,\"KVM\",\"1\",\\N\r\n\
               \r\n\
               2,VPN.USER.ADD,2026-02-01T00:00:00.25+01:00,3,-1,11,\"two\nlines\",,,,,0,7\r\n";
    let outcome = read::<UsageEvent>(csv.as_bytes());
    assert_eq!((outcome.fault, outcome.bad), (None, vec![]));
    let [first, second] = &outcome.rows[..] else { panic!("{:?}", outcome.rows) };
    let expected = UsageEvent {
        event_type: "VM.CREATE".into(),
        resource: 10u64.into(),
        resource_name: Some("web, \"1\"".into()),
        offering: Some(12u64.into()),
        template: Some(201u64.into()),
        resource_type: Some("KVM".into()),
        ..event(1)
    };
    assert_eq!(*first, expected);
    assert_eq!(second.resource_name.as_deref(), Some("two\nlines"));
    assert_eq!(second.created, at("2026-01-31 23:00:00.250"));
    assert!(second.zone.is_none());
    assert_eq!(second.virtual_size, Some(7));
}

#[test]
fn json_lines_by_hand() {
    let json = "{\"ID\": \"1\", \"type\": \"VM.START\", \"created\": \"2026-01-31 23:59:59\", \
                \"account_id\": 2.0, \"zone_id\": 1, \"resource_id\": 9, \"size\": null, \
                \"other\": {\"a\": [1, {}]}, \"resource_name\": \"NULL\"}\r\n\
                \n\
                {\"resource_id\":9,\"zone_id\":1,\"account_id\":2,\"resource_name\":77,\
                \"created\":\"2026-01-31\\u002023:59:59\",\"type\":\"VM.START\",\"id\":2}";
    let outcome = read::<UsageEvent>(json.as_bytes());
    let second = UsageEvent { resource_name: Some("77".into()), ..event(2) };
    assert_eq!(outcome, Outcome { rows: vec![event(1), second], bad: vec![], fault: None });
}

#[test]
fn samples_and_accounts_by_hand() {
    let samples = "sampled,account_id,zone_id,device_id,device_type,network_id,bytes_sent,\
                   bytes_received,address\n\
                   2026-01-01 00:05:00,2,1,4,DomainRouter,204,10,20,\n\
                   2026-01-01 00:05:00,2,1,5,,,9223372036854775807,0,10.1.1.1\n";
    let outcome = read::<NetworkSample>(samples.as_bytes());
    assert_eq!((outcome.fault, outcome.bad), (None, vec![]));
    assert_eq!(outcome.rows[0].series.device_type, DeviceType::DomainRouter);
    assert_eq!(outcome.rows[0].series.network.0, 204);
    assert_eq!(outcome.rows[1].series.device_type, DeviceType::Unknown);
    assert_eq!(outcome.rows[1].series.network.0, 0);
    assert_eq!(outcome.rows[1].series.address.as_deref(), Some("10.1.1.1"));
    assert_eq!(outcome.rows[1].bytes_sent, i64::MAX as u64);

    let accounts = "account_name,id,type,removed\nadmin,2,1,\nacme,3,5,2026-01-02 00:00:00\n";
    let outcome = read::<Account>(accounts.as_bytes());
    assert_eq!((outcome.fault, outcome.bad), (None, vec![]));
    assert_eq!(outcome.rows[0].account_type, Some(AccountType::RootAdmin));
    assert_eq!(outcome.rows[1].account_type, Some(AccountType::Project));
    assert_eq!(outcome.rows[1].removed, Some(at("2026-01-02 00:00:00")));
}

#[test]
fn every_format_in_every_compression() {
    let events: Vec<UsageEvent> = (1..500).map(event).collect();
    for format in Format::ALL {
        let plain = write(&events, format);
        assert_eq!(read::<UsageEvent>(&plain).rows, events, "{format:?}");
        if format == Format::Parquet {
            continue;
        }
        let (head, tail) = plain.split_at(plain.len() / 2);
        let members = [gzip(head), gzip(tail)].concat();
        let frames = [zstd(head), zstd(tail)].concat();
        let skippable = [&b"\x50\x2a\x4d\x18\x02\x00\x00\x00ab"[..], &zstd(&plain)].concat();
        for bytes in [gzip(&plain), zstd(&plain), members, frames, skippable] {
            let outcome = read::<UsageEvent>(&bytes);
            assert_eq!((outcome.rows, outcome.fault), (events.clone(), None), "{format:?}");
        }
    }
}

#[test]
fn parquet_of_other_tools() {
    let fixtures = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"));
    let expected = vec![
        UsageEvent {
            event_type: "VM.CREATE".into(),
            resource: 10u64.into(),
            resource_name: Some("web, 1".into()),
            offering: Some(12u64.into()),
            template: Some(201u64.into()),
            resource_type: Some("KVM".into()),
            ..event(1)
        },
        UsageEvent {
            event_type: "VOLUME.CREATE".into(),
            created: at("2026-02-01 00:00:00.250"),
            resource: 11u64.into(),
            resource_name: Some("ROOT-10".into()),
            size: Some(21_474_836_480),
            ..event(2)
        },
        UsageEvent {
            event_type: "VPN.USER.ADD".into(),
            created: at("2026-02-01 12:00:00"),
            account: 3u64.into(),
            zone: cloudtally_model::ZoneId::NONE,
            resource: 12u64.into(),
            ..event(3)
        },
    ];
    for name in ["pandas", "pandas-typed", "arrow", "spark", "duckdb", "duckdb-text"] {
        let outcome = read_file::<UsageEvent>(&fixtures.join(format!("{name}.parquet")));
        let sound = Outcome { rows: expected.clone(), bad: vec![], fault: None };
        assert_eq!(outcome, sound, "{name}");
    }
    let outcome = read_file::<Account>(&fixtures.join("duckdb-accounts.parquet"));
    let [account] = &outcome.rows[..] else { panic!("{outcome:?}") };
    assert_eq!(account.uuid.as_deref(), Some("0b6a1c1e-51d5-4a0c-8d0e-0123456789ab"));
    assert_eq!(account.created, Some(at("2026-01-01 00:00:00")));
}
