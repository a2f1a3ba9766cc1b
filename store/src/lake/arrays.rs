//! Arrow arrays filled column by column, from whatever has the values of rows.

use arrow_array::{
    BooleanArray, DictionaryArray, Int32Array, Int64Array, StringArray, types::Int32Type,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use std::{collections::HashMap, hash::Hash, sync::Arc};

/// Optional numbers of `height` rows.
pub(crate) fn optional(height: usize, of: impl Fn(usize) -> Option<u64>) -> Int64Array {
    let mut values = Vec::with_capacity(height);
    let mut valid = Vec::with_capacity(height.div_ceil(64));
    for first in (0..height).step_by(64) {
        let mut bits = 0_u64;
        for row in first..height.min(first + 64) {
            let value = of(row);
            bits |= u64::from(value.is_some()) << (row - first);
            values.push(value.unwrap_or(0).cast_signed());
        }
        valid.push(bits);
    }
    let valid = BooleanBuffer::new(Buffer::from_vec(valid), 0, height);
    Int64Array::new(values.into(), nulls(valid))
}

/// Optional flags of `height` rows.
pub(crate) fn flags(height: usize, of: impl Fn(usize) -> Option<bool>) -> BooleanArray {
    let values = BooleanBuffer::collect_bool(height, |row| of(row) == Some(true));
    let valid = BooleanBuffer::collect_bool(height, |row| of(row).is_some());
    BooleanArray::new(values, nulls(valid))
}

/// Optional texts of `height` rows.
pub(crate) fn texts<'a>(height: usize, of: impl Fn(usize) -> Option<&'a str>) -> StringArray {
    let mut bytes = Vec::with_capacity(height * 16);
    let mut ends = Vec::with_capacity(height + 1);
    ends.push(0);
    for row in 0..height {
        bytes.extend_from_slice(of(row).unwrap_or_default().as_bytes());
        ends.push(i32::try_from(bytes.len()).expect("texts of a row group are far below 2 GiB"));
    }
    let valid = BooleanBuffer::collect_bool(height, |row| of(row).is_some());
    let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
    StringArray::new(ends, bytes.into(), nulls(valid))
}

/// The nulls of an array: nothing where there is none, which the encoder has a shorter way
/// for.
fn nulls(valid: BooleanBuffer) -> Option<NullBuffer> {
    let nulls = NullBuffer::new(valid);
    (nulls.null_count() > 0).then_some(nulls)
}

/// Stands for "null" among words.
const NO_WORD: i32 = -1;
/// Different words that are looked for one by one before a table of them is made.
const FEW: usize = 16;

/// Optional words of `height` rows: what `of` gives stands for a word, and `word` is asked
/// once for each that there is.
pub(crate) fn words<'a, W: Copy + Eq + Hash>(
    height: usize,
    of: impl Fn(usize) -> Option<W>,
    word: impl Fn(W) -> &'a str,
) -> DictionaryArray<Int32Type> {
    let mut known: Vec<W> = Vec::new();
    let mut table: HashMap<W, usize> = HashMap::new();
    let mut last = 0;
    let keys = (0..height).map(|row| {
        let Some(value) = of(row) else { return NO_WORD };
        if known.get(last) != Some(&value) {
            let among_few = known.iter().take(FEW).position(|known| *known == value);
            last = among_few.or_else(|| table.get(&value).copied()).unwrap_or_else(|| {
                if known.len() >= FEW {
                    table.insert(value, known.len());
                }
                known.push(value);
                known.len() - 1
            });
        }
        i32::try_from(last).expect("a row group has fewer rows")
    });
    let keys: Vec<i32> = keys.collect();
    let valid = BooleanBuffer::collect_bool(height, |row| keys[row] != NO_WORD);
    let keys = Int32Array::new(keys.into(), nulls(valid));
    DictionaryArray::new(keys, Arc::new(StringArray::from_iter_values(known.into_iter().map(word))))
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;

    #[test]
    fn words_stand_in_the_order_in_which_they_come() {
        let spelled: Vec<String> = (0..40).map(|n| format!("w{n}")).collect();
        let values = [Some(3), None, Some(3), Some(1), Some(3)];
        let array = words(5, |row| values[row], |n: usize| spelled[n].as_str());
        let read: Vec<Option<&str>> =
            array.downcast_dict::<StringArray>().unwrap().into_iter().collect();
        assert_eq!(read, [Some("w3"), None, Some("w3"), Some("w1"), Some("w3")]);
        assert_eq!(array.values().len(), 2);

        let many = words(400, |row| Some(row % 40), |n: usize| spelled[n].as_str());
        let read: Vec<Option<&str>> =
            many.downcast_dict::<StringArray>().unwrap().into_iter().collect();
        let expected: Vec<Option<&str>> =
            (0..400).map(|row| Some(spelled[row % 40].as_str())).collect();
        assert_eq!(read, expected);
        assert_eq!(many.values().len(), 40);
    }
}
