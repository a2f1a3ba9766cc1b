//! The values of one row of a statement: `(1,'VM.START',NULL,0x41,_binary 'x')`.

use super::table::Cells;

/// The result of reading some bytes that begin with a tuple.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A tuple of so many bytes.
    Whole(usize),
    /// The bytes end within it.
    Unfinished,
    /// A value is none that can be read: so many bytes are sound before it.
    Bad(usize, &'static str),
}

/// Why a value stopped being read.
enum Halt {
    Unfinished,
    Bad(&'static str),
}

/// Reads the tuple that some bytes begin with into cells.
pub(super) fn parse(bytes: &[u8], cells: &mut Cells) -> Parsed {
    cells.clear();
    let mut at = 1;
    loop {
        at += blanks(&bytes[at..]);
        match value(&bytes[at..], cells) {
            Ok(length) => at += length,
            Err(Halt::Unfinished) => return Parsed::Unfinished,
            Err(Halt::Bad(reason)) => return Parsed::Bad(at, reason),
        }
        at += blanks(&bytes[at..]);
        match bytes.get(at) {
            Some(b',') => at += 1,
            Some(b')') => return Parsed::Whole(at + 1),
            Some(_) => return Parsed::Bad(at, "a value is no literal"),
            None => return Parsed::Unfinished,
        }
    }
}

fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Reads one value and returns its length.
fn value(bytes: &[u8], cells: &mut Cells) -> Result<usize, Halt> {
    match bytes {
        [] => Err(Halt::Unfinished),
        [quote @ (b'\'' | b'"'), ..] => string(bytes, *quote, cells),
        [b'0', b'x', digits @ ..] => Ok(2 + hex(digits, None, cells)?),
        [b'x' | b'X', b'\'', digits @ ..] => Ok(2 + hex(digits, Some(b'\''), cells)?),
        [b'b' | b'B', b'\'', digits @ ..] => Ok(2 + bits(digits, cells)?),
        [b'0'..=b'9' | b'-' | b'+' | b'.', ..] => number(bytes, cells),
        [b'_' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'x' | b'X' | b'b' | b'B', ..] => {
            word(bytes, cells)
        }
        _ => Err(Halt::Bad("a value is no literal")),
    }
}

fn number(bytes: &[u8], cells: &mut Cells) -> Result<usize, Halt> {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    let length = bytes.iter().take_while(is_part).count();
    if length == bytes.len() {
        return Err(Halt::Unfinished);
    }
    cells.extend(&bytes[..length]);
    cells.end();
    Ok(length)
}

/// Reads `NULL`, `TRUE`, `FALSE` or a string with its character set before it.
fn word(bytes: &[u8], cells: &mut Cells) -> Result<usize, Halt> {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    let length = bytes.iter().take_while(is_part).count();
    if length == bytes.len() {
        return Err(Halt::Unfinished);
    }
    let word = &bytes[..length];
    if word.eq_ignore_ascii_case(b"null") {
        cells.end_null();
    } else if word.eq_ignore_ascii_case(b"true") || word.eq_ignore_ascii_case(b"false") {
        cells.push(if word.eq_ignore_ascii_case(b"true") { b'1' } else { b'0' });
        cells.end();
    } else if word[0] == b'_' || word.eq_ignore_ascii_case(b"n") {
        let at = length + blanks(&bytes[length..]);
        return Ok(at + value(&bytes[at..], cells)?);
    } else {
        return Err(Halt::Bad("a value is no literal"));
    }
    Ok(length)
}

/// Reads a string: quotes inside are doubled or escaped by a backslash.
fn string(bytes: &[u8], quote: u8, cells: &mut Cells) -> Result<usize, Halt> {
    let mut at = 1;
    loop {
        let rest = &bytes[at..];
        let plain = rest.iter().position(|byte| *byte == quote || *byte == b'\\');
        let Some(plain) = plain else { return Err(Halt::Unfinished) };
        cells.extend(&rest[..plain]);
        at += plain;
        let Some(next) = bytes.get(at + 1) else { return Err(Halt::Unfinished) };
        if bytes[at] == b'\\' {
            match next {
                b'0' => cells.push(0),
                b'n' => cells.push(b'\n'),
                b'r' => cells.push(b'\r'),
                b't' => cells.push(b'\t'),
                b'b' => cells.push(8),
                b'Z' => cells.push(26),
                other => cells.push(*other),
            }
            at += 2;
        } else if *next == quote {
            cells.push(quote);
            at += 2;
        } else {
            cells.end();
            return Ok(at + 1);
        }
    }
}

/// Reads hexadecimal digits, through `close` if there is one.
fn hex(digits: &[u8], close: Option<u8>, cells: &mut Cells) -> Result<usize, Halt> {
    let length = digits.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let Some(next) = digits.get(length) else { return Err(Halt::Unfinished) };
    if close.is_some_and(|close| close != *next) {
        return Err(Halt::Bad("a value is no literal"));
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0);
    // An odd number of digits has a zero before it.
    let (first, pairs) = digits[..length].split_at(length % 2);
    first.iter().for_each(|byte| cells.push(u8::try_from(digit(*byte)).unwrap_or(0)));
    for pair in pairs.chunks(2) {
        cells.push(u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap_or(0));
    }
    cells.end();
    Ok(length + usize::from(close.is_some()))
}

/// Reads the digits of a column of bits, as a number.
fn bits(digits: &[u8], cells: &mut Cells) -> Result<usize, Halt> {
    let length = digits.iter().take_while(|byte| matches!(byte, b'0' | b'1')).count();
    match digits.get(length) {
        None => Err(Halt::Unfinished),
        Some(b'\'') if length <= 64 => {
            let number = digits[..length].iter().fold(0u64, |n, bit| n << 1 | u64::from(bit & 1));
            cells.extend(number.to_string().as_bytes());
            cells.end();
            Ok(length + 1)
        }
        Some(_) => Err(Halt::Bad("a value is no literal")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Parsed, Vec<Option<Vec<u8>>>) {
        let mut cells = Cells::default();
        let parsed = parse(text.as_bytes(), &mut cells);
        let all = (0..cells.len()).map(|at| cells.get(at).map(<[u8]>::to_vec)).collect();
        (parsed, all)
    }

    #[test]
    fn values_of_every_kind() {
        let text =
            r"(1, -2.5e3,NULL,'it''s \'x\' \\ \n\0', _binary '\Z',0x414,X'42',b'101',true,'');";
        let (result, cells) = parsed(text);
        assert_eq!(result, Parsed::Whole(text.len() - 1));
        let expected: [Option<&[u8]>; 10] = [
            Some(b"1"),
            Some(b"-2.5e3"),
            None,
            Some(b"it's 'x' \\ \n\0"),
            Some(b"\x1a"),
            Some(b"\x04\x14"),
            Some(b"B"),
            Some(b"5"),
            Some(b"1"),
            Some(b""),
        ];
        assert_eq!(cells.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_cut_of_a_tuple_is_unfinished() {
        let text = r"(1,NULL,'a''b\\',_utf8mb4'x',0x41,b'1',X'4142',12)";
        for length in 1..text.len() {
            assert_eq!(parsed(&text[..length]).0, Parsed::Unfinished, "{}", &text[..length]);
        }
        assert_eq!(parsed(text).0, Parsed::Whole(text.len()));
    }

    #[test]
    fn calls_are_no_values() {
        for text in ["(1,NOW())", "(CAST(1 AS CHAR))", "(1,@x)", "(1 2)", "(x'4g')"] {
            assert!(matches!(parsed(text).0, Parsed::Bad(..)), "{text}");
        }
    }
}
