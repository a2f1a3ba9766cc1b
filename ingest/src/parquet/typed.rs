//! The columns of some rows in the few types that the many of Parquet come down to.

use arrow_array::{
    Array, BinaryArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray, Float64Array,
    Int32Array, Int64Array, PrimitiveArray, RecordBatch, StringArray, UInt64Array,
    cast::AsArray,
    types::{
        ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
        Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
        UInt64Type,
    },
};
use arrow_schema::{DataType, TimeUnit};

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
    pub(super) fn new(chunk: &RecordBatch, positions: &[Option<usize>]) -> Self {
        let typed = |position: &Option<usize>| match position {
            Some(position) => Typed::new(chunk.column(*position)),
            None => Typed::Missing,
        };
        Self(positions.iter().map(typed).collect())
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
    fn new(array: &dyn Array) -> Self {
        match array.data_type() {
            DataType::UInt64 => Self::Unsigned(array.as_primitive::<UInt64Type>().clone()),
            DataType::UInt32 => Self::Unsigned(widened::<UInt32Type, _>(array)),
            DataType::UInt16 => Self::Unsigned(widened::<UInt16Type, _>(array)),
            DataType::UInt8 => Self::Unsigned(widened::<UInt8Type, _>(array)),
            DataType::Int64 => Self::Signed(array.as_primitive::<Int64Type>().clone()),
            DataType::Int32 => Self::Signed(widened::<Int32Type, _>(array)),
            DataType::Int16 => Self::Signed(widened::<Int16Type, _>(array)),
            DataType::Int8 => Self::Signed(widened::<Int8Type, _>(array)),
            DataType::Float64 => Self::Float(array.as_primitive::<Float64Type>().clone()),
            DataType::Float32 => Self::Float(widened::<Float32Type, _>(array)),
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
                let (ticks, tick) = match unit {
                    TimeUnit::Second => (bits::<TimestampSecondType>(array), Tick::Second),
                    TimeUnit::Millisecond => {
                        (bits::<TimestampMillisecondType>(array), Tick::Millisecond)
                    }
                    TimeUnit::Microsecond => {
                        (bits::<TimestampMicrosecondType>(array), Tick::Microsecond)
                    }
                    TimeUnit::Nanosecond => {
                        (bits::<TimestampNanosecondType>(array), Tick::Nanosecond)
                    }
                };
                Self::Ticks(ticks, tick)
            }
            // Nulls only: `taken` let nothing else through.
            _ => Self::Missing,
        }
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

/// A column of numbers as one of a wider type of the same kind.
fn widened<From: ArrowPrimitiveType, To: ArrowPrimitiveType>(
    array: &dyn Array,
) -> PrimitiveArray<To>
where
    To::Native: std::convert::From<From::Native>,
{
    array.as_primitive::<From>().unary(To::Native::from)
}

/// Timestamps as the numbers that they are.
fn bits<T: ArrowPrimitiveType<Native = i64>>(array: &dyn Array) -> Int64Array {
    array.as_primitive::<T>().reinterpret_cast()
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
