//! Inputs made of other inputs.

use crate::Dice;

/// Bytes and numbers at which readers change their minds.
const EDGES: &[&str] = &[
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\"",
    "\"\"",
    "'",
    ",",
    ";",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    "-",
    "+",
    "&",
    "=",
    "%",
    "%00",
    "%C3",
    "\u{feff}",
    "\u{e9}",
    "0",
    "-1",
    "1.0",
    "1e3",
    "NULL",
    "\\N",
    "null",
    "true",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551616",
    "0000-00-00",
    "1970-01-01 00:00:00",
    "2026-02-29 24:00:00",
    "9999-12-31T23:59:59.999-18:00",
];

/// Makes an input out of `inputs`: one of them with a few changes.
pub(crate) fn mutate(
    inputs: &[Vec<u8>],
    words: &[&str],
    bytes_max: usize,
    dice: &mut Dice,
) -> Vec<u8> {
    let mut input = dice.pick(inputs).clone();
    // Mostly one change: two at once hide each other.
    let changes = 1 + dice.below(4).saturating_sub(1) * dice.below(3);
    for _ in 0..changes {
        change(&mut input, inputs, words, dice);
    }
    input.truncate(bytes_max);
    input
}

fn change(input: &mut Vec<u8>, inputs: &[Vec<u8>], words: &[&str], dice: &mut Dice) {
    let at = dice.index(input.len() + 1);
    match dice.below(12) {
        0 | 1 if at < input.len() => input[at] ^= 1 << dice.below(8),
        2 if at < input.len() => input[at] = dice.byte(),
        3 => input.insert(at, dice.byte()),
        4 => drop(input.drain(stretch(input.len(), at, dice))),
        5 => {
            let again = input[stretch(input.len(), at, dice)].to_vec();
            input.splice(at..at, again);
        }
        6 => input.truncate(at),
        7 => {
            // The beginning of one and the end of another.
            let other = dice.pick(inputs);
            let from = dice.index(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        8 => change_number(input, dice),
        9 => {
            let (from, to) = (stretch(input.len(), at, dice), dice.index(input.len() + 1));
            let moved: Vec<u8> = input.drain(from).collect();
            let to = to.min(input.len());
            input.splice(to..to, moved);
        }
        10 if !words.is_empty() => put(input, at, dice.pick(words).as_bytes(), dice),
        _ => put(input, at, dice.pick(EDGES).as_bytes(), dice),
    }
}

/// Puts a word in, before what is there or in its place.
fn put(input: &mut Vec<u8>, at: usize, word: &[u8], dice: &mut Dice) {
    let over = if dice.below(2) == 0 { 0 } else { word.len() };
    let end = (at + over).min(input.len());
    input.splice(at..end, word.iter().copied());
}

/// A stretch from `at` on, mostly short.
fn stretch(length: usize, at: usize, dice: &mut Dice) -> std::ops::Range<usize> {
    let most = [4, 16, 64, 1024][dice.index(4)];
    at..(at + 1 + dice.index(most)).min(length).max(at)
}

/// Changes a run of digits, or a few bytes that may be a number of a binary format.
fn change_number(input: &mut Vec<u8>, dice: &mut Dice) {
    if input.is_empty() {
        return;
    }
    let from = dice.index(input.len());
    let digits = (from..input.len()).find(|at| input[*at].is_ascii_digit());
    match digits {
        Some(start) if dice.below(3) > 0 => {
            let end = (start..input.len()).find(|at| !input[*at].is_ascii_digit());
            let number = match dice.below(3) {
                0 => dice.below(100),
                1 => dice.draw(),
                _ => u64::MAX >> dice.below(64),
            };
            input.splice(start..end.unwrap_or(input.len()), number.to_string().into_bytes());
        }
        _ => {
            let bytes = (u64::MAX >> dice.below(64)).wrapping_add(dice.below(2)).to_le_bytes();
            let width = [1, 2, 4, 8][dice.index(4)].min(input.len() - from);
            input[from..from + width].copy_from_slice(&bytes[..width]);
        }
    }
}
