//! Answers, and their two encodings.
//!
//! A command does not build its answer; it hands out one item after the other,
//! each an ordered list of fields, and the encoder writes them behind one
//! another. So an answer of millions of records takes no more memory than what
//! [`Flush`] keeps back. XML repeats an element for each item of a list, JSON
//! has an array. Absent values are not among the fields at all.
//!
//! # Source
//! Guide 8.3; shapes as the 4.2 server sends them.

use std::borrow::Cow;

use quick_xml::escape::escape;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    /// Shown as text, whether it is a number or a uuid: strict clients want one type.
    Id(u64),
    Number(u64),
    Flag(bool),
}

/// The fields of an object, in order.
pub(crate) type Fields<'a> = Vec<(&'static str, Value<'a>)>;

/// What a command answers.
pub(crate) enum Answer {
    List(List),
    /// It worked.
    Success,
}

/// `count` and the items of one page; an empty object where the page has none.
pub(crate) struct List {
    /// How many there are on all pages.
    pub(crate) count: u64,
    /// Name of an item's element.
    pub(crate) item: &'static str,
    /// Hands out the items of the page, in order.
    pub(crate) items: Items,
}

/// Hands items to the taker it is given until there are no more or the taker stops.
pub(crate) type Items = Box<dyn FnOnce(&mut Taker<'_>) -> Result<(), Stop>>;
/// Takes one item.
pub(crate) type Taker<'a> = dyn FnMut(&Fields<'_>) -> Result<(), Stop> + 'a;
/// Called after each item with what is encoded so far; may take it away.
pub(crate) type Flush<'a> = dyn FnMut(&mut Vec<u8>) -> Result<(), Stop> + 'a;

/// Why an answer ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nobody reads it any more.
    Gone,
    /// It cannot be completed.
    Failed(ApiError),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

/// Encodes an answer into `body`, in the outer element of its command.
pub(crate) fn encode(
    outer: &str,
    answer: Answer,
    format: Format,
    body: &mut Vec<u8>,
    flush: &mut Flush<'_>,
) -> Result<(), Stop> {
    open(body, outer, format);
    match answer {
        Answer::Success => match format {
            Format::Xml => element(body, "success", Value::Flag(true)),
            // A string, as the real server sends it and strict clients expect.
            Format::Json => member(body, "success", Value::Text("true")),
        },
        Answer::List(list) => encode_list(list, format, body, flush)?,
    }
    close(body, outer, format);
    Ok(())
}

/// Encodes an error in its outer element.
pub(crate) fn encode_error(outer: &str, error: &ApiError, format: Format) -> Vec<u8> {
    let mut body = Vec::new();
    open(&mut body, outer, format);
    let mut fields: Fields<'_> = vec![("errorcode", Value::Number(u64::from(error.code.status())))];
    if let Some(code) = error.cs_error_code {
        fields.push(("cserrorcode", Value::Number(u64::from(code))));
    }
    fields.push(("errortext", Value::Text(&error.text)));
    match format {
        Format::Xml => elements(&mut body, &fields),
        Format::Json => {
            push(&mut body, "\"uuidList\":[],");
            members(&mut body, &fields);
        }
    }
    close(&mut body, outer, format);
    body
}

fn encode_list(
    list: List,
    format: Format,
    body: &mut Vec<u8>,
    flush: &mut Flush<'_>,
) -> Result<(), Stop> {
    let List { count, item, items } = list;
    let mut any = false;
    items(&mut |fields| {
        match (format, any) {
            (Format::Xml, false) => element(body, "count", Value::Number(count)),
            (Format::Json, false) => {
                member(body, "count", Value::Number(count));
                push(body, &format!(",\"{item}\":["));
            }
            (Format::Xml, true) => {}
            (Format::Json, true) => push(body, ","),
        }
        any = true;
        match format {
            Format::Xml => {
                push(body, &format!("<{item}>"));
                elements(body, fields);
                push(body, &format!("</{item}>"));
            }
            Format::Json => {
                push(body, "{");
                members(body, fields);
                push(body, "}");
            }
        }
        flush(body)
    })?;
    if any && format == Format::Json {
        push(body, "]");
    }
    Ok(())
}

fn open(body: &mut Vec<u8>, outer: &str, format: Format) {
    match format {
        Format::Xml => push(
            body,
            &format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{outer} cloud-stack-version=\"{VERSION}\">"
            ),
        ),
        Format::Json => push(body, &format!("{{\"{outer}\":{{")),
    }
}

fn close(body: &mut Vec<u8>, outer: &str, format: Format) {
    match format {
        Format::Xml => push(body, &format!("</{outer}>")),
        Format::Json => push(body, "}}"),
    }
}

fn elements(body: &mut Vec<u8>, fields: &Fields<'_>) {
    for (name, value) in fields {
        element(body, name, *value);
    }
}

fn element(body: &mut Vec<u8>, name: &str, value: Value<'_>) {
    push(body, "<");
    push(body, name);
    push(body, ">");
    match value {
        Value::Text(text) => push(body, &escape(spellable(text))),
        Value::Id(number) | Value::Number(number) => push(body, &number.to_string()),
        Value::Flag(flag) => push(body, word(flag)),
    }
    push(body, "</");
    push(body, name);
    push(body, ">");
}

