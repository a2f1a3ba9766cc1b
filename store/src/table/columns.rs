//! The columns of a table, and the arrays of some of their rows.

use std::{collections::HashMap, ops::Range, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Int32Array, Int64Array, StringArray,
    TimestampMillisecondArray, builder::StringBuilder,
};
use arrow_buffer::NullBuffer;
use cloudtally_model::Text;

/// The code of a row without a text.
const ABSENT: u32 = u32::MAX;

/// Numbers that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// 0 where the number is absent.
    values: Vec<u64>,
    present: Vec<bool>,
}

impl Numbers {
    /// The numbers of rows, each with its presence. An absent one must be 0.
    pub fn new(values: Vec<u64>, present: Vec<bool>) -> Self {
        assert_eq!(values.len(), present.len(), "each row is present or not");
        Self { values, present }
    }

    /// Adds the number of the next row.
    pub fn push(&mut self, value: Option<u64>) {
        self.values.push(value.unwrap_or(0));
        self.present.push(value.is_some());
    }

    /// The number of a row.
    pub fn get(&self, row: usize) -> Option<u64> {
        self.present[row].then_some(self.values[row])
    }

    /// Adds rows of another column.
    pub fn append(&mut self, other: &Self, rows: Range<usize>) {
        self.values.extend_from_slice(&other.values[rows.clone()]);
        self.present.extend_from_slice(&other.present[rows]);
    }

    pub(crate) fn array(&self, rows: &[u32]) -> ArrayRef {
        let present = NullBuffer::from_iter(rows.iter().map(|row| self.present[at(*row)]));
        number_array(&self.values, rows, Some(present))
    }
}

/// Texts of which there are few different ones: each is kept once, with a code a row.
#[derive(Clone, Debug, Default)]
pub struct Words {
    codes: Vec<u32>,
    texts: Vec<Text>,
    code_of: HashMap<Text, u32>,
}

impl Words {
    /// The code of a text, which is a new one if the text is.
    pub fn code(&mut self, text: &str) -> u32 {
        if let Some(last) = self.codes.last()
            && self.texts.get(at(*last)).is_some_and(|known| known == text)
        {
            return *last;
        }
        if let Some(code) = self.code_of.get(text) {
            return *code;
        }
        let code = u32::try_from(self.texts.len()).expect("a batch has fewer texts");
        self.texts.push(text.into());
        self.code_of.insert(text.into(), code);
        code
    }

    /// Adds the text of the next row.
    pub fn push(&mut self, text: Option<&str>) {
        let code = text.map(|text| self.code(text));
        self.push_code(code);
    }

    /// Adds the text of the next row by its code.
    pub fn push_code(&mut self, code: Option<u32>) {
        self.codes.push(code.unwrap_or(ABSENT));
    }

    /// The text of a row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.texts.get(at(self.codes[row])).map(Text::as_str)
    }

    /// Adds rows of another column.
    pub fn append(&mut self, other: &Self, rows: Range<usize>) {
        let mut codes: Vec<Option<u32>> = vec![None; other.texts.len()];
        self.codes.reserve(rows.len());
        for row in rows {
            let theirs = other.codes[row];
            let ours = match codes.get_mut(at(theirs)) {
                None => ABSENT,
                Some(code) => *code.get_or_insert_with(|| self.code(&other.texts[at(theirs)])),
            };
            self.codes.push(ours);
        }
    }

    /// Maps the text of each of `rows` by `of`, which is called once for each text there is.
    pub fn map<T: Copy>(
        &self,
        rows: &[u32],
        of: impl FnMut(&str) -> T,
    ) -> impl Iterator<Item = Option<T>> {
        let mapped: Vec<T> = self.texts.iter().map(Text::as_str).map(of).collect();
        rows.iter().map(move |row| mapped.get(at(self.codes[at(*row)])).copied())
    }

    /// A number for each code, `of` its text.
    pub(super) fn ranked<T>(&self, of: impl FnMut(&Text) -> T) -> Vec<T> {
        self.texts.iter().map(of).collect()
    }

    pub(super) fn code_at(&self, row: usize) -> usize {
        at(self.codes[row])
    }

    /// All texts there are, to be shared by [`Words::array`].
    pub(crate) fn dictionary(&self) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(self.texts.iter().map(Text::as_str)))
    }

    pub(crate) fn array(&self, dictionary: &ArrayRef, rows: &[u32]) -> ArrayRef {
        let keys: Int32Array = rows
            .iter()
            .map(|row| match self.codes[at(*row)] {
                ABSENT => None,
                code => Some(code.cast_signed()),
            })
            .collect();
        let array = DictionaryArray::new(keys, Arc::clone(dictionary));
        Arc::new(array)
    }
}

/// Texts of which there are many different ones, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    text: String,
    /// The end of each row's text.
    ends: Vec<usize>,
    present: Vec<bool>,
}

impl Names {
    /// Adds the text of the next row.
    pub fn push(&mut self, name: Option<&str>) {
        self.text.push_str(name.unwrap_or_default());
        self.ends.push(self.text.len());
        self.present.push(name.is_some());
    }

