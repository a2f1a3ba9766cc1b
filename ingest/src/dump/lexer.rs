//! The pieces of statements: words, names, comments, strings that are passed over.

use std::io::Read;

use super::source::Source;
use crate::window::Window;

/// Bytes of a name or a word.
const WORD_BYTES_MAX: usize = 256;

/// A piece of a statement before its values.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word without quotes.
    Word(String),
    /// A name in quotes.
    Name(String),
    Symbol(u8),
    End,
}

impl Token {
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if found.eq_ignore_ascii_case(word))
    }

    pub(super) fn name(self) -> Option<String> {
        match self {
            Self::Word(name) | Self::Name(name) => Some(name),
            Self::Symbol(_) | Self::End => None,
        }
    }
}

/// Takes statements apart as far as their values.
pub(super) struct Lexer<'w, R> {
    pub(super) source: Source<'w, R>,
    /// True once the heading of a dump came, which promises a closing line.
    promised: bool,
    closed: bool,
}

impl<'w, R: Read> Lexer<'w, R> {
    pub(super) fn new(window: &'w mut Window<R>) -> Self {
        Self { source: Source::new(window), promised: false, closed: false }
    }

    /// True if the closing line that the heading promised has not come.
    pub(super) fn is_unclosed(&self) -> bool {
        self.promised && !self.closed
    }

    /// Passes over blanks and comments.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            self.source.skip_while(|byte| byte.is_ascii_whitespace());
            if self.source.is_next(b"/*") {
                self.source.skip_through(b"*/");
            } else if self.source.is_next(b"--") || self.source.is_next(b"#") {
                if self.source.is_next(b"-- MySQL dump") || self.source.is_next(b"-- MariaDB dump")
                {
                    // One dump may stand behind another.
                    (self.promised, self.closed) = (true, false);
                }
                self.closed |= self.source.is_next(b"-- Dump completed");
                self.source.skip_through(b"\n");
            } else {
                return;
            }
        }
    }

    /// Takes the next piece.
    pub(super) fn token(&mut self) -> Token {
        self.skip_blanks();
        match self.source.peek() {
            None => Token::End,
            Some(quote @ (b'`' | b'"')) => Token::Name(self.quoted(quote)),
            Some(byte) if is_word(byte) => {
                let mut word = Vec::new();
                while let Some(byte) = self.source.peek().filter(|byte| is_word(*byte)) {
                    self.source.consume(1);
                    if word.len() < WORD_BYTES_MAX {
                        word.push(byte);
                    }
                }
                Token::Word(String::from_utf8_lossy(&word).into_owned())
            }
            Some(byte) => {
                self.source.consume(1);
                Token::Symbol(byte)
            }
        }
    }

    fn quoted(&mut self, quote: u8) -> String {
        let mut name = Vec::new();
        self.source.consume(1);
        while let Some(byte) = self.source.peek() {
            self.source.consume(1);
            if byte == quote {
                if self.source.peek() != Some(quote) {
                    break;
                }
                self.source.consume(1);
            }
            if name.len() < WORD_BYTES_MAX {
                name.push(byte);
            }
        }
        String::from_utf8_lossy(&name).into_owned()
    }

    /// Passes over the rest of a list of values, with the brackets inside it.
    pub(super) fn skip_tuple(&mut self) {
        let mut depth = 0;
        while let Some(byte) = self.source.peek() {
            match byte {
                b'(' => depth += 1,
                b')' if depth == 0 => return self.source.consume(1),
                b')' => depth -= 1,
                b'\'' | b'"' => {
                    self.source.consume(1);
                    self.skip_string(byte);
                    continue;
                }
                // Nothing is behind the end of a statement, whatever was open.
                b';' => return,
                _ => {}
            }
            self.source.consume(1);
        }
    }

    /// Passes over the rest of a string.
    pub(super) fn skip_string(&mut self, quote: u8) {
        loop {
            self.source.skip_while(|byte| byte != quote && byte != b'\\');
            match self.source.peek() {
                None => return,
                Some(b'\\') => {
                    self.source.consume(1);
                    if self.source.peek().is_some() {
                        self.source.consume(1);
                    }
                }
                Some(_) => {
                    self.source.consume(1);
                    // A doubled quote begins the string anew.
                    if self.source.peek() != Some(quote) {
                        return;
                    }
                    self.source.consume(1);
                }
            }
        }
    }

    /// Passes over the rest of a statement; false if the input ends within it.
    pub(super) fn skip_statement(&mut self) -> bool {
        loop {
            self.source.skip_while(|byte| {
                !matches!(byte, b';' | b'\'' | b'"' | b'`' | b'/' | b'-' | b'#')
            });
            match self.source.peek() {
                None => return false,
                Some(b';') => {
                    self.source.consume(1);
                    return true;
                }
                Some(quote @ (b'\'' | b'"')) => {
                    self.source.consume(1);
                    self.skip_string(quote);
                }
                Some(b'`') => drop(self.quoted(b'`')),
                Some(b'/') if self.source.is_next(b"/*") => {
                    self.source.skip_through(b"*/");
                }
                Some(b'-') if self.source.is_next(b"-- ") => {
                    self.source.skip_through(b"\n");
                }
                Some(b'#') => {
                    self.source.skip_through(b"\n");
                }
                Some(_) => self.source.consume(1),
            }
        }
    }

    /// Passes over triggers and routines, which have delimiters of their own.
    pub(super) fn skip_routines(&mut self) {
        let is_blank = |byte: u8| byte == b' ' || byte == b'\t';
        self.source.skip_while(is_blank);
        while self.source.peek().is_some_and(|byte| byte != b';' || self.source.is_next(b";;")) {
            if !self.source.skip_through(b"\nDELIMITER ") {
                return;
            }
            self.source.skip_while(is_blank);
        }
        self.source.skip_through(b"\n");
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}
