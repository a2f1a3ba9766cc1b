//! Every field of guide 8.1 for each usage type, in order, byte for byte.

use std::fmt::Write;

use cloudtally_model::{Instant, RecordId};
use cloudtally_store::{RecordFilter, RecordWindow};

use crate::support::{Folder, Listed, at};

/// A field of a record: the names are the guide's, in lower case as the wire has them.
enum Field {
    Text(&'static str, &'static str),
    Bare(&'static str, &'static str),
}
use Field::{Bare, Text};

const JANUARY_1: [(&str, &str); 2] = [("startdate", "2026-01-01"), ("enddate", "2026-01-01")];

/// One resource of every kind on 1 January 2026: the guide's virtual machine of
/// 8.4 (12:00-18:00 and from 23:00), everything else from noon.
fn folder() -> Folder {
    let folder = Folder::new("UTC", "1440");
    folder.accounts("default", "10004,user5 & <sons>,5c0a2b1e-7c1d-4b8e-9a54-0d6a5f1c2b31,0,1,/\n");
    folder.events(
        "1,VM.CREATE,10004,2026-01-01 12:00:00,1,4,i-3-4-WC,1,3,,,XenServer\n\
         2,VM.START,10004,2026-01-01 12:00:00,1,4,i-3-4-WC,1,3,,,XenServer\n\
         3,VM.STOP,10004,2026-01-01 18:00:00,1,4,i-3-4-WC,1,3,,,XenServer\n\
         4,VM.START,10004,2026-01-01 23:00:00,1,4,i-3-4-WC,1,3,,,XenServer\n\
         5,NET.IPASSIGN,10004,2026-01-01 12:00:00,1,7,192.0.2.7,,0,1,,VirtualNetwork\n\
         6,VOLUME.CREATE,10004,2026-01-01 12:00:00,1,501,ROOT-4,12,3,21474836480,,XenServer\n\
         7,TEMPLATE.CREATE,10004,2026-01-01 12:00:00,1,201,gold,,3,3221225472,8589934592,\n\
         8,ISO.CREATE,10004,2026-01-01 12:00:00,1,202,installer,,,734003200,,\n\
         9,SNAPSHOT.CREATE,10004,2026-01-01 12:00:00,1,601,snap,12,,10737418240,,\n\
         10,LB.CREATE,10004,2026-01-01 12:00:00,1,31,web,,,,,\n\
         11,NET.RULEADD,10004,2026-01-01 12:00:00,1,32,ssh,,,,,\n\
         12,NETWORK.OFFERING.ASSIGN,10004,2026-01-01 12:00:00,1,4,701,9,,1,,\n\
         13,VPN.USER.ADD,10004,2026-01-01 12:00:00,0,71,road \"w\",,,,,\n",
    );
    folder.samples(
        "2026-01-01 12:00:00,10004,1,5001,DomainRouter,204,1000,2000\n\
         2026-01-01 13:00:00,10004,1,5001,DomainRouter,204,1049576,10487760\n",
    );
    folder.aggregate("2026-01-01", "2026-01-01");
    folder
}

