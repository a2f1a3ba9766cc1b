//! Numbers at the border of the files: but for quantities never negative in memory, signed
//! in files.
//!
//! Other engines show unsigned columns as decimals, or not at all. So a column of a file is
//! of signed integers, and no number beyond what they hold is ever written: bits that would
//! read as a negative number are refused as a batch is written ([`check`]).

use arrow_array::{
    Array, ArrayRef, Int16Array, Int64Array, PrimitiveArray, RecordBatch, UInt16Array, UInt64Array,
    cast::AsArray, types::ArrowPrimitiveType, types::Int16Type, types::Int64Type,
    types::UInt16Type, types::UInt64Type,
};
use arrow_buffer::ScalarBuffer;
use arrow_schema::DataType;

use super::kind::Kind;
use crate::StoreError;

/// A column of numbers.
pub(crate) fn numbers(values: impl Iterator<Item = u64>) -> Int64Array {
    Int64Array::from_iter_values(values.map(u64::cast_signed))
}

/// Gathered small numbers as a column, without a copy.
pub(crate) fn small_column_of(numbers: Vec<u16>) -> Int16Array {
    of_bits(&UInt16Array::from(numbers))
}

/// A column of a file as numbers, without a copy. Files of the first format are unsigned.
pub(crate) fn as_u64(column: &ArrayRef) -> UInt64Array {
    match column.data_type() {
        DataType::UInt64 => column.as_primitive::<UInt64Type>().clone(),
        _ => of_bits(column.as_primitive::<Int64Type>()),
    }
}

/// A column of a file whose numbers may be negative, without a copy.
pub(crate) fn as_i64(column: &ArrayRef) -> Int64Array {
    match column.data_type() {
        DataType::UInt64 => of_bits(column.as_primitive::<UInt64Type>()),
        _ => column.as_primitive::<Int64Type>().clone(),
    }
}

/// A column of small numbers likewise.
pub(crate) fn as_u16(column: &ArrayRef) -> UInt16Array {
    match column.data_type() {
        DataType::UInt16 => column.as_primitive::<UInt16Type>().clone(),
        _ => of_bits(column.as_primitive::<Int16Type>()),
    }
}

/// The same bits as values of another type of their size.
fn of_bits<A: ArrowPrimitiveType, B: ArrowPrimitiveType>(
    array: &PrimitiveArray<A>,
) -> PrimitiveArray<B> {
    const { assert!(size_of::<A::Native>() == size_of::<B::Native>()) };
    let values = ScalarBuffer::new(array.values().inner().clone(), 0, array.len());
    PrimitiveArray::new(values, array.nulls().cloned())
}

/// Refuses a batch with a number that its file cannot hold.
///
/// # Errors
/// `NumberTooLarge` with the column and the number.
pub(crate) fn check(kind: &Kind, batch: &RecordBatch) -> Result<(), StoreError> {
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let (too_large, most) = match field.data_type() {
            DataType::Int64 if kind.is_signed(field.name()) => continue,
            DataType::Int64 => {
                let numbers = column.as_primitive::<Int64Type>();
                (first_negative(numbers).map(i64::cast_unsigned), i64::MAX.cast_unsigned())
            }
            DataType::Int16 => {
                let numbers = column.as_primitive::<Int16Type>();
                let first = numbers.values().iter().find(|number| **number < 0);
                (first.map(|number| number.cast_unsigned().into()), i16::MAX.cast_unsigned().into())
            }
            _ => continue,
        };
        if let Some(value) = too_large {
            let column = field.name().clone();
            return Err(StoreError::NumberTooLarge { file: kind.name, column, value, most });
        }
    }
    Ok(())
}

fn first_negative(numbers: &Int64Array) -> Option<i64> {
    // The sign of all of them at once: nearly always there is none.
    let all = numbers.values().iter().fold(0, |all, number| all | number);
    if all >= 0 {
        return None;
    }
    numbers.iter().flatten().find(|number| *number < 0)
}
