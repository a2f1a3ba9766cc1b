//! Columns of optional values, without an allocation a row, and the numbers of their rows.

use std::ops::Range;

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
    #[inline]
    pub fn push(&mut self, value: Option<u64>) {
        self.values.push(value.unwrap_or(0));
        self.present.push(value.is_some());
    }

    /// The number of a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<u64> {
        self.present[row].then_some(self.values[row])
    }

    /// Adds rows of another column.
    pub fn append(&mut self, other: &Self, rows: Range<usize>) {
        self.values.extend_from_slice(&other.values[rows.clone()]);
        self.present.extend_from_slice(&other.present[rows]);
    }

    /// Adds rows of another column, in the order of `rows`.
    pub fn gather(&mut self, other: &Self, rows: &[u32]) {
        gather(&mut self.values, &other.values, rows);
        gather(&mut self.present, &other.present, rows);
    }
}

impl Extend<Option<u64>> for Numbers {
    fn extend<I: IntoIterator<Item = Option<u64>>>(&mut self, numbers: I) {
        numbers.into_iter().for_each(|number| self.push(number));
    }
}

/// Texts of which there are many different ones, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    /// The end of each row's text.
    ends: Vec<usize>,
    present: Vec<bool>,
}

impl Texts {
    /// Adds the text of the next row.
    #[inline]
    pub fn push(&mut self, text: Option<&str>) {
        self.text.push_str(text.unwrap_or_default());
        self.ends.push(self.text.len());
        self.present.push(text.is_some());
    }

    /// The text of a row.
    #[inline]
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

    /// Adds rows of another column, in the order of `rows`.
    pub fn gather(&mut self, other: &Self, rows: &[u32]) {
        rows.iter().for_each(|row| self.push(other.get(row_index(*row))));
    }

    fn start(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

impl<'a> Extend<Option<&'a str>> for Texts {
    fn extend<I: IntoIterator<Item = Option<&'a str>>>(&mut self, texts: I) {
        texts.into_iter().for_each(|text| self.push(text));
    }
}

/// Adds values of another column, in the order of `rows`.
pub(crate) fn gather<T: Copy>(into: &mut Vec<T>, from: &[T], rows: &[u32]) {
    into.extend(rows.iter().map(|row| from[row_index(*row)]));
}

/// The number of a row as an index.
#[inline]
pub fn row_index(row: u32) -> usize {
    usize::try_from(row).expect("a row's number fits")
}

/// The number of a row at an index.
///
/// # Panics
/// If there are 2^32 rows: batches and windows are bounded far below that.
#[inline]
pub fn row_number(index: usize) -> u32 {
    u32::try_from(index).expect("batches and windows are bounded far below that")
}

/// The numbers of so many rows, in order.
pub fn row_numbers(height: usize) -> Vec<u32> {
    (0..row_number(height)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_numbers_keep_what_is_absent() {
        let (mut texts, mut numbers) = (Texts::default(), Numbers::default());
        for (text, number) in [(Some("web"), Some(0)), (None, None), (Some(""), Some(u64::MAX))] {
            texts.push(text);
            numbers.push(number);
        }
        let (other_texts, other_numbers) = (texts.clone(), numbers.clone());
        texts.append(&other_texts, 1..3);
        numbers.append(&other_numbers, 1..3);
        let found: Vec<_> = (0..5).map(|row| (texts.get(row), numbers.get(row))).collect();
        let rest = [(None, None), (Some(""), Some(u64::MAX))];
        assert_eq!(found, [&[(Some("web"), Some(0))][..], &rest, &rest].concat());
        texts.append(&other_texts, 3..3);
        assert_eq!(texts.ends.len(), 5);
    }

    #[test]
    fn rows_are_gathered_in_any_order() {
        let (mut texts, mut numbers) = (Texts::default(), Numbers::default());
        texts.extend([Some("ü"), None, Some("web")]);
        numbers.extend([Some(7), None, Some(u64::MAX)]);
        let (mut some_texts, mut some_numbers) = (Texts::default(), Numbers::default());
        some_texts.gather(&texts, &[2, 0, 1]);
        some_numbers.gather(&numbers, &[2, 0, 1]);
        let found: Vec<_> =
            (0..3).map(|row| (some_texts.get(row), some_numbers.get(row))).collect();
        assert_eq!(found, [(Some("web"), Some(u64::MAX)), (Some("ü"), Some(7)), (None, None)]);
    }
}
