//! Columns of a stream out of those of a file.
//!
//! The module `value` tells what a column makes of a value, as in every format. Here the
//! usual types go through loops of their own, and a row with a value that is in doubt is left
//! to the way that takes one row at a time.

use arrow_array::{Array, Int32Array, StringArray};
use cloudtally_model::{Instant, Numbers, Texts, ZoneId};
use cloudtally_store::Words;

use super::typed::{Columns, Typed, is_null_text, place};
use crate::{
    plausible::Plausible,
    table::{Kind, Need, Row},
    value::{
        RawValue, Reason, fits, is_absent, is_null_word, ticks_to_instant, to_flag, to_instant,
        to_signed, to_str, to_unsigned,
    },
};

/// Texts of a dictionary that are looked at once each; of a larger one each row's is.
const DICTIONARY_TEXTS_MAX: usize = 8 * 1024;

/// Takes the columns of some rows one after the other, in the order of the table.
pub(crate) struct ColumnFields<'a> {
    columns: &'a [Typed],
    /// The kind and need of each, to stop a column of another in debug builds.
    kinds: Vec<(Kind, Need)>,
    next: usize,
    plausible: Plausible,
    doubtful: Vec<bool>,
}

impl<'a> ColumnFields<'a> {
    pub(super) fn new<T: Row>(columns: &'a Columns, height: usize, plausible: Plausible) -> Self {
        let kinds = T::columns().iter().map(|column| (column.kind, column.need)).collect();
        Self { columns: &columns.0, kinds, next: 0, plausible, doubtful: vec![false; height] }
    }

    /// The rows that must be decoded one at a time.
    pub(super) fn doubtful(self) -> Vec<bool> {
        self.doubtful
    }

    pub(crate) fn doubt_all(&mut self) {
        self.doubtful.fill(true);
    }

    pub(crate) fn unsigned(&mut self) -> Vec<u64> {
        let column = self.advance(Kind::Unsigned, Need::Required);
        let (values, present) = self.numbers(column);
        for (doubtful, present) in self.doubtful.iter_mut().zip(present) {
            *doubtful |= !present;
        }
        values
    }

    pub(crate) fn unsigned_if_any(&mut self) -> Numbers {
        let column = self.advance(Kind::Unsigned, Need::Optional);
        let (values, present) = self.numbers(column);
        Numbers::new(values, present)
    }

    /// Takes numbers that are 0 where they are absent.
    pub(crate) fn unsigned_or_zero(&mut self) -> Vec<u64> {
        let column = self.advance(Kind::Unsigned, Need::Optional);
        self.numbers(column).0
    }

    /// Takes zones, 0 for "no zone".
    pub(crate) fn zone(&mut self) -> Vec<u64> {
        let column = self.advance(Kind::Signed, Need::Required);
        let zone = |number: i64| ZoneId::from_source(number).number().unwrap_or(0);
        match column {
            Typed::Signed(array) => self.each(array, |row| Some(zone(array.value(row)))),
            _ => self.required(Kind::Signed, column, |value| to_signed(value).map(zone)),
        }
    }

    /// Takes the instants by which rows are billed, in milliseconds; those that cannot
    /// be believed are in doubt.
    pub(crate) fn billed_at(&mut self) -> Vec<i64> {
        let (column, plausible) = (self.advance(Kind::Instant, Need::Required), self.plausible);
        let believed = |at: Instant| plausible.believes(at).then_some(at.as_millis());
        match column {
            Typed::Ticks(array, tick) => {
                self.each(array, |row| ticks_to_instant(array.value(row), *tick).and_then(believed))
            }
            _ => self.required(Kind::Instant, column, |value| {
                believed(to_instant(value)?).ok_or_else(Reason::new)
            }),
        }
    }

    /// Takes names that are compared without regard to case.
    pub(crate) fn event_type(&mut self) -> Words {
        let column = self.advance(Kind::Text, Need::Required);
        let code = |words: &mut Words, text: &str| words.code(&text.to_ascii_uppercase());
        self.words(column, code, |_| None)
    }

    pub(crate) fn words_if_any(&mut self) -> Words {
        let column = self.advance(Kind::Text, Need::Optional);
        self.words(column, Words::code, |_| Some(None))
    }

    /// Takes words that are empty where they are absent.
    pub(crate) fn words_or_empty(&mut self) -> Words {
        let column = self.advance(Kind::Text, Need::Optional);
        self.words(column, Words::code, |words| Some(Some(words.code(""))))
    }

    pub(crate) fn names_if_any(&mut self) -> Texts {
        let column = self.advance(Kind::Text, Need::Optional);
        let mut names = Texts::default();
        for row in 0..self.doubtful.len() {
            let value = column.value(row);
            match is_absent(Kind::Text, value) || is_null_word(value) {
                true => names.push(None),
                false => match to_str(value) {
                    Ok(name) => names.push(Some(&name)),
                    Err(_) => {
                        names.push(None);
                        self.doubtful[row] = true;
                    }
                },
            }
        }
        names
    }

