//! The concatenation of the pages is the whole, whatever the size of a page, and
//! the count is exact; large answers come in pieces and are whole.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
};

use cloudtally_model::{
    AccountId, Millis, NetworkId, NicId, OfferingId, ResourceId, SourceId, UsageRecord,
    UsageTypeId, ZoneId,
};

use crate::support::{Folder, Listed, Reply, Server, at, signed};

const JANUARY: [(&str, &str); 2] = [("startdate", "2026-01-01"), ("enddate", "2026-01-31")];

/// `count` records of the day number `day` of 2026, over three accounts and two types.
pub(crate) fn records(day: i64, count: u64, quantity: u64) -> Vec<UsageRecord> {
    let start = at("2026-01-01 00:00:00") + Millis(day * Millis::DAY.0);
    let record = |i: u64| UsageRecord {
        source: SourceId(0),
        account: AccountId(2 + i % 3),
        usage_type: if i.is_multiple_of(2) { UsageTypeId::VOLUME } else { UsageTypeId::RUNNING_VM },
        resource: ResourceId(i),
        zone: ZoneId::from_source(1),
        nic: NicId(0),
        offering: Some(OfferingId(1)),
        template: None,
        size: i.is_multiple_of(2).then_some(1 << 30),
        network: NetworkId(0),
        resource_type: Some("XenServer".into()),
        start,
        corrects: None,
        virtual_size: None,
        name: Some(format!("i-2-{i}-VM <&> \"é\"").into()),
        is_source_nat: None,
        is_elastic: None,
        is_default: None,
        quantity: quantity.cast_signed(),
    };
    (0..count).map(record).collect()
}

/// 1029 records on three days.
fn folder() -> Folder {
    let folder = Folder::new("UTC", "1440");
    folder.accounts("default", "2,acme,,0,1,/\n3,birch,,0,2,/b/\n");
    for (day, count) in [(0, 500), (1, 22), (2, 507)] {
        folder.publish(day, records(day, count, 3_600_000));
    }
    folder
}

/// All pages of a query, over one connection each.
fn pages(server: &Server, filter: &[(&str, &str)], size: usize) -> Vec<serde_json::Value> {
    let (mut items, mut count) = (Vec::new(), None);
    for page in 1.. {
        let (page, size_text) = (page.to_string(), size.to_string());
        let mut pairs = vec![("page", page.as_str()), ("pagesize", size_text.as_str())];
        pairs.extend_from_slice(filter);
        let listed = server.list(&pairs);
        if listed.items.is_empty() {
            assert_eq!(listed, Listed::default(), "past the end there is no count");
            break;
        }
        assert!(count.is_none() || count == listed.count, "{count:?} {:?}", listed.count);
        count = listed.count;
        let left = usize::try_from(count.unwrap()).unwrap() - items.len();
        assert_eq!(listed.items.len(), left.min(size), "page {page} of size {size}");
        items.extend(listed.items);
    }
    items
}

#[test]
fn pages_of_every_size_make_the_whole() {
    let folder = folder();
    let server = folder.serve();
    let whole = server.list(&[&JANUARY[..], &[("pagesize", "-1")]].concat());
    assert_eq!((whole.count, whole.items.len()), (Some(1029), 1029));
    let ids: BTreeSet<String> = whole.all("recordid").into_iter().collect();
    assert_eq!(ids.len(), 1029, "no record twice");
    for size in [7, 100, 499, 500] {
        assert_eq!(pages(&server, &JANUARY, size), whole.items, "pages of {size}");
    }
    let one_day = [("startdate", "2026-01-02"), ("enddate", "2026-01-02")];
    let day: Vec<_> = whole.items[500..522].to_vec();
    assert_eq!(pages(&server, &one_day, 1), day, "pages of 1");
    // Without a page: the first `default.page.size`.
    let first = server.list(&JANUARY);
    assert_eq!((first.count, &first.items[..]), (Some(1029), &whole.items[..500]));
}

#[test]
fn filters_count_and_page_alike() {
    let folder = folder();
    let server = folder.serve();
    let whole = server.list(&[&JANUARY[..], &[("pagesize", "-1")]].concat()).items;
    for filter in [
        vec![("accountid", "3")],
        vec![("type", "6")],
        vec![("account", "acme"), ("type", "1")],
        vec![("accountid", "4"), ("type", "6")],
        vec![("type", "9")],
    ] {
        let is_it = |item: &&serde_json::Value| {
            filter.iter().all(|(name, value)| match *name {
                "type" => item["usagetype"].as_u64() == value.parse().ok(),
                name => item[name] == *value,
            })
        };
        let expected: Vec<_> = whole.iter().filter(is_it).cloned().collect();
        assert_eq!(expected.is_empty(), filter == [("type", "9")]);
        let filter = [&JANUARY[..], &filter].concat();
        for size in [7, 500] {
            assert_eq!(pages(&server, &filter, size), expected, "{filter:?}");
        }
    }
}

