//! JSON Lines: one object a line. Blank lines are no rows.
//!
//! Lines are independent, so each has its own keys. The columns of the input are
//! the keys of its first lines together ([`SAMPLE_LINES`]): when a required one
//! is in none of them, the input is something else and the whole of it is
//! refused; when a later line lacks one, only that line is set aside.

use std::{borrow::Cow, fmt, io::Read, marker::PhantomData};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{
    batch::{Batcher, Stop},
    block::Block,
    chunks::Chunks,
    csv::ROW_BYTES_MAX,
    decode::Decode,
    lines::{self, Line, LineEnd},
    names,
    plausible::Plausible,
    value::{RawValue, Reason, Values},
    window::{Filled, Window},
};

/// Lines whose keys tell what the input is.
const SAMPLE_LINES: usize = 100;
/// Bytes in which those lines are looked for.
const SAMPLE_BYTES: usize = 256 * 1024;
/// More than any stream has columns.
const COLUMNS_MAX: usize = 16;

/// Reads all rows. A failure of the input ends it early and is left in the
/// window.
pub(crate) fn read<T: Decode, R: Read>(
    input: &str,
    window: &mut Window<R>,
    chunks: Chunks,
    batcher: &mut Batcher<T>,
) -> Result<(), Stop> {
    let keys = sample_keys(window);
    if !keys.is_empty() {
        names::positions::<T>(input, &keys, "")?;
    }
    let plausible = batcher.plausible;
    lines::each(window, lines::any_break, chunks, batcher, |line, block| {
        take_line(line, block, plausible)
    })
}

/// The different keys of the first objects, as they are spelt.
pub(crate) fn sample_keys<R: Read>(window: &mut Window<R>) -> Vec<String> {
    while window.unread().len() < SAMPLE_BYTES && window.fill() == Filled::More {}
    let unread = window.unread();
    let sample = &unread[..unread.len().min(SAMPLE_BYTES)];
    let mut keys: Vec<String> = Vec::new();
    let objects = sample
        .split(|b| *b == b'\n')
        .take(SAMPLE_LINES)
        .filter_map(|line| serde_json::from_slice::<serde_json::Map<_, _>>(line).ok());
    for object in objects {
        for (key, _) in object {
            let known = keys.iter().any(|known| known.trim().eq_ignore_ascii_case(key.trim()));
            if !known {
                keys.push(key);
            }
        }
    }
    keys
}

fn take_line<T: Decode>(line: Line<'_>, block: &mut Block<T>, plausible: Plausible) {
    let Line { text, end, .. } = line;
    if end == LineEnd::TooLong {
        let reason = format!("the line is longer than {ROW_BYTES_MAX} bytes");
        return block.take_text(Err(reason), text, plausible);
    }
    let text = text.trim_ascii();
    if !text.is_empty() {
        let decoded = decode_line::<T>(text).map_err(|reason| end.explain(reason));
        block.take_text(decoded, text, plausible);
    }
}

fn decode_line<T: Decode>(line: &[u8]) -> Result<T, Reason> {
    let mut json = serde_json::Deserializer::from_slice(line);
    let slots = ObjectSeed::<T>(PhantomData)
        .deserialize(&mut json)
        .and_then(|slots| json.end().map(|()| slots))
        .map_err(|error| {
            // There is only one line, so its number says nothing.
            let text = error.to_string().replace(" at line 1 column ", " at column ");
            format!("the line is no JSON object: {text}")
        })?;
    if let Some(column) = slots.twice {
        return Err(format!("column `{}` occurs twice", T::columns()[column].name));
    }
    T::decode(&slots)
}

/// The values of an object by their column.
struct Slots<'de> {
    values: [Slot<'de>; COLUMNS_MAX],
    /// A column that came more than once.
    twice: Option<usize>,
}

#[derive(Default)]
enum Slot<'de> {
    #[default]
    Missing,
    Null,
    Text(Cow<'de, str>),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Flag(bool),
    Other(&'static str),
}

impl Values for Slots<'_> {
    fn value(&self, column: usize) -> RawValue<'_> {
        match &self.values[column] {
            Slot::Missing | Slot::Null => RawValue::Absent,
            Slot::Text(text) => RawValue::Text(text.as_bytes()),
            Slot::Unsigned(number) => RawValue::Unsigned(*number),
            Slot::Signed(number) => RawValue::Signed(*number),
            Slot::Float(number) => RawValue::Float(*number),
            Slot::Flag(flag) => RawValue::Flag(*flag),
            Slot::Other(what) => RawValue::Other(what),
        }
    }
}

/// Takes the values of `T`'s columns out of an object and skips all others.
struct ObjectSeed<T>(PhantomData<T>);

impl<'de, T: Decode> DeserializeSeed<'de> for ObjectSeed<T> {
    type Value = Slots<'de>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, T: Decode> Visitor<'de> for ObjectSeed<T> {
    type Value = Slots<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object in braces")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut slots = Slots { values: Default::default(), twice: None };
        let mut expected = 0;
        while let Some(key) = map.next_key_seed(KeySeed::<T> { expected, of: PhantomData })? {
            let Some(column) = key else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if !matches!(slots.values[column], Slot::Missing) {
                slots.twice = Some(column);
            }
            slots.values[column] = map.next_value_seed(SlotSeed)?;
            // Writers keep the order of keys, so the next one is easily guessed.
            expected = column + 1;
        }
        Ok(slots)
    }
}

/// The column that a key names.
struct KeySeed<T> {
    expected: usize,
    of: PhantomData<T>,
}

impl<'de, T: Decode> DeserializeSeed<'de> for KeySeed<T> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_identifier(self)
    }
}

impl<T: Decode> Visitor<'_> for KeySeed<T> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key in quotes")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        match T::columns().get(self.expected) {
            Some(column) if column.name == key => Ok(Some(self.expected)),
            _ => Ok(names::column_of::<T>(key)),
        }
    }
}

struct SlotSeed;

impl<'de> DeserializeSeed<'de> for SlotSeed {
    type Value = Slot<'de>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for SlotSeed {
    type Value = Slot<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Slot::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Slot::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Slot::Unsigned(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Slot::Signed(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Slot::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Slot::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Slot::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Slot::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Slot::Other("an object"))
    }
}
