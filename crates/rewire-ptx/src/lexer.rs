//! A text as tokens, each with its line and column.
//!
//! Dots belong to words: `.reg`, `%tid.x` and `mma.sp::ordered_metadata.sync` are one word each.
//! What the parts of a word mean is for those who read it.

use crate::error::{Flaw, Place, PtxErrorKind};

/// One token and where it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind<'a>,
    pub(crate) place: Place,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TokenKind<'a> {
    Word(&'a str),
    Integer(u64),
    /// `0f3F800000`, the bits of a single.
    Single(u32),
    /// `0d3FF0000000000000` or a decimal number, the bits of a double.
    Double(u64),
    Text(&'a str),
    Mark(char),
    End,
}

impl TokenKind<'_> {
    /// How an error message calls the token.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Integer(value) => format!("the number {value}"),
            Self::Single(bits) => format!("the number {}", f32::from_bits(*bits)),
            Self::Double(bits) => format!("the number {}", f64::from_bits(*bits)),
            Self::Text(text) => format!("{text:?}"),
            Self::Mark(mark) => format!("`{mark}`"),
            Self::End => "the end of the text".into(),
        }
    }
}

/// The tokens of `text`, closed by [`TokenKind::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Flaw> {
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
        column: 1,
        counted: 0,
    };
    let mut found = Vec::with_capacity(text.len() / 4);
    loop {
        let token = lexer.next_token()?;
        found.push(token);
        if token.kind == TokenKind::End {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    /// The column of `counted`, which no token begins before.
    column: u32,
    counted: usize,
}

fn begins_word(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | '$' | '%' | '.')
}

fn continues_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.')
}

impl<'a> Lexer<'a> {
    fn next_token(&mut self) -> Result<Token<'a>, Flaw> {
        self.skip_blanks()?;
        let place = self.place();
        let Some(first) = self.rest().chars().next() else {
            return Ok(Token {
                kind: TokenKind::End,
                place,
            });
        };
        let kind = if begins_word(first) {
            TokenKind::Word(self.word())
        } else if first.is_ascii_digit() {
            self.number(place)?
        } else if first == '"' {
            let body = &self.rest()[1..];
            let length = body
                .find(['"', '\n'])
                .filter(|&end| body[end..].starts_with('"'))
                .ok_or_else(|| place.flaw(PtxErrorKind::Unterminated("string")))?;
            self.at += length + 2;
            TokenKind::Text(&body[..length])
        } else if "{}[](),;:+-!@|=<>~*/&^".contains(first) {
            self.at += 1;
            TokenKind::Mark(first)
        } else {
            return Err(place.flaw(PtxErrorKind::Character(first)));
        };
        Ok(Token { kind, place })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Each character is counted once, however long its line is.
    fn place(&mut self) -> Place {
        let passed = self.text[self.counted..self.at].chars().count();
        self.column += passed as u32;
        self.counted = self.at;
        Place {
            line: self.line,
            column: self.column,
        }
    }

    /// Passes over `length` bytes, counting lines.
    fn pass(&mut self, length: usize) {
        let end = self.at + length;
        for (index, _) in self.text[self.at..end].match_indices('\n') {
            self.line += 1;
            self.column = 1;
            self.counted = self.at + index + 1;
        }
        self.at = end;
    }

    fn skip_blanks(&mut self) -> Result<(), Flaw> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start().len();
            self.pass(blanks);
            let rest = self.rest();
            if rest.starts_with("//") {
                self.pass(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                let end = rest
                    .find("*/")
                    .ok_or_else(|| self.place().flaw(PtxErrorKind::Unterminated("comment")))?;
                self.pass(end + 2);
            } else {
                return Ok(());
            }
        }
    }

    /// A word; `::` belongs to it if more follows, a single colon ends a label.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut end = 1;
        while end < bytes.len() {
            if continues_word(bytes[end] as char) {
                end += 1;
            } else if bytes[end..].starts_with(b"::")
                && bytes.get(end + 2).is_some_and(u8::is_ascii_alphanumeric)
            {
                end += 2;
            } else {
                break;
            }
        }
        self.at += end;
        &rest[..end]
    }

    fn number(&mut self, place: Place) -> Result<TokenKind<'a>, Flaw> {
        let rest = self.rest();
        let mut end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
            .unwrap_or(rest.len());
        // The sign of a decimal exponent.
        let decimal = rest[..end].contains('.') && rest[..end].ends_with(['e', 'E']);
        if decimal && rest[end..].starts_with(['+', '-']) {
            end += 1 + rest[end + 1..]
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len() - end - 1);
        }
        let text = &rest[..end];
        self.at += end;
        parse_number(text).ok_or_else(|| place.flaw(PtxErrorKind::Number(text.to_owned())))
    }
}

fn parse_number<'a>(text: &str) -> Option<TokenKind<'a>> {
    let prefixed = |length| text.get(..length).map(str::to_ascii_lowercase);
    match prefixed(2).as_deref() {
        Some("0f") if text.len() == 10 => {
            return u32::from_str_radix(&text[2..], 16)
                .ok()
                .map(TokenKind::Single);
        }
        Some("0d") if text.len() == 18 => {
            return u64::from_str_radix(&text[2..], 16)
                .ok()
                .map(TokenKind::Double);
        }
        _ => {}
    }
    if text.contains('.') {
        let value: f64 = text.parse().ok()?;
        return Some(TokenKind::Double(value.to_bits()));
    }
    let digits = text.trim_end_matches('U');
    let value = match prefixed(2).as_deref() {
        Some("0x") => u64::from_str_radix(&digits[2..], 16),
        Some("0b") => u64::from_str_radix(&digits[2..], 2),
        _ if digits.len() > 1 && digits.starts_with('0') => u64::from_str_radix(&digits[1..], 8),
        _ => digits.parse(),
    };
    value.ok().map(TokenKind::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind<'_>> {
        tokens(text)
            .expect("the text is made of tokens")
            .iter()
            .map(|token| token.kind)
            .collect()
    }

    #[test]
    fn words_keep_their_dots_and_labels_lose_their_colon() {
        use TokenKind::{End, Integer, Mark, Word};
        assert_eq!(
            kinds("L1: mma.sp::ordered_metadata.sync %r<10>; %tid.x"),
            [
                Word("L1"),
                Mark(':'),
                Word("mma.sp::ordered_metadata.sync"),
                Word("%r"),
                Mark('<'),
                Integer(10),
                Mark('>'),
                Mark(';'),
                Word("%tid.x"),
                End
            ]
        );
    }

    #[test]
    fn numbers_have_five_spellings() {
        use TokenKind::{Double, End, Integer, Single};
        assert_eq!(
            kinds("10 0x1F 017 0b101 0f3F800000 1.5 2.0e-1 7U"),
            [
                Integer(10),
                Integer(31),
                Integer(15),
                Integer(5),
                Single(0x3F80_0000),
                Double(1.5f64.to_bits()),
                Double(0.2f64.to_bits()),
                Integer(7),
                End
            ]
        );
        for wrong in ["0x", "12ab", "99999999999999999999", "1.2.3", "08"] {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn places_count_lines_and_characters() {
        let flaw = tokens("ab /* ü\n */ // x\n  ü").expect_err("ü begins no token");
        assert_eq!((flaw.place.line, flaw.place.column), (3, 3));
    }
}
