//! Values as a format hands them over, and what their columns make of them.
//!
//! CSV knows only text, JSON has numbers, Parquet a dozen types; all of them
//! become a [`RawValue`], and the rules for turning one into a number, a text or an
//! instant stand here once, so that the same row means the same in every format:
//!
//! - blanks around a text do not count;
//! - absent: null, no such column, an empty text, `NULL`, `[NULL]`, `\N`, and but for names
//!   of accounts `null` in any case; in columns of numbers and instants also `NaN` and `NA` in any
//!   case, as data frames write gaps (an account may be called `null`, a machine `NA`);
//! - a number: digits, or a text or float that is whole (`12.0`, as pandas
//!   writes a column of whole numbers with gaps) as long as it is below 2^53,
//!   where a float still tells neighbours apart; at most 2^63 - 1;
//! - an instant: a text that [`Instant::parse`] takes, or a Parquet timestamp,
//!   cut to milliseconds. A bare number is no instant: nothing says its unit.
//!   MySQL's zero date is absent where the column is optional.

use std::{borrow::Cow, fmt};

use cloudtally_model::{Instant, InstantError, Text};

use crate::table::{Cell, Column, Kind, Need, Row};

/// Bytes of a value that a reason shows; longer ones are cut.
const SHOWN_BYTES_MAX: usize = 100;
/// Bytes of a text; a longer one is damage or an attack, not a name.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// The largest number that the lake and its readers hold without change.
const NUMBER_MAX: u64 = i64::MAX as u64;

