//! Answers, and their two encodings.
//!
//! The cloud answers with a tree. A list of usage records is not built at all:
//! the command hands out one item after the other, each an ordered list of
//! fields, and the encoder writes them behind one another. So an answer of
//! millions of records takes no more memory than what [`Flush`] keeps back. XML
//! repeats an element for each item of a list, JSON has an array. Absent values
//! are left out.
//!
//! # Source
//! Guide 8.3; shapes as the 4.2 server sends them.

use std::borrow::Cow;

use cloudtally_model::{ApiError, Calendar, Text};
use cloudtally_platform::engine::{Answer as Tree, Node, Uuid, World};
use percent_encoding::utf8_percent_encode;
use quick_xml::escape::escape;

use crate::{params::Params, signature::BARE_STAR};

/// The outer element of errors that belong to no command.
pub(crate) const NO_COMMAND: &str = "errorresponse";

/// The version that XML answers carry.
const VERSION: &str = "4.2.1";

/// The format a caller asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Xml,
    Json,
}

/// The escaping of text values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Texts {
    Plain,
    /// URL-encoded, as `encode.api.response` wants it.
    Encoded,
}

/// The encoding of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) format: Format,
    pub(crate) texts: Texts,
    pub(crate) content_type: &'static str,
}

impl Style {
    /// XML by the book, for answers to what could not be read at all.
    pub(crate) const PLAIN: Self =
        Self { format: Format::Xml, texts: Texts::Plain, content_type: XML_TYPE };

    /// As the parameters want it, whatever the settings say: for refusals that cost little.
    pub(crate) fn unset(params: &Params) -> Self {
        let is_json =
            params.get("response").is_some_and(|value| value.eq_ignore_ascii_case("json"));
        let (format, content_type) =
            if is_json { (Format::Json, JSON_TYPE) } else { (Format::Xml, XML_TYPE) };
        Self { format, texts: Texts::Plain, content_type }
    }

    /// As the parameters and the settings want it.
    pub(crate) fn of(world: &World, params: &Params) -> Self {
        let mut style = Self::unset(params);
        if style.format == Format::Json && world.setting("json.content.type") == "text/javascript" {
            style.content_type = JAVASCRIPT_TYPE;
        }
        if world.setting_flag("encode.api.response") {
            style.texts = Texts::Encoded;
        }
        style
    }
}

const XML_TYPE: &str = "text/xml; charset=UTF-8";
const JSON_TYPE: &str = "application/json";
const JAVASCRIPT_TYPE: &str = "text/javascript; charset=UTF-8";

/// A value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    /// Shown as text, whether it is a number or a uuid: strict clients want one type.
    Id(u64),
    Uuid(Uuid),
    Number(u64),
    Flag(bool),
}

/// The fields of an object, in order.
pub(crate) type Fields<'a> = Vec<(&'static str, Value<'a>)>;

/// The answer of a command.
pub(crate) enum Answer {
    /// Items that are handed out one by one.
    List(List),
    /// An answer of the cloud.
    Tree(Tree),
}

/// `count` and the items of one page; an empty object where the page has none.
pub(crate) struct List {
    /// Number of items on all pages.
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

/// The reason an answer ends early.
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
    style: Style,
    body: &mut Vec<u8>,
    flush: &mut Flush<'_>,
) -> Result<(), Stop> {
    open(body, outer, style.format);
    match answer {
        Answer::List(list) => encode_list(list, style, body, flush)?,
        Answer::Tree(tree) => match style.format {
            Format::Xml => xml_fields(body, &members_of(tree, style.format), style.texts),
            Format::Json => json_fields(body, &members_of(tree, style.format), style.texts),
        },
    }
    close(body, outer, style.format);
    Ok(())
}

/// Takes the members of the outer element out of an answer.
fn members_of(tree: Tree, format: Format) -> Vec<(&'static str, Node)> {
    match tree {
        // Also for a page past the end: clients take any member for items.
        Tree::List { items, .. } if items.is_empty() => Vec::new(),
        Tree::List { count, item, items } => {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            vec![("count", Node::Int(count)), (item, Node::List(items))]
        }
        Tree::Object { item, object } => vec![(item, object)],
        // A string in JSON, as the real server sends it and strict clients expect.
        Tree::Success if format == Format::Json => vec![("success", Node::text("true"))],
        Tree::Success => vec![("success", Node::Bool(true))],
        Tree::Bare(fields) => fields,
        Tree::Job { id, job } => vec![("id", Node::text_if(id)), ("jobid", Node::text(job))],
    }
}

