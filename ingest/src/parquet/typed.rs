//! The columns of some rows in the few types that the many of Parquet come down to.

use arrow::{
    array::{
        Array, AsArray, BinaryArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray,
        Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt64Array,
    },
    compute::cast,
    datatypes::{
        DataType, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit, UInt64Type,
    },
};

use crate::value::{RawValue, Tick, Values};

/// The columns of one chunk, in the order of the table.
pub(super) struct Columns(pub(super) Vec<Typed>);

/// A column in the few types that the many of Parquet come down to.
pub(super) enum Typed {
    Missing,
    Unsigned(UInt64Array),
    Signed(Int64Array),
    Float(Float64Array),
    Flag(BooleanArray),
    /// With the power of ten that a whole number is a multiple of.
    Decimal(Decimal128Array, i128),
    /// With the row's place among the texts.
    Text(StringArray, Int32Array),
    Binary(BinaryArray, Int32Array),
    Uuid(FixedSizeBinaryArray, Vec<String>),
    Ticks(Int64Array, Tick),
}

impl Columns {
    pub(super) fn new(
        chunk: &RecordBatch,
        positions: &[Option<usize>],
    ) -> Result<Self, arrow::error::ArrowError> {
        let typed = |position: &Option<usize>| match position {
            Some(position) => Typed::new(chunk.column(*position)),
            None => Ok(Typed::Missing),
        };
        positions.iter().map(typed).collect::<Result<_, _>>().map(Self)
    }

    /// Adds to each row's bytes those of all its texts.
    pub(super) fn add_text_bytes(&self, bytes: &mut [usize]) {
        let has_texts = |column: &&Typed| {
            matches!(column, Typed::Text(..) | Typed::Binary(..) | Typed::Uuid(..))
        };
        for column in self.0.iter().filter(has_texts) {
            for (row, bytes) in bytes.iter_mut().enumerate() {
                if let RawValue::Text(text) = column.value(row) {
                    *bytes += text.len();
                }
            }
        }
    }
}

impl Typed {
    fn new(array: &dyn Array) -> Result<Self, arrow::error::ArrowError> {
        let to = |target| cast(array, &target);
        Ok(match array.data_type() {
            found if found.is_unsigned_integer() => {
                Self::Unsigned(to(DataType::UInt64)?.as_primitive::<UInt64Type>().clone())
            }
            found if found.is_signed_integer() => {
                Self::Signed(to(DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            DataType::Float32 | DataType::Float64 => {
                Self::Float(to(DataType::Float64)?.as_primitive::<Float64Type>().clone())
            }
            DataType::Boolean => Self::Flag(array.as_boolean().clone()),
            DataType::Decimal128(_, scale) => {
                // At most 38 digits, so the power fits.
                let power = 10i128.pow(u32::try_from(*scale).unwrap_or(0));
                Self::Decimal(array.as_primitive::<Decimal128Type>().clone(), power)
            }
            DataType::Dictionary(_, of) => {
                let texts = array.as_dictionary::<Int32Type>();
                let (values, keys) = (texts.values(), texts.keys().clone());
                match **of {
                    DataType::Utf8 => Self::Text(values.as_string::<i32>().clone(), keys),
                    _ => Self::Binary(values.as_binary::<i32>().clone(), keys),
                }
            }
            DataType::FixedSizeBinary(16) => {
                let uuids = array.as_fixed_size_binary().clone();
                let texts = (0..uuids.len()).map(|row| uuid_text(uuids.value(row))).collect();
                Self::Uuid(uuids, texts)
            }
            DataType::Timestamp(unit, _) => {
                let tick = match unit {
                    TimeUnit::Second => Tick::Second,
                    TimeUnit::Millisecond => Tick::Millisecond,
                    TimeUnit::Microsecond => Tick::Microsecond,
                    TimeUnit::Nanosecond => Tick::Nanosecond,
                };
                Self::Ticks(to(DataType::Int64)?.as_primitive::<Int64Type>().clone(), tick)
            }
            // Nulls only: `taken` let nothing else through.
            _ => Self::Missing,
        })
    }

    pub(super) fn value(&self, row: usize) -> RawValue<'_> {
        let is_null = match self {
            Self::Missing => true,
            Self::Unsigned(array) => array.is_null(row),
            Self::Signed(array) | Self::Ticks(array, _) => array.is_null(row),
            Self::Float(array) => array.is_null(row),
            Self::Flag(array) => array.is_null(row),
            Self::Decimal(array, _) => array.is_null(row),
            Self::Text(texts, keys) => is_null_text(texts, keys, row),
            Self::Binary(texts, keys) => is_null_text(texts, keys, row),
            Self::Uuid(array, _) => array.is_null(row),
        };
        if is_null {
            return RawValue::Absent;
        }
        match self {
            Self::Missing => RawValue::Absent,
            Self::Unsigned(array) => RawValue::Unsigned(array.value(row)),
            Self::Signed(array) => RawValue::Signed(array.value(row)),
            Self::Float(array) => RawValue::Float(array.value(row)),
            Self::Flag(array) => RawValue::Flag(array.value(row)),
            Self::Decimal(array, power) => match array.value(row) {
                number if number % power == 0 => RawValue::Wide(number / power),
                _ => RawValue::Other("a decimal with a fraction"),
            },
            Self::Text(texts, keys) => RawValue::Text(texts.value(place(keys, row)).as_bytes()),
            Self::Binary(texts, keys) => RawValue::Text(texts.value(place(keys, row))),
            Self::Uuid(_, texts) => RawValue::Text(texts[row].as_bytes()),
            Self::Ticks(array, tick) => RawValue::Ticks(array.value(row), *tick),
        }
    }
}

/// The row's place among the texts of its dictionary; the decoder has checked it.
pub(super) fn place(keys: &Int32Array, row: usize) -> usize {
    usize::try_from(keys.value(row)).expect("keys of a dictionary are not negative")
}

pub(super) fn is_null_text(texts: &dyn Array, keys: &Int32Array, row: usize) -> bool {
    keys.is_null(row) || texts.is_null(place(keys, row))
}

pub(super) struct RowValues<'a> {
    pub(super) columns: &'a Columns,
    pub(super) row: usize,
}

impl Values for RowValues<'_> {
    fn value(&self, column: usize) -> RawValue<'_> {
        self.columns.0[column].value(self.row)
    }
}

/// `00112233-4455-6677-8899-aabbccddeeff`
fn uuid_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