    /// Takes flags, false where they are absent.
    pub(crate) fn flags(&mut self) -> Vec<bool> {
        let column = self.advance(Kind::Flag, Need::Optional);
        self.optional(Kind::Flag, column, to_flag).0
    }

    fn advance(&mut self, kind: Kind, need: Need) -> &'a Typed {
        debug_assert_eq!(self.kinds[self.next], (kind, need), "column {}", self.next);
        self.next += 1;
        &self.columns[self.next - 1]
    }

    /// Optional numbers, 0 where they are absent, and where they are not.
    fn numbers(&mut self, column: &Typed) -> (Vec<u64>, Vec<bool>) {
        match column {
            Typed::Missing => {
                let height = self.doubtful.len();
                (vec![0; height], vec![false; height])
            }
            Typed::Unsigned(array) => self.valid(array, |row| array.value(row)),
            // Negative ones are too large then.
            Typed::Signed(array) => self.valid(array, |row| array.value(row).cast_unsigned()),
            _ => self.optional(Kind::Unsigned, column, to_unsigned),
        }
    }

    fn valid(&mut self, array: &dyn Array, of: impl Fn(usize) -> u64) -> (Vec<u64>, Vec<bool>) {
        let mut values: Vec<u64> = (0..array.len()).map(of).collect();
        let mut present = vec![true; array.len()];
        if let Some(nulls) = array.nulls() {
            for ((value, present), valid) in values.iter_mut().zip(&mut present).zip(nulls) {
                *present = valid;
                *value = if valid { *value } else { 0 };
            }
        }
        for (doubtful, value) in self.doubtful.iter_mut().zip(&values) {
            *doubtful |= !fits(*value);
        }
        (values, present)
    }

    /// Values that every row needs, one each; `None` is in doubt.
    fn each<R: Default>(&mut self, array: &dyn Array, of: impl Fn(usize) -> Option<R>) -> Vec<R> {
        let nulls = array.nulls();
        let value = |(row, doubtful): (usize, &mut bool)| {
            let value = match nulls.is_some_and(|nulls| nulls.is_null(row)) {
                true => None,
                false => of(row),
            };
            *doubtful |= value.is_none();
            value.unwrap_or_default()
        };
        self.doubtful.iter_mut().enumerate().map(value).collect()
    }

    fn required<R: Default>(
        &mut self,
        kind: Kind,
        column: &Typed,
        convert: impl Fn(RawValue<'_>) -> Result<R, Reason>,
    ) -> Vec<R> {
        let (values, present) = self.optional(kind, column, convert);
        for (doubtful, present) in self.doubtful.iter_mut().zip(present) {
            *doubtful |= !present;
        }
        values
    }

    fn optional<R: Default>(
        &mut self,
        kind: Kind,
        column: &Typed,
        convert: impl Fn(RawValue<'_>) -> Result<R, Reason>,
    ) -> (Vec<R>, Vec<bool>) {
        let of = |(row, doubtful): (usize, &mut bool)| {
            let value = column.value(row);
            if is_absent(kind, value) {
                return (R::default(), false);
            }
            let converted = convert(value);
            *doubtful |= converted.is_err();
            (converted.unwrap_or_default(), true)
        };
        self.doubtful.iter_mut().enumerate().map(of).unzip()
    }

    /// Texts of which there are few: `code` takes one up, `absent` says what a row
    /// without one has, and that it is in doubt by `None`.
    fn words(
        &mut self,
        column: &Typed,
        code: impl Fn(&mut Words, &str) -> u32,
        absent: impl Fn(&mut Words) -> Option<Option<u32>>,
    ) -> Words {
        let mut words = Words::default();
        let is_gap = |value: RawValue<'_>| is_absent(Kind::Text, value) || is_null_word(value);
        let of = |words: &mut Words, value: RawValue<'_>| match is_gap(value) {
            true => absent(words),
            false => to_str(value).ok().map(|text| Some(code(words, &text))),
        };
        let height = self.doubtful.len();
        let mut push = |words: &mut Words, row: usize, code: Option<Option<u32>>| {
            self.doubtful[row] |= code.is_none();
            words.push_code(code.flatten());
        };
        match column {
            Typed::Text(texts, keys) if texts.len() <= DICTIONARY_TEXTS_MAX => {
                let mut known: Vec<Option<Option<Option<u32>>>> = vec![None; texts.len()];
                for row in 0..keys.len() {
                    let code = match is_null_text(texts, keys, row) {
                        true => absent(&mut words),
                        false => *known[place(keys, row)]
                            .get_or_insert_with(|| of(&mut words, text(texts, keys, row))),
                    };
                    push(&mut words, row, code);
                }
            }
            _ => {
                for row in 0..height {
                    let code = of(&mut words, column.value(row));
                    push(&mut words, row, code);
                }
            }
        }
        words
    }
}

fn text<'a>(texts: &'a StringArray, keys: &Int32Array, row: usize) -> RawValue<'a> {
    RawValue::Text(texts.value(place(keys, row)).as_bytes())
}