#[test]
fn the_default_page_size_is_a_setting() {
    let folder = folder();
    let server = folder.serve();
    let setting =
        [("command", "updateConfiguration"), ("name", "default.page.size"), ("value", "13")];
    assert_eq!(server.ask(&setting).status, 200);
    assert_eq!(server.list(&JANUARY).items.len(), 13);
    let mut pairs = vec![("command", "listUsageRecords"), ("page", "1"), ("pagesize", "14")];
    pairs.extend(JANUARY);
    assert_eq!(server.ask(&pairs).status, 431);
    assert_eq!(pages(&server, &JANUARY, 13).len(), 1029);
}

#[test]
fn nothing_found_is_an_empty_object_without_count() {
    let folder = folder();
    let server = folder.serve();
    let far = [("page", "2147483647"), ("pagesize", "500")];
    for more in
        [&far[..], &[("type", "-5")], &[("startdate", "2027-01-01"), ("enddate", "2027-01-02")]]
    {
        let mut pairs = vec![("command", "listUsageRecords")];
        pairs.extend_from_slice(more);
        if !more.contains(&("startdate", "2027-01-01")) {
            pairs.extend(JANUARY);
        }
        let xml = server.ask(&pairs);
        assert!(xml.text().ends_with("\"4.2.1\"></listusagerecordsresponse>"), "{}", xml.text());
        pairs.push(("response", "json"));
        assert_eq!(server.ask(&pairs).text(), "{\"listusagerecordsresponse\":{}}");
    }
}

/// 12 000 records in all, some 6 MB encoded.
fn large_folder() -> Folder {
    let folder = Folder::new("UTC", "1440");
    for day in 0..6 {
        folder.publish(day, records(day, 2000, 3_600_000));
    }
    folder
}

#[test]
fn a_large_answer_comes_in_pieces_and_is_the_whole() {
    let folder = large_folder();
    let server = folder.serve();
    let mut pairs = vec![("command", "listUsageRecords"), ("pagesize", "-1"), ("response", "json")];
    pairs.extend(JANUARY);
    let json = server.ask(&pairs);
    assert!(json.complete);
    assert_eq!(json.headers["transfer-encoding"], "chunked");
    let listed = Listed::of(&json);
    assert_eq!((listed.count, listed.items.len()), (Some(12_000), 12_000));
    assert_eq!(pages(&server, &JANUARY, 500), listed.items);

    pairs[2].1 = "xml";
    let xml = server.ask(&pairs);
    assert!(xml.complete && xml.text().ends_with("</usagerecord></listusagerecordsresponse>"));
    let ids: Vec<&str> = xml
        .text()
        .split("<recordid>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap())
        .collect();
    assert_eq!(ids, listed.all("recordid"));
}

#[test]
fn a_large_answer_stays_of_one_generation_while_another_is_published() {
    let folder = large_folder();
    let server = folder.serve();
    let mut pairs = vec![("command", "listUsageRecords"), ("pagesize", "-1"), ("response", "json")];
    pairs.extend(JANUARY);
    let mut stream = server.connect();
    let request = format!(
        "GET /client/api?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        signed(&pairs)
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = vec![0; 1000];
    stream.read_exact(&mut answer).unwrap();
    for day in 0..6 {
        folder.publish(day, records(day, 2000, 7_200_000));
    }
    stream.read_to_end(&mut answer).unwrap();
    let old = Listed::of(&Reply::parse(&answer));
    assert_eq!(old.items.len(), 12_000);
    assert_eq!(old.all("usage").iter().filter(|usage| *usage == "1 Hrs").count(), 12_000);
    let new = server.list(&[&JANUARY[..], &[("pagesize", "-1")]].concat());
    assert_eq!(new.all("usage").iter().filter(|usage| *usage == "2 Hrs").count(), 12_000);
    assert_eq!(new.all("recordid"), old.all("recordid"));
}

#[test]
fn a_generation_published_between_pages_moves_no_record() {
    let folder = folder();
    let server = folder.serve();
    let page =
        |page: &str| server.list(&[&JANUARY[..], &[("page", page), ("pagesize", "500")]].concat());
    let first = page("1");
    folder.publish(2, records(2, 507, 7_200_000));
    folder.publish(3, records(3, 10, 3_600_000));
    let rest = [page("2"), page("3")];
    assert_eq!([first.count, rest[0].count, rest[1].count], [Some(1029), Some(1039), Some(1039)]);
    let ids: BTreeSet<String> =
        [&first, &rest[0], &rest[1]].iter().flat_map(|page| page.all("recordid")).collect();
    assert_eq!(ids.len(), 1039);
}

#[test]
fn a_reader_who_leaves_or_stalls_harms_nobody() {
    let folder = large_folder();
    let mut server = folder.serve();
    let mut pairs = vec![("command", "listUsageRecords"), ("pagesize", "-1")];
    pairs.extend(JANUARY);
    let request = format!("GET /client/api?{} HTTP/1.1\r\nHost: x\r\n\r\n", signed(&pairs));
    // More than are answered at a time, each leaving in the middle.
    for _ in 0..80 {
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_exact(&mut [0; 100]).unwrap();
    }
    assert_eq!(server.list(&JANUARY).count, Some(12_000));
    // One that reads no further does not keep the server from stopping.
    let mut stream = server.connect();
    stream.write_all(request.as_bytes()).unwrap();
    stream.read_exact(&mut [0; 100]).unwrap();
    server.ask_to_stop();
    // Whole or cut, as the buffers between them hold all of the answer or not.
    server.wait_for_end();
}
