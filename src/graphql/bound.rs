//! Bounds that hold before anything reads a text that it walks into: one pass over its characters,
//! without recursion, that counts how deep brackets nest. Parsers of documents, of JSON and what
//! walks through their trees go as deep as the text does, and end the process where that is too
//! deep.

use std::fmt;

use crate::{domain::ErrorCode, limits::Limits};

/// How deep the brackets of a document or of JSON may nest: selections, arguments, lists, objects.
pub const MAX_NESTING: usize = 64;

/// Why a text is not read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// It is too long: what it may be.
    Bytes(u32),
    /// It has too many tokens: how many it may have.
    Tokens(u32),
    /// Its brackets nest too deep.
    Nesting,
    /// A string in it does not end.
    OpenString,
}

impl Excess {
    /// The code that callers see.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::OpenString => ErrorCode::GraphqlParseFailed,
            Self::Bytes(_) | Self::Tokens(_) | Self::Nesting => ErrorCode::QueryTooComplex,
        }
    }

    /// The figure that it went beyond.
    pub fn limit(self) -> Option<u64> {
        match self {
            Self::Bytes(limit) | Self::Tokens(limit) => Some(limit.into()),
            Self::Nesting => u64::try_from(MAX_NESTING).ok(),
            Self::OpenString => None,
        }
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(limit) => write!(f, "The document is longer than {limit} bytes."),
            Self::Tokens(limit) => write!(f, "The document has more than {limit} tokens."),
            Self::Nesting => write!(f, "Brackets nest more than {MAX_NESTING} levels deep."),
            Self::OpenString => f.write_str("A string in the document does not end."),
        }
    }
}

/// Whether the text of a document may be parsed. A string without an end is refused here: parsers
/// disagree on what its brackets are.
pub fn document(text: &str, limits: &Limits) -> Result<(), Excess> {
    let within = u32::try_from(text.len()).is_ok_and(|bytes| bytes <= limits.max_document_bytes);
    if !within {
        return Err(Excess::Bytes(limits.max_document_bytes));
    }
    let mut rest = text.as_bytes();
    let mut nesting = Nesting::default();
    let mut tokens: u32 = 0;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                rest = after;
                continue;
            }
            b'#' => {
                rest = beyond(after, |byte| !matches!(byte, b'\n' | b'\r'));
                continue;
            }
            b'"' => string(rest)?,
            _ if is_word(byte) => beyond(after, is_word),
            _ => {
                nesting.meet(byte)?;
                after
            }
        };
        tokens += 1;
        if tokens > limits.max_tokens {
            return Err(Excess::Tokens(limits.max_tokens));
        }
    }
    Ok(())
}

/// Whether a text may be read as JSON, as far as its nesting goes.
pub fn json(text: &[u8]) -> Result<(), Excess> {
    let mut nesting = Nesting::default();
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte == b'"' {
            while let Some(&byte) = bytes.next() {
                match byte {
                    b'"' => break,
                    b'\\' => {
                        bytes.next();
                    }
                    _ => {}
                }
            }
        } else {
            nesting.meet(byte)?;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Nesting(usize);

impl Nesting {
    fn meet(&mut self, byte: u8) -> Result<(), Excess> {
        match byte {
            b'{' | b'[' | b'(' => self.0 += 1,
            b'}' | b']' | b')' => self.0 = self.0.saturating_sub(1),
            _ => {}
        }
        if self.0 > MAX_NESTING {
            return Err(Excess::Nesting);
        }
        Ok(())
    }
}

/// Part of a name or a number, or of what is neither: a character beyond ASCII.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.') || !byte.is_ascii()
}

fn beyond(text: &[u8], inside: impl Fn(u8) -> bool) -> &[u8] {
    let end = text.iter().position(|byte| !inside(*byte));
    end.map_or(&[], |end| &text[end..])
}

/// What follows the string at the beginning of `text`.
fn string(text: &[u8]) -> Result<&[u8], Excess> {
    const BLOCK: &[u8] = b"\"\"\"";
    const ESCAPED: &[u8] = b"\\\"\"\"";
    if let Some(mut rest) = text.strip_prefix(BLOCK) {
        loop {
            if let Some(rest) = rest.strip_prefix(BLOCK) {
                return Ok(rest);
            }
            rest = match rest.strip_prefix(ESCAPED) {
                Some(rest) => rest,
                None => rest.get(1..).ok_or(Excess::OpenString)?,
            };
        }
    }
    let mut bytes = text.iter().enumerate().skip(1);
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'"' => return Ok(&text[at + 1..]),
            b'\\' => {
                bytes.next();
            }
            b'\n' | b'\r' => break,
            _ => {}
        }
    }
    Err(Excess::OpenString)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(), Excess> {
        document(text, &Limits::DEFAULT)
    }

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn every_construct_nests_only_so_deep() {
        assert_eq!(read(&nested(MAX_NESTING)), Ok(()));
        let deep = nested(MAX_NESTING + 1);
        for text in [
            deep.clone(),
            format!("query ($a: {deep}) {{ a }}"),
            format!("\"# [\" {deep}"),
            format!("# it's a \"comment\r{deep}"),
            format!("\"\"\" a \\\"\"\" \"\" b \"\"\" {deep}"),
            format!("\"\\\\\" {deep}"),
            format!("\"\" {deep}"),
            "{a".repeat(MAX_NESTING + 1),
            "(a:".repeat(MAX_NESTING + 1),
            "a ]}) [".repeat(2) + &"{a:[".repeat(MAX_NESTING),
        ] {
            assert_eq!(read(&text), Err(Excess::Nesting), "{text}");
        }
    }

    #[test]
    fn brackets_in_strings_and_comments_are_text() {
        let deep = "[{(".repeat(100);
        for text in [
            format!("\"{deep}\""),
            format!("\"\\\"{deep}\""),
            format!("\"\"\"\"{deep}\n \\\"\"\"{deep}\"\"\""),
            format!("#{deep}"),
        ] {
            assert_eq!(read(&text), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_string_without_an_end_is_no_way_round() {
        let deep = nested(100);
        for text in [
            format!("[\"\"\"\"{deep}"),
            format!("\"{deep}"),
            format!("\"a\n{deep}\""),
            "\"\\".to_owned(),
            "\"\"\"".to_owned(),
        ] {
            assert_eq!(read(&text), Err(Excess::OpenString), "{text}");
        }
    }

    #[test]
    fn a_document_is_only_so_long() {
        assert_eq!(read(&" ".repeat(100_001)), Err(Excess::Bytes(100_000)));
        assert_eq!(read(&"a ".repeat(10_001)), Err(Excess::Tokens(10_000)));
        assert_eq!(read(&"a!".repeat(5_000)), Ok(()));
    }

    #[test]
    fn json_nests_only_so_deep() {
        assert_eq!(json(nested(MAX_NESTING).as_bytes()), Ok(()));
        for text in [
            nested(MAX_NESTING + 1),
            "{\"a\":".repeat(200_000),
            format!("\"\\\\\"{}", nested(MAX_NESTING + 1)),
        ] {
            assert_eq!(json(text.as_bytes()), Err(Excess::Nesting));
        }
        let text = format!("[\"\\\"{}\"", "[".repeat(1_000));
        assert_eq!(json(text.as_bytes()), Ok(()));
    }
}