/// One value, before its column gives it a type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RawValue<'a> {
    Absent,
    Text(&'a [u8]),
    Unsigned(u64),
    Signed(i64),
    /// A decimal number without a fraction.
    Wide(i128),
    Float(f64),
    Flag(bool),
    /// A point in time, so many units since 1970.
    Ticks(i64, Tick),
    /// Something that no column takes: `a list`, `an object`.
    Other(&'static str),
}

/// The unit of a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

/// The values of one row, by the number of their column in the table.
pub(crate) trait Values {
    fn value(&self, column: usize) -> RawValue<'_>;
}

/// The reason a row cannot be kept, in words that name the column and the value.
pub(crate) type Reason = String;

/// Takes the values of a row one after the other, in the order of the table.
pub(crate) struct Fields<'a, V, T: 'static> {
    values: &'a V,
    columns: &'static [Column<T>],
    next: usize,
}

impl<'a, V: Values, T> Fields<'a, V, T> {
    pub(crate) fn new(values: &'a V, columns: &'static [Column<T>]) -> Self {
        Self { values, columns, next: 0 }
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, Reason> {
        self.required(Kind::Unsigned, to_unsigned)
    }

    pub(crate) fn unsigned_if_any(&mut self) -> Result<Option<u64>, Reason> {
        self.optional(Kind::Unsigned, to_unsigned)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Reason> {
        self.required(Kind::Signed, to_signed)
    }

    pub(crate) fn signed_if_any(&mut self) -> Result<Option<i64>, Reason> {
        self.optional(Kind::Signed, to_signed)
    }

    pub(crate) fn text(&mut self) -> Result<Text, Reason> {
        self.required(Kind::Text, to_text)
    }

    /// Takes a name that is compared without regard to case, such as `VM.START`.
    pub(crate) fn event_type(&mut self) -> Result<Text, Reason> {
        let mut name = self.text()?;
        name.make_ascii_uppercase();
        Ok(name)
    }

    pub(crate) fn text_if_any(&mut self) -> Result<Option<Text>, Reason> {
        self.optional(Kind::Text, to_text)
    }

    /// Takes a flag, false if it is absent.
    pub(crate) fn flag(&mut self) -> Result<bool, Reason> {
        Ok(self.optional(Kind::Flag, to_flag)?.unwrap_or(false))
    }

    pub(crate) fn instant(&mut self) -> Result<Instant, Reason> {
        self.required(Kind::Instant, to_instant)
    }

    pub(crate) fn instant_if_any(&mut self) -> Result<Option<Instant>, Reason> {
        self.optional(Kind::Instant, to_instant)
    }

    fn required<R>(
        &mut self,
        kind: Kind,
        convert: fn(RawValue<'_>) -> Result<R, Reason>,
    ) -> Result<R, Reason> {
        let (column, value) = self.advance(kind, Need::Required);
        if is_gap(column, value) {
            return Err(format!("column `{}` has no value, but every row needs one", column.name));
        }
        convert(value).map_err(|problem| format!("column `{}`: {problem}", column.name))
    }

    fn optional<R>(
        &mut self,
        kind: Kind,
        convert: fn(RawValue<'_>) -> Result<R, Reason>,
    ) -> Result<Option<R>, Reason> {
        let (column, value) = self.advance(kind, Need::Optional);
        if is_gap(column, value) || kind == Kind::Instant && is_zero_date(value) {
            return Ok(None);
        }
        let converted = convert(value);
        converted.map(Some).map_err(|problem| format!("column `{}`: {problem}", column.name))
    }

    fn advance(&mut self, kind: Kind, need: Need) -> (&'static Column<T>, RawValue<'a>) {
        let column = &self.columns[self.next];
        debug_assert_eq!((column.kind, column.need), (kind, need), "`{}`", column.name);
        let value = self.values.value(self.next);
        self.next += 1;
        (column, value)
    }
}

pub(crate) fn is_absent(kind: Kind, value: RawValue<'_>) -> bool {
    match value {
        RawValue::Absent => true,
        RawValue::Text(text) => match text.trim_ascii() {
            b"" | b"NULL" | b"[NULL]" | b"\\N" => true,
            gap => {
                let is_gap = |name: &[u8]| gap.eq_ignore_ascii_case(name);
                kind != Kind::Text && (is_gap(b"null") || is_gap(b"nan") || is_gap(b"na"))
            }
        },
        // What pandas writes for a gap in a column of numbers.
        RawValue::Float(number) => number.is_nan(),
        _ => false,
    }
}

/// True of a value that is none in a column.
fn is_gap<T>(column: &Column<T>, value: RawValue<'_>) -> bool {
    is_absent(column.kind, value)
        || column.kind == Kind::Text && !column.holds_names() && is_null_word(value)
}

/// True of `null` in any case, which is a gap where no names stand.
pub(crate) fn is_null_word(value: RawValue<'_>) -> bool {
    matches!(value, RawValue::Text(text) if text.trim_ascii().eq_ignore_ascii_case(b"null"))
}

/// True of `0000-00-00` and `0000-00-00 00:00:00`, MySQL's way to say "no date".
fn is_zero_date(value: RawValue<'_>) -> bool {
    let RawValue::Text(text) = value else { return false };
    text.trim_ascii().strip_prefix(b"0000-00-00").is_some_and(|time| {
        time.iter().all(|byte| matches!(byte, b'0' | b':' | b' ' | b'T' | b'.' | b'Z'))
    })
}

/// True of a number that the lake and its readers hold without change.
pub(crate) fn fits(number: u64) -> bool {
    number <= NUMBER_MAX
}

pub(crate) fn to_unsigned(value: RawValue<'_>) -> Result<u64, Reason> {
    let number = match value {
        RawValue::Unsigned(number) => Some(number),
        // The usual case, without a detour through 128 bits.
        RawValue::Text(text) => match plain_digits(text) {
            Some(number) => Some(number),
            None => whole_number(value).and_then(|number| u64::try_from(number).ok()),
        },
        _ => whole_number(value).and_then(|number| u64::try_from(number).ok()),
    };
    number
        .filter(|number| fits(*number))
        .ok_or_else(|| format!("{} is not a whole number from 0 to {NUMBER_MAX}", Shown(value)))
}

/// The reason against a row that came as a row and not as values, if a number of it is
/// larger than a file holds.
pub(crate) fn beyond_numbers<T: Row>(row: &T) -> Option<Reason> {
    T::columns().iter().find_map(|column| match (column.cell)(row) {
        Cell::Unsigned(number) if !fits(number) => {
            let problem = to_unsigned(RawValue::Unsigned(number)).err()?;
            Some(format!("column `{}`: {problem}", column.name))
        }
        _ => None,
    })
}

pub(crate) fn to_signed(value: RawValue<'_>) -> Result<i64, Reason> {
    whole_number(value).and_then(|number| i64::try_from(number).ok()).ok_or_else(|| {
        format!("{} is not a whole number from {} to {}", Shown(value), i64::MIN, i64::MAX)
    })
}

fn to_text(value: RawValue<'_>) -> Result<Text, Reason> {
    to_str(value).map(|text| Text::from(&*text))
}

/// The text of a value, without the blanks around it.
pub(crate) fn to_str(value: RawValue<'_>) -> Result<Cow<'_, str>, Reason> {
    let number = |number: &str| Cow::Owned(number.to_owned());
    match value {
        RawValue::Text(bytes) if bytes.len() > TEXT_BYTES_MAX => {
            Err(format!("{} is longer than {TEXT_BYTES_MAX} bytes", Shown(value)))
        }
        RawValue::Text(bytes) => std::str::from_utf8(bytes)
            .map(|text| Cow::Borrowed(text.trim()))
            .map_err(|_| format!("{} is not valid UTF-8", Shown(value))),
        RawValue::Unsigned(whole) => Ok(number(itoa::Buffer::new().format(whole))),
        _ => match whole_number(value) {
            Some(whole) => Ok(number(itoa::Buffer::new().format(whole))),
            None => Err(format!("{} is not text", Shown(value))),
        },
    }
}

pub(crate) fn to_flag(value: RawValue<'_>) -> Result<bool, Reason> {
    let named = match value {
        RawValue::Flag(flag) => Some(flag),
        RawValue::Text(text) => match text.trim_ascii().to_ascii_lowercase().as_slice() {
            b"true" | b"1" => Some(true),
            b"false" | b"0" => Some(false),
            _ => None,
        },
        _ => match whole_number(value) {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
    };
    named.ok_or_else(|| format!("{} is neither `true` nor `false`", Shown(value)))
}

pub(crate) fn to_instant(value: RawValue<'_>) -> Result<Instant, Reason> {
    match value {
        RawValue::Text(bytes) => {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| format!("{} is not valid UTF-8", Shown(value)))?;
            // Cut before the error quotes it: no instant is as long as that.
            let text = cut(text.trim(), SHOWN_BYTES_MAX);
            if is_bare_date(text) {
                return Err(format!(
                    "`{text}` has no time of day, and midnight would be a guess; export the column \
                     with its time"
                ));
            }
            Instant::parse(text).map_err(|error| error.to_string())
        }
        RawValue::Ticks(count, tick) => ticks_to_instant(count, tick)
            .ok_or_else(|| InstantError::Year(format!("{count} {tick} since 1970")).to_string()),
        _ => Err(format!("{} is not an instant; write `2026-01-31 23:59:59` (UTC)", Shown(value))),
    }
}

/// True of `2026-01-31`, which tools make of an instant when they cut it to a date.
fn is_bare_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// `None` outside the years that an [`Instant`] may have.
pub(crate) fn ticks_to_instant(count: i64, tick: Tick) -> Option<Instant> {
    let millis = match tick {
        Tick::Second => count.checked_mul(1_000)?,
        Tick::Millisecond => count,
        Tick::Microsecond => count.div_euclid(1_000),
        Tick::Nanosecond => count.div_euclid(1_000_000),
    };
    let instant = Instant::from_millis(millis);
    (Instant::EPOCH <= instant && instant < Instant::END_OF_TIME).then_some(instant)
}

/// Digits only, of a number that surely fits.
fn plain_digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
    })
}

fn whole_number(value: RawValue<'_>) -> Option<i128> {
    match value {
        RawValue::Unsigned(number) => Some(number.into()),
        RawValue::Signed(number) => Some(number.into()),
        RawValue::Wide(number) => Some(number),
        RawValue::Float(number) => whole_float(number),
        RawValue::Text(text) => whole_text(text),
        RawValue::Absent | RawValue::Flag(_) | RawValue::Ticks(..) | RawValue::Other(_) => None,
    }
}

/// `12`, ` -1 `, `12.0`.
fn whole_text(text: &[u8]) -> Option<i128> {
    let text = text.trim_ascii();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let digits = match digits.iter().position(|b| *b == b'.') {
        Some(dot) if digits[dot + 1..].iter().all(|b| *b == b'0') => &digits[..dot],
        Some(_) => return None,
        None => digits,
    };
    // 38 digits fit 128 bits; no column takes as many.
    if digits.is_empty() || digits.len() > 38 {
        return None;
    }
    let number = digits.iter().try_fold(0i128, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i128::from(byte - b'0'))
    })?;
    Some(if negative { -number } else { number })
}

/// The whole number that a float holds exactly and unmistakably: below 2^53 its
/// neighbours are other floats. Taken from the bits, as nothing on the way to a
/// record computes with floats.
fn whole_float(number: f64) -> Option<i128> {
    const FRACTION_BITS: u64 = 52;
    let bits = number.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    let exponent = bits >> FRACTION_BITS & 0x7ff;
    if exponent == 0 {
        return (fraction == 0).then_some(0);
    }
    // The value is `significand / 2^shift`.
    let significand = fraction | 1 << FRACTION_BITS;
    let shift = (1023 + FRACTION_BITS).checked_sub(exponent)?;
    if shift > FRACTION_BITS || significand & ((1 << shift) - 1) != 0 {
        return None;
    }
    let magnitude = i128::from(significand >> shift);
    Some(if number.is_sign_negative() { -magnitude } else { magnitude })
}

/// A value as reasons show it: in backquotes, cut when it is long.
pub(crate) struct Shown<'a>(pub(crate) RawValue<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            RawValue::Absent => f.write_str("nothing"),
            RawValue::Text(bytes) => {
                let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_BYTES_MAX * 2)]);
                let shown = cut(&text, SHOWN_BYTES_MAX);
                let dots = if shown.len() < bytes.len() { "..." } else { "" };
                write!(f, "`{shown}{dots}`")
            }
            RawValue::Unsigned(number) => write!(f, "`{number}`"),
            RawValue::Signed(number) => write!(f, "`{number}`"),
            RawValue::Wide(number) => write!(f, "`{number}`"),
            RawValue::Float(number) => write!(f, "`{number}`"),
            RawValue::Flag(flag) => write!(f, "`{flag}`"),
            RawValue::Ticks(count, tick) => match ticks_to_instant(count, tick) {
                Some(instant) => write!(f, "`{instant}`"),
                None => write!(f, "`{count} {tick} since 1970`"),
            },
            RawValue::Other(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "seconds",
            Self::Millisecond => "milliseconds",
            Self::Microsecond => "microseconds",
            Self::Nanosecond => "nanoseconds",
        })
    }
}

/// The beginning of a text, at most `bytes_max` long, cut between characters.
pub(crate) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests;
