//! Answers as ordered trees, and their two encodings.
//!
//! A command builds the tree once; XML repeats an element for each item of a
//! list, JSON has an array. Absent values are not in the tree at all.
//!
//! # Source
//! Guide 8.3; shapes as the 4.2 server sends them.

use quick_xml::escape::escape;
use serde_json::{Map, Value as Json};

use crate::error::ApiError;

/// The version that XML answers carry.
const VERSION: &str = "4.2.1";

/// The format a caller asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Xml,
    Json,
}

impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml; charset=UTF-8",
            Self::Json => "application/json",
        }
    }
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(u64),
    Flag(bool),
}

/// The fields of an object, in order.
pub(crate) type Fields = Vec<(&'static str, Value)>;

/// What a command answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// `count` and the items; empty when there are none.
    List { count: u64, item: &'static str, items: Vec<Fields> },
    /// It worked.
    Success,
}

/// Encodes an answer in the outer element of its command.
pub(crate) fn encode(outer: &str, answer: &Answer, format: Format) -> String {
    match (format, answer) {
        (Format::Xml, Answer::List { count, item, items }) => {
            let mut body = String::new();
            if !items.is_empty() {
                body.push_str(&format!("<count>{count}</count>"));
            }
            for fields in items {
                body.push_str(&format!("<{item}>"));
                for (name, value) in fields {
                    element(&mut body, name, value);
                }
                body.push_str(&format!("</{item}>"));
            }
            document(outer, &body)
        }
        (Format::Xml, Answer::Success) => document(outer, "<success>true</success>"),
        (Format::Json, Answer::List { count, item, items }) => {
            let mut object = Map::new();
            if !items.is_empty() {
                object.insert("count".to_owned(), (*count).into());
                let items = items.iter().map(object_of).collect();
                object.insert((*item).to_owned(), Json::Array(items));
            }
            outer_object(outer, object)
        }
        (Format::Json, Answer::Success) => {
            // A string, as the real server sends it and strict clients expect.
            let mut object = Map::new();
            object.insert("success".to_owned(), "true".into());
            outer_object(outer, object)
        }
    }
}

/// Encodes an error in its outer element.
pub(crate) fn encode_error(outer: &str, error: &ApiError, format: Format) -> String {
    let code = u64::from(error.code.status());
    match format {
        Format::Xml => {
            let mut body = String::new();
            element(&mut body, "errorcode", &Value::Number(code));
            if let Some(cs) = error.cs_error_code {
                element(&mut body, "cserrorcode", &Value::Number(u64::from(cs)));
            }
            element(&mut body, "errortext", &Value::Text(error.text.clone()));
            document(outer, &body)
        }
        Format::Json => {
            let mut object = Map::new();
            object.insert("uuidList".to_owned(), Json::Array(Vec::new()));
            object.insert("errorcode".to_owned(), code.into());
            if let Some(cs) = error.cs_error_code {
                object.insert("cserrorcode".to_owned(), cs.into());
            }
            object.insert("errortext".to_owned(), error.text.as_str().into());
            outer_object(outer, object)
        }
    }
}

fn document(outer: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{outer} cloud-stack-version=\"{VERSION}\">{body}</{outer}>"
    )
}

fn element(body: &mut String, name: &str, value: &Value) {
    body.push('<');
    body.push_str(name);
    body.push('>');
    match value {
        Value::Text(text) => body.push_str(&escape(printable(text))),
        Value::Number(number) => body.push_str(&number.to_string()),
        Value::Flag(flag) => body.push_str(if *flag { "true" } else { "false" }),
    }
    body.push_str("</");
    body.push_str(name);
    body.push('>');
}

/// XML cannot spell most control characters, not even escaped.
fn printable(text: &str) -> String {
    let allowed = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect()
}

fn object_of(fields: &Fields) -> Json {
    let mut object = Map::new();
    for (name, value) in fields {
        let value = match value {
            Value::Text(text) => text.as_str().into(),
            Value::Number(number) => (*number).into(),
            Value::Flag(flag) => (*flag).into(),
        };
        object.insert((*name).to_owned(), value);
    }
    Json::Object(object)
}

fn outer_object(outer: &str, object: Map<String, Json>) -> String {
    let mut root = Map::new();
    root.insert(outer.to_owned(), Json::Object(object));
    Json::Object(root).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: Vec<Fields>) -> Answer {
        Answer::List { count: 1816, item: "usagerecord", items }
    }

    #[test]
    fn a_list_in_both_encodings() {
        let items = || {
            vec![vec![
                ("account", Value::Text("a<b>&\"c'".to_owned())),
                ("usagetype", Value::Number(1)),
                ("isdefault", Value::Flag(true)),
            ]]
        };
        insta::assert_snapshot!(encode("listusagerecordsresponse", &list(items()), Format::Xml), @r#"<?xml version="1.0" encoding="UTF-8"?><listusagerecordsresponse cloud-stack-version="4.2.1"><count>1816</count><usagerecord><account>a&lt;b&gt;&amp;&quot;c&apos;</account><usagetype>1</usagetype><isdefault>true</isdefault></usagerecord></listusagerecordsresponse>"#);
        insta::assert_snapshot!(encode("listusagerecordsresponse", &list(items()), Format::Json), @r#"{"listusagerecordsresponse":{"count":1816,"usagerecord":[{"account":"a<b>&\"c'","usagetype":1,"isdefault":true}]}}"#);
    }

    #[test]
    fn nothing_is_an_empty_object() {
        assert_eq!(encode("x", &list(Vec::new()), Format::Json), r#"{"x":{}}"#);
        assert!(encode("x", &list(Vec::new()), Format::Xml).ends_with("\"4.2.1\"></x>"));
    }

    #[test]
    fn success_is_a_string_in_json() {
        assert_eq!(encode("x", &Answer::Success, Format::Json), r#"{"x":{"success":"true"}}"#);
    }

    #[test]
    fn errors_leave_out_the_second_code_for_401() {
        let error = ApiError::value("no");
        assert_eq!(
            encode_error("x", &error, Format::Json),
            r#"{"x":{"uuidList":[],"errorcode":431,"cserrorcode":4350,"errortext":"no"}}"#
        );
        let unauthorised = encode_error("x", &ApiError::unauthorised(), Format::Xml);
        assert!(unauthorised.contains("<errorcode>401</errorcode><errortext>"), "{unauthorised}");
    }
}
