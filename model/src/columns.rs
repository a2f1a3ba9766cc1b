//! Columns of optional values, packed: one machine word a value and no allocation a row.

/// Stands for "none" in [`Numbers`]. No number of a source is as large: those beyond
/// `i64::MAX` are refused when they come in.
const NO_NUMBER: u64 = u64::MAX;
/// Stands for "none" in [`Texts`]. No text is as long.
const NO_TEXT: u32 = u32::MAX;

/// A column of optional numbers.
#[derive(Clone, Debug, Default)]
pub struct Numbers(Vec<u64>);

impl Numbers {
    /// Adds a row.
    #[inline]
    pub fn push(&mut self, number: Option<u64>) {
        self.0.push(number.unwrap_or(NO_NUMBER));
    }

    /// The value of a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<u64> {
        let number = self.0[row];
        (number != NO_NUMBER).then_some(number)
    }

    /// Adds rows of another column, in the order of `rows`.
    pub fn gather(&mut self, from: &Self, rows: &[u32]) {
        gather(&mut self.0, &from.0, rows);
    }

    /// Adds all rows of another column.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

impl Extend<Option<u64>> for Numbers {
    fn extend<I: IntoIterator<Item = Option<u64>>>(&mut self, numbers: I) {
        self.0.extend(numbers.into_iter().map(|number| number.unwrap_or(NO_NUMBER)));
    }
}

impl FromIterator<Option<u64>> for Numbers {
    fn from_iter<I: IntoIterator<Item = Option<u64>>>(numbers: I) -> Self {
        let mut column = Self::default();
        column.extend(numbers);
        column
    }
}

impl<'a> Extend<Option<&'a str>> for Texts {
    fn extend<I: IntoIterator<Item = Option<&'a str>>>(&mut self, texts: I) {
        texts.into_iter().for_each(|text| self.push(text));
    }
}

/// A column of optional texts, which lie one behind the other in memory.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    bytes: String,
    starts: Vec<usize>,
    lengths: Vec<u32>,
}

impl Texts {
    /// Adds a row.
    ///
    /// # Panics
    /// If the text has 4 GiB or more.
    #[inline]
    pub fn push(&mut self, text: Option<&str>) {
        self.starts.push(self.bytes.len());
        self.lengths.push(text.map_or(NO_TEXT, |text| {
            self.bytes.push_str(text);
            u32::try_from(text.len()).ok().filter(|l| *l < NO_TEXT).expect("texts are shorter")
        }));
    }

    /// The text of a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&str> {
        let (start, length) = (self.starts[row], self.lengths[row]);
        (length != NO_TEXT).then(|| &self.bytes[start..start + position(length)])
    }

    /// Adds all rows of another column.
    pub fn append(&mut self, other: Self) {
        let shift = self.bytes.len();
        self.bytes.push_str(&other.bytes);
        self.starts.extend(other.starts.iter().map(|start| start + shift));
        self.lengths.extend_from_slice(&other.lengths);
    }

    /// The same rows in another order; the texts stay where they are.
    pub fn reordered(self, rows: &[u32]) -> Self {
        let (mut starts, mut lengths) = (Vec::new(), Vec::new());
        gather(&mut starts, &self.starts, rows);
        gather(&mut lengths, &self.lengths, rows);
        Self { bytes: self.bytes, starts, lengths }
    }
}

/// Adds values of another column, in the order of `rows`.
pub(crate) fn gather<T: Copy>(into: &mut Vec<T>, from: &[T], rows: &[u32]) {
    into.extend(rows.iter().map(|row| from[position(*row)]));
}

fn position(row: u32) -> usize {
    usize::try_from(row).expect("positions fit in memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back() {
        let mut numbers = Numbers::default();
        let mut texts = Texts::default();
        for (number, text) in [(Some(0), Some("")), (None, None), (Some(u64::MAX - 1), Some("ü"))]
        {
            numbers.push(number);
            texts.push(text);
        }
        let numbers: Vec<_> = (0..3).map(|row| numbers.get(row)).collect();
        assert_eq!(numbers, [Some(0), None, Some(u64::MAX - 1)]);
        let mut twice = texts.clone();
        twice.append(texts);
        let texts = twice.reordered(&[5, 1, 0, 2]);
        let texts: Vec<_> = (0..4).map(|row| texts.get(row)).collect();
        assert_eq!(texts, [Some("ü"), None, Some(""), Some("ü")]);
    }
}
