//! Values as a format hands them over, and what their columns make of them.
//!
//! CSV knows only text, JSON has numbers, Parquet a dozen types; all of them
//! become a [`RawValue`], and the rules for turning one into a number, a text or an
//! instant stand here once, so that the same row means the same in every format:
//!
//! - blanks around a text do not count;
//! - absent: null, no such column, an empty text, `NULL`, `\N`; in columns of
//!   numbers and instants also `null`, `NaN` and `NA` in any case, as data
//!   frames write gaps (a name may be `NA`);
//! - a number: digits, or a text or float that is whole (`12.0`, as pandas
//!   writes a column of whole numbers with gaps) as long as it is below 2^53,
//!   where a float still tells neighbours apart; at most 2^63 - 1;
//! - an instant: a text that [`Instant::parse`] takes, or a Parquet timestamp,
//!   cut to milliseconds. A bare number is no instant: nothing says its unit.
//!   MySQL's zero date is absent where the column is optional.

use std::fmt;

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
        if is_absent(kind, value) {
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
        if is_absent(kind, value) || kind == Kind::Instant && is_zero_date(value) {
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

fn is_absent(kind: Kind, value: RawValue<'_>) -> bool {
    match value {
        RawValue::Absent => true,
        RawValue::Text(text) => match text.trim_ascii() {
            b"" | b"NULL" | b"\\N" => true,
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

/// True of `0000-00-00` and `0000-00-00 00:00:00`, MySQL's way to say "no date".
fn is_zero_date(value: RawValue<'_>) -> bool {
    let RawValue::Text(text) = value else { return false };
    text.trim_ascii().strip_prefix(b"0000-00-00").is_some_and(|time| {
        time.iter().all(|byte| matches!(byte, b'0' | b':' | b' ' | b'T' | b'.' | b'Z'))
    })
}

fn to_unsigned(value: RawValue<'_>) -> Result<u64, Reason> {
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
        .filter(|number| *number <= NUMBER_MAX)
        .ok_or_else(|| format!("{} is not a whole number from 0 to {NUMBER_MAX}", Shown(value)))
}

/// The reason against a row that came as a row and not as values, if a number of it is
/// larger than a file holds.
pub(crate) fn beyond_numbers<T: Row>(row: &T) -> Option<Reason> {
    T::columns().iter().find_map(|column| match (column.cell)(row) {
        Cell::Unsigned(number) => {
            let problem = to_unsigned(RawValue::Unsigned(number)).err()?;
            Some(format!("column `{}`: {problem}", column.name))
        }
        _ => None,
    })
}

fn to_signed(value: RawValue<'_>) -> Result<i64, Reason> {
    whole_number(value).and_then(|number| i64::try_from(number).ok()).ok_or_else(|| {
        format!("{} is not a whole number from {} to {}", Shown(value), i64::MIN, i64::MAX)
    })
}

fn to_text(value: RawValue<'_>) -> Result<Text, Reason> {
    match value {
        RawValue::Text(bytes) if bytes.len() > TEXT_BYTES_MAX => {
            Err(format!("{} is longer than {TEXT_BYTES_MAX} bytes", Shown(value)))
        }
        RawValue::Text(bytes) => std::str::from_utf8(bytes)
            .map(|text| Text::from(text.trim()))
            .map_err(|_| format!("{} is not valid UTF-8", Shown(value))),
        RawValue::Unsigned(number) => Ok(Text::from(itoa::Buffer::new().format(number))),
        _ => match whole_number(value) {
            Some(number) => Ok(Text::from(itoa::Buffer::new().format(number))),
            None => Err(format!("{} is not text", Shown(value))),
        },
    }
}

fn to_flag(value: RawValue<'_>) -> Result<bool, Reason> {
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

fn to_instant(value: RawValue<'_>) -> Result<Instant, Reason> {
    match value {
        RawValue::Text(bytes) => {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| format!("{} is not valid UTF-8", Shown(value)))?;
            // Cut before the error quotes it: no instant is as long as that.
            Instant::parse(cut(text.trim(), SHOWN_BYTES_MAX)).map_err(|error| error.to_string())
        }
        RawValue::Ticks(count, tick) => ticks_to_instant(count, tick)
            .ok_or_else(|| InstantError::Year(format!("{count} {tick} since 1970")).to_string()),
        _ => Err(format!("{} is not an instant; write `2026-01-31 23:59:59` (UTC)", Shown(value))),
    }
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
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_spelling() {
        for (value, expected) in [
            (RawValue::Text(b"0"), Some(0)),
            (RawValue::Text(b" 12 "), Some(12)),
            (RawValue::Text(b"12.000"), Some(12)),
            (RawValue::Text(b"9223372036854775807"), Some(NUMBER_MAX)),
            (RawValue::Unsigned(NUMBER_MAX), Some(NUMBER_MAX)),
            (RawValue::Text(b"9223372036854775808"), None),
            (RawValue::Text(b"18446744073709551615"), None),
            (RawValue::Unsigned(u64::MAX), None),
            (RawValue::Text(b"18446744073709551616"), None),
            (RawValue::Text(b"000000000000000000000000000000000000012"), None),
            (RawValue::Text(b"-1"), None),
            (RawValue::Text(b"-0"), Some(0)),
            (RawValue::Text(b"1.5"), None),
            (RawValue::Text(b"."), None),
            (RawValue::Text(b"1e3"), None),
            (RawValue::Text(b"+1"), None),
            (RawValue::Text(b"0x10"), None),
            (RawValue::Text(b"\xff"), None),
            (RawValue::Signed(-1), None),
            (RawValue::Wide(i128::from(u64::MAX) + 1), None),
            (RawValue::Flag(true), None),
            (RawValue::Other("a list"), None),
        ] {
            assert_eq!(to_unsigned(value).ok(), expected, "{value:?}");
        }
    }

    #[test]
    fn gaps_are_absent_where_no_name_can_be_meant() {
        for (text, in_numbers, in_texts) in [
            (&b""[..], true, true),
            (b" ", true, true),
            (b"NULL", true, true),
            (b" NULL", true, true),
            (b"\\N", true, true),
            (b"null", true, false),
            (b"NaN", true, false),
            (b" nan ", true, false),
            (b"NA", true, false),
            (b"0", false, false),
            (b"NAN1", false, false),
        ] {
            let value = RawValue::Text(text);
            assert_eq!(is_absent(Kind::Unsigned, value), in_numbers, "{value:?}");
            assert_eq!(is_absent(Kind::Instant, value), in_numbers, "{value:?}");
            assert_eq!(is_absent(Kind::Text, value), in_texts, "{value:?}");
        }
    }

    #[test]
    fn flags_are_true_or_false_and_nothing_else() {
        for (value, expected) in [
            (RawValue::Text(b"true"), Some(true)),
            (RawValue::Text(b" FALSE "), Some(false)),
            (RawValue::Text(b"1"), Some(true)),
            (RawValue::Unsigned(0), Some(false)),
            (RawValue::Flag(true), Some(true)),
            (RawValue::Text(b"yes"), None),
            (RawValue::Unsigned(2), None),
            (RawValue::Other("a list"), None),
        ] {
            assert_eq!(to_flag(value).ok(), expected, "{value:?}");
        }
    }

    #[test]
    fn zero_dates_are_no_dates() {
        for (text, expected) in [
            ("0000-00-00 00:00:00", true),
            (" 0000-00-00 00:00:00.000", true),
            ("0000-00-00", true),
            ("0000-00-00T00:00:00Z", true),
            ("0000-01-00 00:00:00", false),
            ("0000-00-00 00:00:01", false),
            ("2026-01-31 00:00:00", false),
        ] {
            assert_eq!(is_zero_date(RawValue::Text(text.as_bytes())), expected, "{text}");
        }
    }

    #[test]
    fn blanks_around_a_text_do_not_count() {
        assert_eq!(to_text(RawValue::Text(b" web 1\t")).unwrap(), "web 1");
        let long = to_text(RawValue::Text(&[b'x'; TEXT_BYTES_MAX + 1])).unwrap_err();
        assert!(long.ends_with("...` is longer than 65536 bytes"), "{long}");
    }

    #[test]
    fn floats_count_only_when_they_are_whole_and_certain() {
        for (number, expected) in [
            (0.0, Some(0)),
            (-0.0, Some(0)),
            (1.0, Some(1)),
            (-3.0, Some(-3)),
            (0.5, None),
            (1e-310, None),
            (4_503_599_627_370_497.0, Some(4_503_599_627_370_497)),
            (9_007_199_254_740_991.0, Some(9_007_199_254_740_991)),
            (9_007_199_254_740_992.0, None),
            (f64::INFINITY, None),
            (f64::NAN, None),
        ] {
            assert_eq!(whole_float(number), expected, "{number}");
        }
    }

    #[test]
    fn reasons_name_the_value_and_cut_long_ones() {
        assert_eq!(
            to_unsigned(RawValue::Text(b"-5")).unwrap_err(),
            "`-5` is not a whole number from 0 to 9223372036854775807"
        );
        let long = to_unsigned(RawValue::Text(&[b'x'; 5000])).unwrap_err();
        assert!(long.starts_with("`xxx") && long.contains("...` is not") && long.len() < 200);
        let long = to_instant(RawValue::Text(&[b'9'; 5000])).unwrap_err();
        assert!(long.len() < 300, "{long}");
    }

    #[test]
    fn timestamps_are_cut_to_milliseconds() {
        for (count, tick, expected_ms) in [
            (1, Tick::Second, Some(1_000)),
            (1_999_999, Tick::Microsecond, Some(1_999)),
            (1_999_999_999, Tick::Nanosecond, Some(1_999)),
            (-1, Tick::Nanosecond, None),
            (i64::MAX, Tick::Second, None),
            (i64::MAX, Tick::Millisecond, None),
        ] {
            let instant = ticks_to_instant(count, tick).map(Instant::as_millis);
            assert_eq!(instant, expected_ms, "{count} {tick}");
        }
        assert_eq!(
            to_instant(RawValue::Ticks(-1, Tick::Second)).unwrap_err(),
            "`-1 seconds since 1970` is not an instant we can bill: \
             the year must lie in 1970 to 9999"
        );
    }
}
