//! The outcome of a job, as it is kept: an answer is shown again as it was, even
//! when its resource has changed or gone since.

use cloudtally_model::port::Value;

use super::node::{Answer, Fields, Node};
use crate::table::Tables;

const OBJECT: &str = "object";
const LIST: &str = "list";
const ANSWER_LIST: &str = "answer-list";
const ANSWER_OBJECT: &str = "answer-object";
const ANSWER_BARE: &str = "answer-bare";
const SUCCESS: &str = "success";

/// An answer as a value.
pub(super) fn to_value(answer: &Answer) -> Value {
    match answer {
        Answer::Success => Value::List(vec![text(SUCCESS)]),
        Answer::Object { item, object } => {
            Value::List(vec![text(ANSWER_OBJECT), text(item), node_value(object)])
        }
        Answer::Bare(fields) => {
            Value::List(vec![text(ANSWER_BARE), node_value(&Node::Object(fields.clone()))])
        }
        Answer::List { item, items, .. } => {
            Value::List(vec![text(ANSWER_LIST), text(item), node_value(&Node::List(items.clone()))])
        }
        Answer::Job { .. } => panic!("a job does not begin another"),
    }
}

/// The answer that a value is; none if it is of another version.
pub(super) fn from_value(tables: &'static Tables, value: &Value) -> Option<Answer> {
    let Value::List(parts) = value else { return None };
    let name = |at: usize| match parts.get(at) {
        Some(Value::Text(name)) => tables.known(name),
        _ => None,
    };
    let tag = if let Some(Value::Text(tag)) = parts.first() { tag.as_str() } else { return None };
    Some(match tag {
        SUCCESS => Answer::Success,
        ANSWER_OBJECT => {
            Answer::Object { item: name(1)?, object: value_node(tables, parts.get(2)?) }
        }
        ANSWER_BARE => match value_node(tables, parts.get(1)?) {
            Node::Object(fields) => Answer::Bare(fields),
            _ => return None,
        },
        ANSWER_LIST => match value_node(tables, parts.get(2)?) {
            Node::List(items) => Answer::List { count: items.len(), item: name(1)?, items },
            _ => return None,
        },
        _ => return None,
    })
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn node_value(node: &Node) -> Value {
    match node {
        Node::Null => Value::List(Vec::new()),
        Node::Bool(flag) => Value::Bool(*flag),
        Node::Int(number) => Value::Int(*number),
        Node::Text(text) => Value::Text(text.clone()),
        Node::Date(at) => Value::Time(*at),
        Node::Map(pairs) => Value::Map(pairs.clone()),
        Node::List(items) => {
            Value::List(std::iter::once(text(LIST)).chain(items.iter().map(node_value)).collect())
        }
        Node::Object(fields) => {
            let mut parts = vec![text(OBJECT)];
            for (name, node) in fields {
                parts.push(text(name));
                parts.push(node_value(node));
            }
            Value::List(parts)
        }
    }
}

fn value_node(tables: &'static Tables, value: &Value) -> Node {
    match value {
        Value::Bool(flag) => Node::Bool(*flag),
        Value::Int(number) => Node::Int(*number),
        Value::Text(text) => Node::Text(text.clone()),
        Value::Time(at) => Node::Date(*at),
        Value::Map(pairs) => Node::Map(pairs.clone()),
        Value::Ref(_) => Node::Null,
        Value::List(parts) => match parts.split_first() {
            Some((Value::Text(tag), items)) if tag == LIST => {
                Node::List(items.iter().map(|item| value_node(tables, item)).collect())
            }
            Some((Value::Text(tag), parts)) if tag == OBJECT => {
                let field = |pair: &[Value]| match pair {
                    [Value::Text(name), value] => {
                        Some((tables.known(name)?, value_node(tables, value)))
                    }
                    _ => None,
                };
                Node::Object(parts.chunks(2).filter_map(field).collect::<Fields>())
            }
            _ => Node::Null,
        },
    }
}