fn members(body: &mut Vec<u8>, fields: &Fields<'_>) {
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            push(body, ",");
        }
        member(body, name, *value);
    }
}

fn member(body: &mut Vec<u8>, name: &str, value: Value<'_>) {
    push(body, "\"");
    push(body, name);
    push(body, "\":");
    match value {
        Value::Text(text) => {
            serde_json::to_writer(body, text).expect("memory takes every text");
        }
        Value::Id(number) => push(body, &format!("\"{number}\"")),
        Value::Number(number) => push(body, &number.to_string()),
        Value::Flag(flag) => push(body, word(flag)),
    }
}

fn word(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

fn push(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(text.as_bytes());
}

/// XML 1.0 cannot spell some characters, not even escaped.
///
/// # Source
/// XML 1.0, production 2, "Char".
fn spellable(text: &str) -> Cow<'_, str> {
    let can = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => c >= ' ',
    };
    if text.chars().all(can) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if can(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: Vec<Fields<'static>>) -> Answer {
        let items: Items = Box::new(move |take| items.iter().try_for_each(take));
        Answer::List(List { count: 1816, item: "usagerecord", items })
    }

    fn encoded(outer: &str, answer: Answer, format: Format) -> String {
        let mut body = Vec::new();
        encode(outer, answer, format, &mut body, &mut |_| Ok(())).unwrap();
        String::from_utf8(body).unwrap()
    }

    fn error(error: &ApiError, format: Format) -> String {
        String::from_utf8(encode_error("x", error, format)).unwrap()
    }

    fn two_items() -> Answer {
        list(vec![
            vec![
                ("account", Value::Text("a<b>&\"c'")),
                ("usageid", Value::Id(7)),
                ("usagetype", Value::Number(1)),
                ("isdefault", Value::Flag(true)),
            ],
            vec![("account", Value::Text("é\u{1}\u{ffff}"))],
        ])
    }

    #[test]
    fn a_list_in_both_encodings() {
        insta::assert_snapshot!(encoded("listusagerecordsresponse", two_items(), Format::Xml), @r#"<?xml version="1.0" encoding="UTF-8"?><listusagerecordsresponse cloud-stack-version="4.2.1"><count>1816</count><usagerecord><account>a&lt;b&gt;&amp;&quot;c&apos;</account><usageid>7</usageid><usagetype>1</usagetype><isdefault>true</isdefault></usagerecord><usagerecord><account>é��</account></usagerecord></listusagerecordsresponse>"#);
        let json = encoded("listusagerecordsresponse", two_items(), Format::Json);
        assert_eq!(
            json,
            "{\"listusagerecordsresponse\":{\"count\":1816,\"usagerecord\":[{\"account\":\"a<b>&\\\"c'\",\
             \"usageid\":\"7\",\"usagetype\":1,\"isdefault\":true},{\"account\":\"é\\u0001\u{ffff}\"}]}}"
        );
        serde_json::from_str::<serde_json::Value>(&json).unwrap();
    }

    #[test]
    fn nothing_is_an_empty_object() {
        assert_eq!(encoded("x", list(Vec::new()), Format::Json), r#"{"x":{}}"#);
        assert!(encoded("x", list(Vec::new()), Format::Xml).ends_with("\"4.2.1\"></x>"));
    }

    #[test]
    fn success_is_a_string_in_json() {
        assert_eq!(encoded("x", Answer::Success, Format::Json), r#"{"x":{"success":"true"}}"#);
        assert!(encoded("x", Answer::Success, Format::Xml).contains("<success>true</success></x>"));
    }

    #[test]
    fn errors_leave_out_the_second_code_for_401() {
        assert_eq!(
            error(&ApiError::value("no"), Format::Json),
            r#"{"x":{"uuidList":[],"errorcode":431,"cserrorcode":4350,"errortext":"no"}}"#
        );
        let unauthorised = error(&ApiError::unauthorised(), Format::Xml);
        assert!(unauthorised.contains("<errorcode>401</errorcode><errortext>"), "{unauthorised}");
    }

    #[test]
    fn what_is_taken_away_piece_by_piece_is_the_same_text() {
        for format in [Format::Xml, Format::Json] {
            let (mut taken, mut rest) = (Vec::new(), Vec::new());
            let mut take = |body: &mut Vec<u8>| {
                taken.append(body);
                Ok(())
            };
            encode("x", two_items(), format, &mut rest, &mut take).unwrap();
            taken.append(&mut rest);
            assert_eq!(String::from_utf8(taken).unwrap(), encoded("x", two_items(), format));
        }
    }

    #[test]
    fn a_reader_who_left_ends_the_answer() {
        let gone = |_: &mut Vec<u8>| Err(Stop::Gone);
        let result = encode("x", two_items(), Format::Json, &mut Vec::new(), &mut { gone });
        assert!(matches!(result, Err(Stop::Gone)));
    }
}
