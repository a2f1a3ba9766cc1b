//! The documented errors: status, `errorcode`, `cserrorcode`, text, outer
//! element and header, exactly, in both encodings.

use crate::support::{API_KEY, Folder, Reply, SECRET_KEY, query, signature, signed, signed_with};

const CREDENTIALS: &str = "unable to verify user credentials and/or request signature";

fn check(reply: &Reply, status: u16, outer: &str, cs: Option<u16>, text: &str) {
    let cs_json = cs.map(|code| format!("\"cserrorcode\":{code},")).unwrap_or_default();
    let cs_xml = cs.map(|code| format!("<cserrorcode>{code}</cserrorcode>")).unwrap_or_default();
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    let escaped = escaped.replace('>', "&gt;").replace('\'', "&apos;");
    let expected = if reply.headers["content-type"] == "application/json" {
        let text = text.replace('"', "\\\"");
        format!(
            "{{\"{outer}\":{{\"uuidList\":[],\"errorcode\":{status},{cs_json}\"errortext\":\"{text}\"}}}}"
        )
    } else {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{outer} cloud-stack-version=\"4.2.1\">\
             <errorcode>{status}</errorcode>{cs_xml}<errortext>{escaped}</errortext></{outer}>"
        )
    };
    assert_eq!(reply.text(), expected);
    assert_eq!(reply.status, status);
    let phrase = match status {
        401 => "Unauthorized",
        431 => "Parameter Error",
        432 => "Unsupported Action",
        other => panic!("{other} is not documented"),
    };
    assert_eq!(reply.status_line, format!("HTTP/1.1 {status} {phrase}"));
    assert_eq!(reply.headers["x-description"], text);
}

#[test]
fn who_is_not_let_in() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let types = [("command", "listUsageTypes")];
    let refused =
        |query: &str| check(&server.get(query), 401, "listusagetypesresponse", None, CREDENTIALS);
    let refused_pairs = |pairs: &[(&str, &str)]| refused(&signed(pairs));

    // No key, no signature, neither, an unknown key, a wrong secret.
    refused("command=listUsageTypes");
    refused(&query(&[("command", "listUsageTypes"), ("apiKey", API_KEY)]));
    refused(&query(&[
        ("command", "listUsageTypes"),
        ("signature", &signature(&types, SECRET_KEY)),
    ]));
    refused(&signed_with(&types, "another", SECRET_KEY));
    refused(&signed_with(&types, API_KEY, "another"));
    refused(&format!("{}&response=xml", signed(&types)));
    refused(&signed(&types).replace("signature=", "signature=x"));
    // Version 3 wants an `expires` that is neither missing, nor unreadable, nor past.
    let version_3 = ("signatureVersion", "3");
    refused_pairs(&[types[0], version_3]);
    refused_pairs(&[types[0], version_3, ("expires", "tomorrow")]);
    refused_pairs(&[types[0], version_3, ("expires", "2011-10-10T12:00:00+0530")]);
    refused_pairs(&[types[0], version_3, ("expires", "2011-10-10T12:00:00Z")]);
    // In JSON.
    let reply = server.get("command=listUsageTypes&response=json");
    check(&reply, 401, "listusagetypesresponse", None, CREDENTIALS);
    // No command at all.
    check(&server.get(""), 401, "errorresponse", None, CREDENTIALS);
    check(&server.get("response=json&command="), 401, "errorresponse", None, CREDENTIALS);
}

#[test]
fn expiry_of_version_3_and_of_no_other() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    for version in ["signatureVersion", "signatureversion"] {
        for expires in
            ["2999-10-10T12:00:00Z", "2999-10-10T12:00:00+0530", "2999-10-10T12:00:00-07:00"]
        {
            let pairs = [("command", "listUsageTypes"), (version, "3"), ("expires", expires)];
            assert_eq!(server.ask(&pairs).status, 200, "{version} {expires}");
        }
    }
    let past = ("expires", "2011-10-10T12:00:00+0530");
    assert_eq!(server.ask(&[("command", "listUsageTypes"), past]).status, 200);
    // It is a number, however it is written.
    for version in ["3", "03", " 3", "003"] {
        let version_3 = [("command", "listUsageTypes"), ("signatureVersion", version), past];
        assert_eq!(server.ask(&version_3).status, 401, "{version:?}");
        let without = [version_3[0], version_3[1]];
        assert_eq!(server.ask(&without).status, 401, "{version:?}");
    }
    let version_2 = [("command", "listUsageTypes"), ("signatureVersion", "2"), past];
    assert_eq!(server.ask(&version_2).status, 200);
}

#[test]
fn commands_that_do_not_exist() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    for name in ["deployVM", "listusagerecords", "createConfiguration", "<x> & 'y'"] {
        let text =
            format!("The given command {name} does not exist; listApis tells which there are");
        // Known before anybody has signed anything.
        for format in ["json", "xml"] {
            let asked = query(&[("command", name), ("response", format)]);
            check(&server.get(&asked), 432, "errorresponse", Some(9999), &text);
        }
    }
}