/// Encodes an error in its outer element.
pub(crate) fn encode_error(outer: &str, error: &ApiError, format: Format) -> Vec<u8> {
    let mut body = Vec::new();
    open(&mut body, outer, format);
    let mut fields: Fields<'_> = vec![("errorcode", Value::Number(u64::from(error.code.status())))];
    // Who is not known, or not let in, is not told more.
    if let Some(cs) = error.cs.filter(|_| !matches!(error.code.status(), 400 | 401)) {
        fields.push(("cserrorcode", Value::Number(u64::from(cs.number()))));
    }
    fields.push(("errortext", Value::Text(&error.text)));
    match format {
        Format::Xml => {
            for (uuid, parameter) in &error.uuids {
                push(&mut body, "<uuidList>");
                element(&mut body, "uuid", Value::Text(uuid), Texts::Plain);
                element(&mut body, "uuidProperty", Value::Text(parameter), Texts::Plain);
                push(&mut body, "</uuidList>");
            }
            elements(&mut body, &fields, Texts::Plain);
        }
        Format::Json => {
            push(&mut body, "\"uuidList\":[");
            for (index, (uuid, parameter)) in error.uuids.iter().enumerate() {
                push(&mut body, if index > 0 { ",{" } else { "{" });
                let about =
                    vec![("uuid", Value::Text(uuid)), ("description", Value::Text(parameter))];
                members(&mut body, &about, Texts::Plain);
                push(&mut body, "}");
            }
            push(&mut body, "],");
            members(&mut body, &fields, Texts::Plain);
        }
    }
    close(&mut body, outer, format);
    body
}