/// The fields of each type beside the common ones, up to the dates, and after them.
fn expected() -> Vec<(Vec<Field>, Vec<Field>)> {
    let storage = |size| Bare("size", size);
    vec![
        (
            vec![
                Text("description", "i-3-4-WC running time (ServiceOffering: 1) (Template: 3)"),
                Text("usage", "7 Hrs"),
                Bare("usagetype", "1"),
                Text("rawusage", "7"),
                Text("virtualmachineid", "4"),
                Text("name", "i-3-4-WC"),
                Text("offeringid", "1"),
                Text("templateid", "3"),
                Text("usageid", "4"),
                Text("type", "XenServer"),
            ],
            vec![],
        ),
        (
            vec![
                Text("description", "i-3-4-WC allocated (ServiceOffering: 1) (Template: 3)"),
                Text("usage", "12 Hrs"),
                Bare("usagetype", "2"),
                Text("rawusage", "12"),
                Text("virtualmachineid", "4"),
                Text("name", "i-3-4-WC"),
                Text("offeringid", "1"),
                Text("templateid", "3"),
                Text("usageid", "4"),
                Text("type", "XenServer"),
            ],
            vec![],
        ),
        (
            vec![
                Text("description", "IPAddress: 192.0.2.7"),
                Text("usage", "12 Hrs"),
                Bare("usagetype", "3"),
                Text("rawusage", "12"),
                Text("usageid", "7"),
            ],
            vec![
                Bare("issourcenat", "true"),
                Bare("iselastic", "false"),
                Bare("issystem", "false"),
            ],
        ),
        (
            vec![
                Text("description", "network bytes sent for Host: 5001"),
                Text("usage", "1048576 bytes sent"),
                Bare("usagetype", "4"),
                Text("rawusage", "1048576"),
                Text("usageid", "5001"),
                Text("type", "DomainRouter"),
            ],
            vec![Text("networkid", "204")],
        ),
        (
            vec![
                Text("description", "network bytes received for Host: 5001"),
                Text("usage", "10485760 bytes received"),
                Bare("usagetype", "5"),
                Text("rawusage", "10485760"),
                Text("usageid", "5001"),
                Text("type", "DomainRouter"),
            ],
            vec![Text("networkid", "204")],
        ),
        (
            vec![
                Text("description", "Volume Id: 501 usage time (Template: 3)"),
                Text("usage", "12 Hrs"),
                Bare("usagetype", "6"),
                Text("rawusage", "12"),
                Text("offeringid", "12"),
                Text("templateid", "3"),
                Text("usageid", "501"),
                Text("type", "XenServer"),
                storage("21474836480"),
            ],
            vec![],
        ),
        (
            vec![
                Text("description", "Template Id:201 Size:3221225472VirtualSize:8589934592"),
                Text("usage", "12 Hrs"),
                Bare("usagetype", "7"),
                Text("rawusage", "12"),
                Text("templateid", "3"),
                Text("usageid", "201"),
                storage("3221225472"),
                Bare("virtualsize", "8589934592"),
            ],
            vec![],
        ),
        (
            vec![
                Text("description", "ISO Id:202 Size:734003200VirtualSize:734003200"),
                Text("usage", "12 Hrs"),
                Bare("usagetype", "8"),
                Text("rawusage", "12"),
                Text("usageid", "202"),
                storage("734003200"),
                Bare("virtualsize", "734003200"),
            ],
            vec![],
        ),
        (
            vec![
                Text("description", "Snapshot Id:601 Size:10737418240VirtualSize:0"),
                Text("usage", "12 Hrs"),
                Bare("usagetype", "9"),
                Text("rawusage", "12"),
                Text("offeringid", "12"),
                Text("usageid", "601"),
                storage("10737418240"),
            ],
            vec![],
        ),
        (
            vec![
                Text("description", "Load Balancing Policy: 31 usage time"),
                Text("usage", "12 Hrs"),
                Bare("usagetype", "11"),
                Text("rawusage", "12"),
                Text("usageid", "31"),
            ],
            vec![],
        ),
        (
            vec![
                Text("description", "Port Forwarding Rule: 32 usage time"),
                Text("usage", "12 Hrs"),
                Bare("usagetype", "12"),
                Text("rawusage", "12"),
                Text("usageid", "32"),
            ],
            vec![],
        ),
        (
            vec![
                Text("description", "Network offering:9 for Vm : 4 usage time"),
                Text("usage", "12 Hrs"),
                Bare("usagetype", "13"),
                Text("rawusage", "12"),
                Text("virtualmachineid", "4"),
                Text("offeringid", "9"),
                Text("usageid", "9"),
            ],
            vec![Bare("isdefault", "true"), Text("nicid", "701")],
        ),
        (
            vec![
                Text("description", "VPN User: road \"w\", Id: 71 usage time"),
                Text("usage", "12 Hrs"),
                Bare("usagetype", "14"),
                Text("rawusage", "12"),
                Text("usageid", "71"),
            ],
            vec![],
        ),
    ]
}

/// The fields of all expected records, with the ids they must have.
fn records(ids: &[String]) -> Vec<Vec<(&'static str, String, bool)>> {
    let plain = |field: Field| match field {
        Text(name, value) => (name, value.to_owned(), true),
        Bare(name, value) => (name, value.to_owned(), false),
    };
    let mut records = Vec::new();
    for ((before, after), id) in expected().into_iter().zip(ids) {
        let is_vpn = matches!(&before[2], Bare(_, "14"));
        let mut fields = vec![
            Text("account", "user5 & <sons>"),
            Text("accountid", "10004"),
            Text("domainid", "1"),
        ];
        if !is_vpn {
            fields.push(Text("zoneid", "1"));
        }
        fields.extend(before);
        fields.push(Text("startdate", "2026-01-01T00:00:00+0000"));
        fields.push(Text("enddate", "2026-01-01T23:59:59+0000"));
        fields.extend(after);
        let mut record: Vec<_> = fields.into_iter().map(plain).collect();
        record.push(("recordid", id.clone(), true));
        record.push(("source", "default".to_owned(), true));
        records.push(record);
    }
    records
}

