//! Quantities as people read them. Sums stay integers of milliseconds or bytes;
//! only these functions turn them into text, and they use no floating point.

use std::fmt::Write;

/// Milliseconds as hours: half-even at six decimals, trailing zeros trimmed.
///
/// `10630368` is `2.95288`, `25200000` is `7`, `0` is `0`, `-12600000` is `-3.5`.
///
/// # Source
/// Usage rules 4; the layout is the guide's (8.3).
pub fn hours(millis: impl Into<i128>) -> String {
    let mut text = String::new();
    write_millionths(hour_millionths(millis), &mut text);
    text
}

/// Milliseconds as millionths of an hour, half-even: what is taken away is rounded like what
/// is added.
pub fn hour_millionths(millis: impl Into<i128>) -> i128 {
    let millis: i128 = millis.into();
    // ms / 3 600 000 at six decimals is ms * 5 / 18 millionths of an hour.
    let scaled = millis.unsigned_abs().saturating_mul(5);
    let (whole, rest) = (scaled / 18, scaled % 18);
    let rounded = whole + u128::from(rest > 9 || (rest == 9 && whole % 2 == 1));
    // Eighteen fifths of the number are far from the largest.
    let rounded = rounded.cast_signed();
    if millis < 0 { -rounded } else { rounded }
}

/// Writes millionths as a number with up to six decimals, trailing zeros trimmed.
pub fn write_millionths(millionths: i128, text: &mut String) {
    if millionths < 0 {
        text.push('-');
    }
    let magnitude = millionths.unsigned_abs();
    let (integer, fraction) = (magnitude / 1_000_000, magnitude % 1_000_000);
    let written = match fraction {
        0 => write!(text, "{integer}"),
        _ => write!(text, "{integer}.{fraction:06}"),
    };
    written.expect("strings take any text");
    if fraction > 0 {
        text.truncate(text.trim_end_matches('0').len());
    }
}

#[cfg(test)]
mod tests {
    use super::hours;

    #[test]
    fn exact_hours_not_single_precision_ones() {
        for (millis, expected) in [
            (0, "0"),
            (1, "0"),
            (2, "0.000001"),
            (9, "0.000002"),  // 2.5 millionths: half to even
            (27, "0.000008"), // 7.5 millionths: half to even
            (1_000, "0.000278"),
            (10_630_368, "2.95288"),
            (25_200_000, "7"),
            (25_200_002, "7.000001"),
            (43_200_000, "12"),
            (57_698_000, "16.027222"),
            (86_400_000, "24"),
            (123_456_789, "34.293552"),
            (u64::MAX, "5124095576030.431004"),
        ] {
            assert_eq!(hours(millis), expected, "{millis} ms");
            let taken_away = -i128::from(millis);
            let sign = if expected == "0" { "" } else { "-" };
            assert_eq!(hours(taken_away), format!("{sign}{expected}"), "{taken_away} ms");
        }
    }
}
