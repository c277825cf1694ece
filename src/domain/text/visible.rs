//! Whether a reader can tell the characters of a name: none hides, and none turns the others round.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        BidiControl, DefaultIgnorableCodePoint, Emoji, GeneralCategory, NoncharacterCodePoint,
        PrependedConcatenationMark,
    },
};

use crate::domain::{Error, Result};

/// Shows the emoji before it in colour, or as text.
const PRESENTATIONS: [char; 2] = ['\u{fe0e}', '\u{fe0f}'];
/// Joins the emoji on both sides of it.
const JOINER: char = '\u{200d}';
/// A cell of Braille with no dots: drawn as a space, although Unicode counts it as a symbol.
const BLANK: char = '\u{2800}';

/// Refuses `text`, which `what` names, if a character of it hides, or if none shows.
pub(super) fn check(what: &str, text: &str) -> Result<()> {
    let chars: Vec<char> = text.chars().collect();
    for (at, char) in chars.iter().copied().enumerate() {
        if char.is_control() {
            return Err(Error::invalid(format!(
                "{what} has no line breaks or control characters."
            )));
        }
        if hides(char) && !is_part_of_emoji(&chars, at) {
            return Err(Error::invalid(format!(
                "{what} has no invisible characters and none that turn the direction of writing; \
                 character {} is one (U+{:04X}).",
                at + 1,
                u32::from(char),
            )));
        }
    }
    if chars.into_iter().any(shows) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{what} has at least one visible character."
    )))
}

fn category(char: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(char)
}

fn hides(char: char) -> bool {
    let format = match category(char) {
        GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => true,
        // All formatting but signs that are drawn round the digits after them.
        GeneralCategory::Format => {
            !CodePointSetData::new::<PrependedConcatenationMark>().contains(char)
        }
        _ => false,
    };
    format
        || char == BLANK
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(char)
        || CodePointSetData::new::<BidiControl>().contains(char)
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(char)
}

/// Whether what stands at `at` only says how the emoji beside it are drawn.
fn is_part_of_emoji(chars: &[char], at: usize) -> bool {
    let emoji = |at: Option<usize>| {
        let char = at.and_then(|at| chars.get(at));
        char.is_some_and(|char| CodePointSetData::new::<Emoji>().contains(*char))
    };
    let before = at.checked_sub(1);
    match chars.get(at) {
        // A digit is one as well: of a keycap.
        Some(char) if PRESENTATIONS.contains(char) => emoji(before),
        Some(&JOINER) => {
            let drawn = before.and_then(|at| chars.get(at)) == Some(&'\u{fe0f}');
            let left = if drawn { at.checked_sub(2) } else { before };
            let digit = |at: Option<usize>| {
                let char = at.and_then(|at| chars.get(at));
                char.is_some_and(char::is_ascii)
            };
            let right = at.checked_add(1);
            emoji(left) && emoji(right) && !digit(left) && !digit(right)
        }
        _ => false,
    }
}

/// Whether `char` draws something by itself.
fn shows(char: char) -> bool {
    let mark = matches!(
        category(char),
        GeneralCategory::NonspacingMark
            | GeneralCategory::SpacingMark
            | GeneralCategory::EnclosingMark
    );
    !mark && !char.is_whitespace() && !hides(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_turns_is_refused() {
        for bad in [
            "a\u{200b}b",        // zero width space
            "a\u{200d}b",        // joiner between letters
            "1\u{200d}2",        // and between digits
            "\u{202e}gpj.exe",   // right-to-left override
            "\u{2066}a\u{2069}", // isolates
            "a\u{61c}",          // Arabic letter mark
            "a\u{ad}b",          // soft hyphen
            "\u{3164}",          // Hangul filler
            "a\u{2028}b",        // line separator
            "a\u{feff}",         // byte order mark
            "a\u{fe0f}",         // emoji presentation of a letter
            "\u{e0061}",         // tag
            "\u{2800}\u{2800}",  // Braille without dots
            "a\u{fff9}b",        // interlinear annotation
            "a\u{fffe}b",        // no character
            "\u{301}",           // a mark on nothing
            "a\u{85}b",          // control
        ] {
            assert!(check("A name", bad).is_err(), "{}", bad.escape_unicode());
        }
    }

    #[test]
    fn what_shows_is_kept() {
        for good in [
            "a b",
            "日本\u{3000}語",
            "🗄\u{fe0f}",
            "👨\u{200d}👩\u{200d}👧",
            "🏳\u{fe0f}\u{200d}🌈",
            "1\u{fe0f}\u{20e3}",
            "שלום",
            "हिन्दी",
            "\u{600}12",
            "'; --",
        ] {
            assert!(check("A name", good).is_ok(), "{good}");
        }
    }
}
