//! The columns of a table, and the arrays of some of their rows.

use std::{collections::HashMap, ops::Range, sync::Arc};

use arrow_array::{ArrayRef, DictionaryArray, Int32Array, StringArray, TimestampMillisecondArray};
use cloudtally_model::{Numbers, Text, Texts, row_index};

use crate::lake::{self, arrays};

/// The code of a row without a text.
const ABSENT: u32 = u32::MAX;

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
            && self.texts.get(row_index(*last)).is_some_and(|known| known == text)
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
        self.texts.get(row_index(self.codes[row])).map(Text::as_str)
    }

    /// Adds rows of another column.
    pub fn append(&mut self, other: &Self, rows: Range<usize>) {
        let mut codes: Vec<Option<u32>> = vec![None; other.texts.len()];
        self.codes.reserve(rows.len());
        for row in rows {
            let theirs = other.codes[row];
            let ours = match codes.get_mut(row_index(theirs)) {
                None => ABSENT,
                Some(code) => {
                    *code.get_or_insert_with(|| self.code(&other.texts[row_index(theirs)]))
                }
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
        rows.iter().map(move |row| mapped.get(row_index(self.codes[row_index(*row)])).copied())
    }

    /// A number for each code, `of` its text.
    pub(super) fn ranked<T>(&self, of: impl FnMut(&Text) -> T) -> Vec<T> {
        self.texts.iter().map(of).collect()
    }

    pub(super) fn code_at(&self, row: usize) -> usize {
        row_index(self.codes[row])
    }

    /// All texts there are, to be shared by [`Words::array`].
    pub(crate) fn dictionary(&self) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(self.texts.iter().map(Text::as_str)))
    }

    pub(crate) fn array(&self, dictionary: &ArrayRef, rows: &[u32]) -> ArrayRef {
        let keys: Int32Array = rows
            .iter()
            .map(|row| match self.codes[row_index(*row)] {
                ABSENT => None,
                code => Some(code.cast_signed()),
            })
            .collect();
        let array = DictionaryArray::new(keys, Arc::clone(dictionary));
        Arc::new(array)
    }
}

/// The array of rows of a column of numbers.
pub(crate) fn numbers(values: &[u64], rows: &[u32]) -> ArrayRef {
    Arc::new(lake::numbers::numbers(rows.iter().map(|row| values[row_index(*row)])))
}

/// The array of rows of a column of numbers, in which 0 means that there is none.
pub(crate) fn numbers_but_zero(values: &[u64], rows: &[u32]) -> ArrayRef {
    let value = |at: usize| Some(values[row_index(rows[at])]).filter(|value| *value != 0);
    Arc::new(arrays::optional(rows.len(), value))
}

/// The array of rows of a column of numbers that may be absent.
pub(crate) fn numbers_if_any(numbers: &Numbers, rows: &[u32]) -> ArrayRef {
    Arc::new(arrays::optional(rows.len(), |at| numbers.get(row_index(rows[at]))))
}

/// The array of rows of a column of texts.
pub(crate) fn texts(texts: &Texts, rows: &[u32]) -> ArrayRef {
    Arc::new(arrays::texts(rows.len(), |at| texts.get(row_index(rows[at]))))
}

/// The array of rows of a column of instants in milliseconds.
pub(crate) fn instants(millis: &[i64], rows: &[u32]) -> ArrayRef {
    let millis = rows.iter().map(|row| millis[row_index(*row)]);
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
    Arc::new(arrays::flags(rows.len(), |at| Some(flags[row_index(rows[at])])))
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
    fn a_column_in_which_none_is_absent_has_no_bits_of_absence() {
        let (mut names, mut values) = (Texts::default(), Numbers::default());
        for (name, number) in [(Some("web"), Some(0)), (None, None), (Some(""), Some(u64::MAX))] {
            names.push(name);
            values.push(number);
        }
        let nulls = |rows: &[u32]| {
            [numbers_if_any(&values, rows), texts(&names, rows)].map(|array| array.nulls().cloned())
        };
        assert_eq!(nulls(&[0, 2]), [None, None]);
        assert_eq!(nulls(&[0, 1]).map(|nulls| nulls.unwrap().null_count()), [1, 1]);
        assert_eq!(numbers_but_zero(&[7, 0], &[0]).nulls(), None);
    }
}