/// The fields of an object in XML. What has no element of its own there, a list
/// of plain values, is left out, as the real server does.
fn xml_fields(body: &mut Vec<u8>, fields: &[(&'static str, Node)], texts: Texts) {
    for (name, node) in fields {
        match node {
            Node::Null => {}
            Node::List(nodes) => {
                for node in nodes {
                    if let Node::Object(inner) = node {
                        xml_object(body, name, inner, texts);
                    }
                }
            }
            Node::Object(inner) => xml_object(body, name, inner, texts),
            Node::Bool(flag) => element(body, name, Value::Flag(*flag), texts),
            Node::Int(number) => plain_element(body, name, &number.to_string()),
            Node::Text(text) => element(body, name, Value::Text(text), texts),
            Node::Date(at) => plain_element(body, name, &Calendar::utc_days().show(*at)),
            Node::Map(pairs) => {
                let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
                element(body, name, Value::Text(&format!("{{{}}}", pairs.join(", "))), texts);
            }
        }
    }
}

fn xml_object(body: &mut Vec<u8>, name: &str, fields: &[(&'static str, Node)], texts: Texts) {
    push(body, &format!("<{name}>"));
    xml_fields(body, fields, texts);
    push(body, &format!("</{name}>"));
}

fn plain_element(body: &mut Vec<u8>, name: &str, text: &str) {
    element(body, name, Value::Text(text), Texts::Plain);
}

fn json_fields(body: &mut Vec<u8>, fields: &[(&'static str, Node)], texts: Texts) {
    let there = fields.iter().filter(|(_, node)| *node != Node::Null);
    for (index, (name, node)) in there.enumerate() {
        push(body, if index > 0 { ",\"" } else { "\"" });
        push(body, name);
        push(body, "\":");
        json_node(body, node, texts);
    }
}

fn json_node(body: &mut Vec<u8>, node: &Node, texts: Texts) {
    match node {
        Node::Null => push(body, "null"),
        Node::Bool(flag) => push(body, word(*flag)),
        Node::Int(number) => push(body, &number.to_string()),
        Node::Text(text) => json_text(body, &written(text, texts)),
        Node::Date(at) => json_text(body, &Calendar::utc_days().show(*at)),
        Node::List(nodes) => {
            push(body, "[");
            for (index, node) in nodes.iter().enumerate() {
                push(body, if index > 0 { "," } else { "" });
                json_node(body, node, texts);
            }
            push(body, "]");
        }
        Node::Object(fields) => {
            push(body, "{");
            json_fields(body, fields, texts);
            push(body, "}");
        }
        Node::Map(pairs) => json_map(body, pairs, texts),
    }
}

fn json_map(body: &mut Vec<u8>, pairs: &[(Text, Text)], texts: Texts) {
    push(body, "{");
    for (index, (key, value)) in pairs.iter().enumerate() {
        push(body, if index > 0 { "," } else { "" });
        json_text(body, key);
        push(body, ":");
        json_text(body, &written(value, texts));
    }
    push(body, "}");
}

fn json_text(body: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(body, text).expect("memory takes every text");
}

/// A text value as it is written.
fn written(text: &str, texts: Texts) -> Cow<'_, str> {
    match texts {
        Texts::Plain => Cow::Borrowed(text),
        Texts::Encoded => utf8_percent_encode(text, BARE_STAR).into(),
    }
}

fn encode_list(
    list: List,
    style: Style,
    body: &mut Vec<u8>,
    flush: &mut Flush<'_>,
) -> Result<(), Stop> {
    let (List { count, item, items }, Style { format, texts, .. }) = (list, style);
    let mut any = false;
    items(&mut |fields| {
        match (format, any) {
            (Format::Xml, false) => element(body, "count", Value::Number(count), texts),
            (Format::Json, false) => {
                member(body, "count", Value::Number(count), texts);
                push(body, &format!(",\"{item}\":["));
            }
            (Format::Xml, true) => {}
            (Format::Json, true) => push(body, ","),
        }
        any = true;
        match format {
            Format::Xml => {
                push(body, &format!("<{item}>"));
                elements(body, fields, texts);
                push(body, &format!("</{item}>"));
            }
            Format::Json => {
                push(body, "{");
                members(body, fields, texts);
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

fn elements(body: &mut Vec<u8>, fields: &Fields<'_>, texts: Texts) {
    for (name, value) in fields {
        element(body, name, *value, texts);
    }
}

fn element(body: &mut Vec<u8>, name: &str, value: Value<'_>, texts: Texts) {
    push(body, "<");
    push(body, name);
    push(body, ">");
    match value {
        Value::Text(text) => push(body, &escape(spellable(&written(text, texts)))),
        Value::Id(number) | Value::Number(number) => push(body, &number.to_string()),
        Value::Uuid(uuid) => push(body, &uuid.to_string()),
        Value::Flag(flag) => push(body, word(flag)),
    }
    push(body, "</");
    push(body, name);
    push(body, ">");
}

fn members(body: &mut Vec<u8>, fields: &Fields<'_>, texts: Texts) {
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            push(body, ",");
        }
        member(body, name, *value, texts);
    }
}

fn member(body: &mut Vec<u8>, name: &str, value: Value<'_>, texts: Texts) {
    push(body, "\"");
    push(body, name);
    push(body, "\":");
    match value {
        Value::Text(text) => json_text(body, &written(text, texts)),
        Value::Id(number) => push(body, &format!("\"{number}\"")),
        Value::Uuid(uuid) => push(body, &format!("\"{uuid}\"")),
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

    fn style(format: Format) -> Style {
        Style { format, ..Style::PLAIN }
    }

    fn encoded(outer: &str, answer: Answer, format: Format) -> String {
        let mut body = Vec::new();
        encode(outer, answer, style(format), &mut body, &mut |_| Ok(())).unwrap();
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
        assert_eq!(
            encoded("x", Answer::Tree(Tree::Success), Format::Json),
            r#"{"x":{"success":"true"}}"#
        );
        assert!(
            encoded("x", Answer::Tree(Tree::Success), Format::Xml)
                .contains("<success>true</success></x>")
        );
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
            encode("x", two_items(), style(format), &mut rest, &mut take).unwrap();
            taken.append(&mut rest);
            assert_eq!(String::from_utf8(taken).unwrap(), encoded("x", two_items(), format));
        }
    }

    #[test]
    fn a_reader_who_left_ends_the_answer() {
        let gone = |_: &mut Vec<u8>| Err(Stop::Gone);
        let result = encode("x", two_items(), style(Format::Json), &mut Vec::new(), &mut { gone });
        assert!(matches!(result, Err(Stop::Gone)));
    }

    fn tree() -> Tree {
        let nic = |default| Node::Object(vec![("isdefault", Node::Bool(default))]);
        let vm = Node::Object(vec![
            ("name", Node::text("a&b c")),
            ("memory", Node::Int(-1)),
            ("gone", Node::Null),
            ("created", Node::Date(cloudtally_model::Instant::EPOCH)),
            ("nic", Node::List(vec![nic(true), nic(false)])),
            ("ids", Node::List(vec![Node::text("p"), Node::text("q")])),
            ("details", Node::Map(vec![("k".into(), "v".into()), ("l".into(), "w".into())])),
            ("tags", Node::List(Vec::new())),
        ]);
        Tree::Object { item: "virtualmachine", object: vm }
    }

    #[test]
    fn trees_in_both_encodings() {
        insta::assert_snapshot!(encoded("x", Answer::Tree(tree()), Format::Json), @r#"{"x":{"virtualmachine":{"name":"a&b c","memory":-1,"created":"1970-01-01T00:00:00+0000","nic":[{"isdefault":true},{"isdefault":false}],"ids":["p","q"],"details":{"k":"v","l":"w"},"tags":[]}}}"#);
        insta::assert_snapshot!(encoded("x", Answer::Tree(tree()), Format::Xml), @r#"<?xml version="1.0" encoding="UTF-8"?><x cloud-stack-version="4.2.1"><virtualmachine><name>a&amp;b c</name><memory>-1</memory><created>1970-01-01T00:00:00+0000</created><nic><isdefault>true</isdefault></nic><nic><isdefault>false</isdefault></nic><details>{k=v, l=w}</details></virtualmachine></x>"#);
        let style = Style { format: Format::Json, texts: Texts::Encoded, ..Style::PLAIN };
        let mut body = Vec::new();
        encode("x", Answer::Tree(tree()), style, &mut body, &mut |_| Ok(())).unwrap();
        assert!(String::from_utf8(body).unwrap().contains(r#""name":"a%26b%20c""#));
    }

    #[test]
    fn lists_jobs_and_bare_answers() {
        let list = |items: Vec<Node>| Answer::Tree(Tree::List { count: 7, item: "zone", items });
        let zone = Node::Object(vec![("id", Node::text("1"))]);
        assert_eq!(
            encoded("x", list(vec![zone.clone(), zone]), Format::Json),
            r#"{"x":{"count":7,"zone":[{"id":"1"},{"id":"1"}]}}"#
        );
        assert_eq!(encoded("x", list(Vec::new()), Format::Json), r#"{"x":{}}"#, "past the end");
        let job = |id: Option<&str>| {
            Answer::Tree(Tree::Job { id: id.map(str::to_owned), job: "j".to_owned() })
        };
        assert_eq!(encoded("x", job(None), Format::Json), r#"{"x":{"jobid":"j"}}"#);
        assert_eq!(encoded("x", job(Some("i")), Format::Json), r#"{"x":{"id":"i","jobid":"j"}}"#);
        let bare = Answer::Tree(Tree::Bare(vec![("description", Node::text("success"))]));
        assert_eq!(encoded("x", bare, Format::Json), r#"{"x":{"description":"success"}}"#);
    }

    #[test]
    fn errors_name_what_they_are_about() {
        let about = ApiError::in_use("used").about("u-1", "id").about("u-2", "zoneid");
        assert_eq!(
            error(&about, Format::Json),
            r#"{"x":{"uuidList":[{"uuid":"u-1","description":"id"},{"uuid":"u-2","description":"zoneid"}],"errorcode":536,"cserrorcode":4375,"errortext":"used"}}"#
        );
        let xml = error(&about, Format::Xml);
        assert!(
            xml.contains(
                "<uuidList><uuid>u-1</uuid><uuidProperty>id</uuidProperty></uuidList><uuidList>"
            ),
            "{xml}"
        );
        assert!(!error(&ApiError::forbidden("no"), Format::Json).contains("cserrorcode"));
    }
}
