//! The attributes of one of the cloud's things as text: a JSON object in which
//! every value still says what it is.
//!
//! | value | JSON |
//! |---|---|
//! | flag, whole number, text | as such |
//! | reference to another thing | `{"ref": 7}` |
//! | moment | `{"ms": 1767571200000}` |
//! | several | an array |
//! | keys and values | `{"map": [["key", "value"], ..]}` |
//!
//! The order of attributes, and of keys in a map, is kept.

use cloudtally_model::{Instant, Text, port::Value};
use serde_json::Value as Json;

const REF: &str = "ref";
const MOMENT: &str = "ms";
const MAP: &str = "map";

/// Attributes as text.
pub(crate) fn encode(values: &[(Text, Value)]) -> String {
    let mut text = String::with_capacity(32 * values.len() + 2);
    text.push('{');
    for (index, (name, value)) in values.iter().enumerate() {
        comma(&mut text, index);
        push_text(&mut text, name);
        text.push(':');
        push(&mut text, value);
    }
    text.push('}');
    text
}

/// The attributes that a text holds, or what is wrong with it.
pub(crate) fn decode(text: &str) -> Result<Vec<(Text, Value)>, String> {
    let json: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let Json::Object(fields) = json else { return Err("it is no JSON object".to_owned()) };
    fields.into_iter().map(|(name, json)| Ok((name.into(), value(json)?))).collect()
}

fn comma(text: &mut String, index: usize) {
    if index > 0 {
        text.push(',');
    }
}

fn push(text: &mut String, value: &Value) {
    match value {
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Text(value) => push_text(text, value),
        Value::Ref(id) => text.push_str(&format!("{{\"{REF}\":{id}}}")),
        Value::Time(at) => text.push_str(&format!("{{\"{MOMENT}\":{}}}", at.as_millis())),
        Value::List(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                comma(text, index);
                push(text, value);
            }
            text.push(']');
        }
        Value::Map(pairs) => {
            text.push_str(&format!("{{\"{MAP}\":["));
            for (index, (key, value)) in pairs.iter().enumerate() {
                comma(text, index);
                text.push('[');
                push_text(text, key);
                text.push(',');
                push_text(text, value);
                text.push(']');
            }
            text.push_str("]}");
        }
    }
}

fn push_text(text: &mut String, value: &str) {
    text.push_str(&serde_json::to_string(value).expect("every text is JSON"));
}

fn value(json: Json) -> Result<Value, String> {
    match json {
        Json::Bool(flag) => Ok(Value::Bool(flag)),
        Json::Number(number) => {
            number.as_i64().map(Value::Int).ok_or_else(|| format!("the number {number} is odd"))
        }
        Json::String(text) => Ok(Value::Text(text.into())),
        Json::Array(values) => {
            values.into_iter().map(value).collect::<Result<_, _>>().map(Value::List)
        }
        Json::Object(fields) => {
            let (tag, inner) = fields.into_iter().next().ok_or("an object is empty")?;
            tagged(&tag, inner).ok_or_else(|| format!("an object says `{tag}`"))
        }
        Json::Null => Err("a value is null".to_owned()),
    }
}

fn tagged(tag: &str, inner: Json) -> Option<Value> {
    Some(match (tag, inner) {
        (REF, Json::Number(id)) => Value::Ref(id.as_u64()?),
        (MOMENT, Json::Number(ms)) => Value::Time(Instant::from_millis(ms.as_i64()?)),
        (MAP, Json::Array(pairs)) => {
            Value::Map(pairs.into_iter().map(pair).collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}

fn pair(json: Json) -> Option<(Text, Text)> {
    let Json::Array(pair) = json else { return None };
    match <[Json; 2]>::try_from(pair).ok()? {
        [Json::String(key), Json::String(value)] => Some((key.into(), value.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_the_table_says() {
        let values = vec![
            ("b".into(), Value::Bool(true)),
            ("a".into(), Value::Int(-3)),
            ("t".into(), Value::Text("q\"\u{0}é".into())),
            ("r".into(), Value::Ref(u64::MAX)),
            ("m".into(), Value::Time(Instant::from_millis(-1))),
            ("l".into(), Value::List(vec![Value::Int(1), Value::List(Vec::new())])),
            ("p".into(), Value::Map(vec![("k".into(), "v".into()), ("k".into(), "w".into())])),
        ];
        let text = encode(&values);
        assert_eq!(
            text,
            r#"{"b":true,"a":-3,"t":"q\"\u0000é","r":{"ref":18446744073709551615},"m":{"ms":-1},"l":[1,[]],"p":{"map":[["k","v"],["k","w"]]}}"#
        );
        assert_eq!(decode(&text), Ok(values));
    }

    #[test]
    fn what_is_none_of_these_is_refused() {
        for text in
            ["", "[]", "{", r#"{"a":null}"#, r#"{"a":1.5}"#, r#"{"a":{}}"#, r#"{"a":{"ref":-1}}"#]
        {
            assert!(decode(text).is_err(), "{text}");
        }
    }
}