#[test]
fn parameters_that_are_missing_or_wrong() {
    let folder = Folder::new("UTC", "1440");
    folder.accounts("default", "2,acme,,0,1,/\n");
    let server = folder.serve();
    let dates = [("startdate", "2026-01-01"), ("enddate", "2026-01-31")];
    let check = |cs: u16, more: &[(&str, &str)], text: &str| {
        for format in ["json", "xml"] {
            let mut pairs = vec![("command", "listUsageRecords"), ("response", format)];
            pairs.extend_from_slice(more);
            check(&server.ask(&pairs), 431, "listusagerecordsresponse", Some(cs), text);
        }
    };
    let with_dates = |cs: u16, more: &[(&str, &str)], text: &str| {
        check(cs, &[&dates, more].concat(), text);
    };
    let execute = "Unable to execute API command listusagerecords due to";
    check(9999, &[], &format!("{execute} missing parameter startdate"));
    check(9999, &[dates[0]], &format!("{execute} missing parameter enddate"));
    check(9999, &[("startdate", ""), dates[1]], &format!("{execute} missing parameter startdate"));
    for date in ["2026-02-30", "01/02/2026", "yesterday", "2026-01-01 25:00:00", "2026-01-01T00:00"]
    {
        let text = format!(
            "Unable to parse date {date} for command listusagerecords, please pass dates in the \
             format yyyy-MM-dd, \"yyyy-MM-dd HH:mm:ss\" or ISO 8601 with an offset"
        );
        check(9999, &[("startdate", date), dates[1]], &text);
        check(9999, &[dates[0], ("enddate", date)], &text);
    }
    check(
        4350,
        &[("startdate", "2026-01-02"), ("enddate", "2026-01-01")],
        "Incorrect Date Range. Start date: 2026-01-02T00:00:00+0000 is after end date:2026-01-01T23:59:59+0000",
    );
    with_dates(
        9999,
        &[("pagesize", "5")],
        "\"page\" parameter is required when \"pagesize\" is specified",
    );
    with_dates(
        9999,
        &[("page", "1")],
        "\"pagesize\" parameter is required when \"page\" is specified",
    );
    with_dates(
        9999,
        &[("page", "1"), ("pagesize", "-1")],
        "Can't specify page parameter when pagesize is -1 (Unlimited)",
    );
    with_dates(
        4350,
        &[("page", "1"), ("pagesize", "501")],
        "Page size can't exceed max allowed page size value: 500",
    );
    with_dates(4350, &[("page", "0"), ("pagesize", "5")], "page must be 1 or more, not 0");
    with_dates(4350, &[("page", "1"), ("pagesize", "-2")], "pagesize must be 1 or more, not -2");
    let invalid = |name: &str, value: &str, why: &str| {
        let text =
            format!("{execute} invalid value. Invalid parameter {name} value={value}: {why}");
        with_dates(9999, &[("page", "1"), ("pagesize", "1"), (name, value)], &text);
    };
    let long = "expected a whole number from -9223372036854775808 to 9223372036854775807";
    invalid("type", "volumes", long);
    invalid("type", "99999999999999999999", long);
    let unknown = |name: &str, value: &str, why: &str| {
        let text = format!(
            "Invalid parameter {name} value={value} due to incorrect long value format, or entity \
             does not exist: {why}"
        );
        with_dates(9999, &[(name, value)], &text);
    };
    unknown("domainid", "77", "there is no account in such a domain");
    unknown("accountid", "77", "there is no account with this id, or it is not yours");
    unknown("projectid", "7", "there is no project with this id, or it is not yours");
    with_dates(
        9999,
        &[("page", "one"), ("pagesize", "1")],
        &format!(
            "{execute} invalid value. Invalid parameter page value=one: expected a whole number from -2147483648 to 2147483647"
        ),
    );
    with_dates(4350, &[("account", "nobody")], "Unable to find account nobody");
    with_dates(
        4350,
        &[("account", "nobody"), ("domainid", "1")],
        "Unable to find account nobody in domain 1",
    );
    with_dates(
        4350,
        &[("projectid", "7"), ("accountid", "2")],
        "Projectid and accountId can't be specified together",
    );
    with_dates(
        9999,
        &[("keyword", "a\u{1}b")],
        "Received value for parameter keyword is invalid, contains illegal ASCII non-printable characters",
    );
}

#[test]
fn errors_of_any_text_reach_the_caller() {
    let folder = Folder::new("UTC", "1440");
    let server = folder.serve();
    let dates = [("startdate", "2026-01-01"), ("enddate", "2026-01-31")];
    for name in ["é日本😀", "\u{fffe}\u{85}", &"long ".repeat(50)] {
        let mut pairs = vec![("command", "listUsageRecords"), ("account", name)];
        pairs.extend(dates);
        let reply = server.ask(&pairs);
        assert_eq!(reply.status, 431);
        let shown = &reply.headers["x-description"];
        assert!(shown.starts_with("Unable to find account "), "{shown}");
        assert!(shown.len() <= 512 && shown.is_ascii(), "{shown}");
        assert!(reply.text().ends_with("</errortext></listusagerecordsresponse>"));
        assert!(!reply.text().contains('\u{fffe}'), "XML cannot spell it");
    }
}