    /// The text of a row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.present[row].then(|| &self.text[self.start(row)..self.ends[row]])
    }

    /// Adds rows of another column.
    pub fn append(&mut self, other: &Self, rows: Range<usize>) {
        if rows.is_empty() {
            return;
        }
        let (from, to) = (other.start(rows.start), other.ends[rows.end - 1]);
        let before = self.text.len();
        self.text.push_str(&other.text[from..to]);
        self.ends.extend(other.ends[rows.clone()].iter().map(|end| end - from + before));
        self.present.extend_from_slice(&other.present[rows]);
    }

    fn start(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    pub(crate) fn array(&self, rows: &[u32]) -> ArrayRef {
        let mut names = StringBuilder::with_capacity(rows.len(), 0);
        rows.iter().for_each(|row| names.append_option(self.get(at(*row))));
        Arc::new(names.finish())
    }
}

/// The number of a row as an index.
pub(super) fn at(row: u32) -> usize {
    // 32 bits fit wherever a batch does.
    usize::try_from(row).unwrap_or(usize::MAX)
}

/// The one place where numbers become those of the lake. A column in which none is
/// absent has no bits of absence: they would be encoded in other bytes.
fn number_array(values: &[u64], rows: &[u32], present: Option<NullBuffer>) -> ArrayRef {
    let present = present.filter(|present| present.null_count() > 0);
    // One beyond what is signed is refused where the batch is encoded.
    let values: Vec<i64> = rows.iter().map(|row| values[at(*row)].cast_signed()).collect();
    Arc::new(Int64Array::new(values.into(), present))
}

/// The array of rows of a column of numbers.
pub(crate) fn numbers(values: &[u64], rows: &[u32]) -> ArrayRef {
    number_array(values, rows, None)
}

/// The array of rows of a column of numbers, in which 0 means that there is none.
pub(crate) fn numbers_but_zero(values: &[u64], rows: &[u32]) -> ArrayRef {
    let present = NullBuffer::from_iter(rows.iter().map(|row| values[at(*row)] != 0));
    number_array(values, rows, Some(present))
}

/// The array of rows of a column of instants in milliseconds.
pub(crate) fn instants(millis: &[i64], rows: &[u32]) -> ArrayRef {
    let millis = rows.iter().map(|row| millis[at(*row)]);
    Arc::new(TimestampMillisecondArray::from_iter_values(millis).with_timezone("UTC"))
}

/// The array of so many rows that have the same text.
pub(crate) fn repeated(text: &str, rows: usize) -> ArrayRef {
    let dictionary = Arc::new(StringArray::from_iter_values([text]));
    let array = DictionaryArray::new(Int32Array::from_value(0, rows), dictionary as ArrayRef);
    Arc::new(array)
}

/// The array of rows of a column of flags.
pub(crate) fn flags(flags: &[bool], rows: &[u32]) -> ArrayRef {
    Arc::new(rows.iter().map(|row| Some(flags[at(*row)])).collect::<BooleanArray>())
}

#[cfg(test)]
mod tests {
    use arrow_array::Array as _;

    use super::*;

    #[test]
    fn words_keep_their_texts_when_they_are_put_together() {
        let words = |texts: &[Option<&str>]| {
            let mut words = Words::default();
            texts.iter().for_each(|text| words.push(*text));
            words
        };
        let mut all = words(&[Some("a"), None]);
        all.append(&words(&[Some("x"), Some("b"), Some("a"), None, Some("b")]), 1..5);
        let texts: Vec<Option<&str>> = (0..6).map(|row| all.get(row)).collect();
        assert_eq!(texts, [Some("a"), None, Some("b"), Some("a"), None, Some("b")]);
        assert_eq!(all.texts, ["a", "b"]);
        let lengths: Vec<Option<usize>> = all.map(&[5, 1, 0], str::len).collect();
        assert_eq!(lengths, [Some(1), None, Some(1)]);
    }

    #[test]
    fn names_and_numbers_keep_what_is_absent() {
        let (mut names, mut numbers) = (Names::default(), Numbers::default());
        for (name, number) in [(Some("web"), Some(0)), (None, None), (Some(""), Some(u64::MAX))] {
            names.push(name);
            numbers.push(number);
        }
        let (other_names, other_numbers) = (names.clone(), numbers.clone());
        names.append(&other_names, 1..3);
        numbers.append(&other_numbers, 1..3);
        let found: Vec<_> = (0..5).map(|row| (names.get(row), numbers.get(row))).collect();
        let rest = [(None, None), (Some(""), Some(u64::MAX))];
        assert_eq!(found, [&[(Some("web"), Some(0))][..], &rest, &rest].concat());
        names.append(&other_names, 3..3);
        assert_eq!(names.ends.len(), 5);
        assert_eq!((numbers.array(&[0, 2]).nulls(), names.array(&[0, 2]).nulls()), (None, None));
        assert_eq!((numbers.array(&[0, 1]).null_count(), names.array(&[1]).null_count()), (1, 1));
        assert_eq!(numbers_but_zero(&[7, 0], &[0]).nulls(), None);
    }
}
