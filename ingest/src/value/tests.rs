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
