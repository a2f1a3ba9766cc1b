//! Answers as ordered trees; how they are written down is not our matter.

use cloudtally_model::{Instant, Text};

/// A value of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Absent: the field is left out.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text.
    Text(Text),
    /// A moment.
    Date(Instant),
    /// Several values.
    List(Vec<Node>),
    /// Fields in order.
    Object(Fields),
    /// Free keys and values.
    Map(Vec<(Text, Text)>),
}

/// The fields of an object, in order; absent ones are left out.
pub type Fields = Vec<(&'static str, Node)>;

impl Node {
    /// A text.
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    /// A text, or nothing.
    pub fn text_if(text: Option<impl AsRef<str>>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    fn each_text(&mut self, change: &mut impl FnMut(&mut Text)) {
        match self {
            Self::Text(text) => change(text),
            Self::List(nodes) => nodes.iter_mut().for_each(|node| node.each_text(change)),
            Self::Object(fields) => fields.iter_mut().for_each(|(_, node)| node.each_text(change)),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Date(_) | Self::Map(_) => {}
        }
    }

    /// A field of an object.
    pub fn field(&self, name: &str) -> Option<&Node> {
        match self {
            Self::Object(fields) => fields.iter().find(|(field, _)| *field == name).map(|(_, n)| n),
            _ => None,
        }
    }
}

impl Answer {
    /// Lets a function see and change each text.
    pub(super) fn each_text(&mut self, change: &mut impl FnMut(&mut Text)) {
        match self {
            Self::List { items, .. } => items.iter_mut().for_each(|node| node.each_text(change)),
            Self::Object { object, .. } => object.each_text(change),
            Self::Bare(fields) => fields.iter_mut().for_each(|(_, node)| node.each_text(change)),
            Self::Job { id: Some(id), .. } => {
                let mut text = Text::from(id.as_str());
                change(&mut text);
                *id = text.to_string();
            }
            Self::Success | Self::Job { id: None, .. } => {}
        }
    }
}

/// The answer of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `count` and the items of one page.
    List {
        /// The number of items on all pages.
        count: usize,
        /// Name of an item.
        item: &'static str,
        /// The items of the page.
        items: Vec<Node>,
    },
    /// One named object.
    Object {
        /// Its name.
        item: &'static str,
        /// The object that it shows.
        object: Node,
    },
    /// It worked.
    Success,
    /// Fields without a name around them.
    Bare(Fields),
    /// A job will do it.
    Job {
        /// The uuid of the resource made.
        id: Option<String>,
        /// The uuid of the job.
        job: String,
    },
}