#[test]
fn every_usage_type_in_json_and_xml() {
    let folder = folder();
    let server = folder.serve();
    let mut pairs = vec![("command", "listUsageRecords"), ("response", "json")];
    pairs.extend(JANUARY_1);

    // The ids name just these records.
    let reply = server.ask(&pairs);
    let ids = Listed::of(&reply).all("recordid");
    let always = RecordWindow { from: Instant::EPOCH, to: Instant::END_OF_TIME };
    let stored = folder.store.records(always, &RecordFilter::default()).unwrap();
    for (id, served) in ids.iter().zip(stored.page(0, 100).unwrap()) {
        let id: RecordId = id.parse().unwrap();
        assert_eq!(id.period_start(), at("2026-01-01 00:00:00"));
        assert_eq!(stored.find(id).unwrap().unwrap(), served);
    }

    // JSON.
    let mut json = String::from("{\"listusagerecordsresponse\":{\"count\":13,\"usagerecord\":[");
    for (index, record) in records(&ids).iter().enumerate() {
        json.push_str(if index == 0 { "{" } else { ",{" });
        for (index, (name, value, quoted)) in record.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let value = value.replace('"', "\\\"");
            match quoted {
                true => write!(json, "{comma}\"{name}\":\"{value}\"").unwrap(),
                false => write!(json, "{comma}\"{name}\":{value}").unwrap(),
            }
        }
        json.push('}');
    }
    json.push_str("]}}");
    assert_eq!(reply.text(), json);
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.headers["content-length"], json.len().to_string());
    assert_eq!(reply.status_line, "HTTP/1.1 200 OK");

    // XML.
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><listusagerecordsresponse \
         cloud-stack-version=\"4.2.1\"><count>13</count>",
    );
    for record in records(&ids) {
        xml.push_str("<usagerecord>");
        for (name, value, _) in record {
            let value = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            write!(xml, "<{name}>{}</{name}>", value.replace('"', "&quot;")).unwrap();
        }
        xml.push_str("</usagerecord>");
    }
    xml.push_str("</listusagerecordsresponse>");
    pairs[1].1 = "xml";
    let reply = server.ask(&pairs);
    assert_eq!(reply.text(), xml);
    assert_eq!(reply.headers["content-type"], "text/xml; charset=UTF-8");
}

#[test]
fn the_virtual_machine_of_the_guide_written_out() {
    let folder = folder();
    let server = folder.serve();
    let mut pairs = vec![("command", "listUsageRecords"), ("type", "1")];
    pairs.extend(JANUARY_1);
    let reply = server.ask(&pairs);
    let id = reply.text().split("<recordid>").nth(1).unwrap().split('<').next().unwrap();
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <listusagerecordsresponse cloud-stack-version=\"4.2.1\"><count>1</count><usagerecord>\
         <account>user5 &amp; &lt;sons&gt;</account><accountid>10004</accountid>\
         <domainid>1</domainid><zoneid>1</zoneid>\
         <description>i-3-4-WC running time (ServiceOffering: 1) (Template: 3)</description>\
         <usage>7 Hrs</usage><usagetype>1</usagetype><rawusage>7</rawusage>\
         <virtualmachineid>4</virtualmachineid><name>i-3-4-WC</name><offeringid>1</offeringid>\
         <templateid>3</templateid><usageid>4</usageid><type>XenServer</type>\
         <startdate>2026-01-01T00:00:00+0000</startdate><enddate>2026-01-01T23:59:59+0000</enddate>\
         <recordid>{id}</recordid><source>default</source></usagerecord></listusagerecordsresponse>"
    );
    assert_eq!(reply.text(), expected);
}

#[test]
fn the_usage_types_of_the_guide() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let reply = server.ask(&[("command", "listUsageTypes"), ("response", "json")]);
    let types = [
        (1, "Running Vm Usage"),
        (2, "Allocated Vm Usage"),
        (3, "IP Address Usage"),
        (4, "Network Usage (Bytes Sent)"),
        (5, "Network Usage (Bytes Received)"),
        (6, "Volume Usage"),
        (7, "Template Usage"),
        (8, "ISO Usage"),
        (9, "Snapshot Usage"),
        (11, "Load Balancer Usage"),
        (12, "Port Forwarding Usage"),
        (13, "Network Offering Usage"),
        (14, "VPN users usage"),
    ];
    let item =
        |(id, text): &(u32, &str)| format!("{{\"usagetypeid\":{id},\"description\":\"{text}\"}}");
    let items: Vec<String> = types.iter().map(item).collect();
    let json = |items: &[String]| {
        let items = items.join(",");
        format!("{{\"listusagetypesresponse\":{{\"count\":13,\"usagetype\":[{items}]}}}}")
    };
    assert_eq!(reply.text(), json(&items));
    let page =
        [("command", "listUsageTypes"), ("response", "json"), ("page", "3"), ("pagesize", "5")];
    assert_eq!(server.ask(&page).text(), json(&items[10..]));
    let past =
        [("command", "listUsageTypes"), ("response", "json"), ("page", "4"), ("pagesize", "5")];
    assert_eq!(server.ask(&past).text(), "{\"listusagetypesresponse\":{}}");
}
