//! What users type: names and reasons, trimmed and checked.

mod visible;

use chrono::{DateTime, SecondsFormat, Utc};
use entity::name::composed;

use super::{Error, Result, guard::Refusal};

/// The most characters of a name.
pub const MAX_NAME_CHARS: usize = 128;
/// The most bytes of a path (`PATH_MAX` of Linux, less its NUL).
const MAX_PATH_BYTES: usize = 4095;
/// The most characters of a reason.
pub const MAX_REASON_CHARS: usize = 1000;

/// A name: composed (NFC), 1 to 128 characters after trimming, all of which a reader can tell.
pub fn name(text: &str) -> Result<String> {
    let name = composed(text.trim());
    check_length("A name", &name, MAX_NAME_CHARS)?;
    visible::check("A name", &name)?;
    Ok(name)
}

/// The name that was given, or one made of `noun` and the time.
pub fn name_or(text: Option<&str>, noun: &str, now: DateTime<Utc>) -> Result<String> {
    text.map_or_else(|| Ok(default_name(noun, now)), name)
}

/// Why something is done, for the timeline.
pub fn reason(text: &str) -> Result<String> {
    let text = text.trim();
    check_length("A reason", text, MAX_REASON_CHARS)?;
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(
            "A reason has no line breaks or control characters.",
        ));
    }
    Ok(text.to_owned())
}

/// What a program said, fit to be kept and read: control characters become spaces (PostgreSQL keeps
/// no NUL in a text, and no reader wants the others), and what is longer than `most` is cut.
pub fn printable(text: &str, most: usize) -> String {
    text.chars()
        .take(most)
        .map(|char| {
            if char.is_control() && char != '\n' && char != '\t' {
                ' '
            } else {
                char
            }
        })
        .collect()
}

/// The value of `field`, a path on another machine: absolute, with no step up and no control
/// characters.
pub fn absolute_path(field: &str, text: &str) -> Result<String> {
    if text.starts_with('/') && is_path(text) {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(format!(
        "`{field}` is an absolute path without \"..\" and without control characters."
    )))
}

/// The value of `field`, a path below another one: relative, with no empty part, no step up and no
/// control characters.
pub fn relative_path(field: &str, text: &str) -> Result<String> {
    let text = text.trim_end_matches('/');
    if is_path(text) && !text.split('/').any(|part| part.is_empty() || part == ".") {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(format!(
        "`{field}` is a relative path without \".\" and \"..\" and without control characters."
    )))
}

fn is_path(text: &str) -> bool {
    let climbs = text.split('/').any(|part| part == "..");
    !climbs && text.len() <= MAX_PATH_BYTES && !text.chars().any(char::is_control)
}

/// The value of `field`, a key or a password of at most `most` characters that a program made. What
/// is wrong with it is said, never itself.
pub fn credential(field: &str, text: &str, most: usize) -> Result<String> {
    let plain = text.chars().all(|char| char.is_ascii_graphic());
    if plain && !text.is_empty() && text.len() <= most {
        return Ok(text.to_owned());
    }
    Err(Error::invalid(format!(
        "`{field}` has 1 to {most} ASCII letters, digits and punctuation marks, and no spaces or \
         line breaks."
    )))
}

/// Whether the typed name is the name of what would be changed, however its letters are composed.
pub fn confirm(typed: &str, name: &str) -> Result<()> {
    if composed(typed.trim()) == composed(name.trim()) {
        Ok(())
    } else {
        Err(Refusal::ConfirmationMismatch(name.to_owned()).into())
    }
}

/// The name of a volume that was restored from one named `source`, cut to fit.
pub fn restored_name(source: &str, now: DateTime<Utc>) -> String {
    let suffix = default_name(" restored", now);
    let room = MAX_NAME_CHARS - suffix.chars().count();
    let source: String = source.chars().take(room).collect();
    source + &suffix
}

fn default_name(noun: &str, now: DateTime<Utc>) -> String {
    let instant = now
        .to_rfc3339_opts(SecondsFormat::Secs, true)
        .replace(':', "-");
    format!("{noun}-{instant}")
}

fn check_length(what: &str, text: &str, most: usize) -> Result<()> {
    let chars = text.chars().count();
    if (1..=most).contains(&chars) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{what} has 1 to {most} characters; this has {chars}."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_keeps_every_script() {
        assert_eq!(
            name("  naïve 日本語 🌊 \"quoted\"  ").unwrap(),
            "naïve 日本語 🌊 \"quoted\""
        );
    }

    #[test]
    fn an_empty_an_overlong_and_a_broken_name_are_refused() {
        for bad in [
            "",
            "   ",
            "two\nlines",
            "nul\0",
            &"x".repeat(129),
            &"x".repeat(10_000),
        ] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
        assert!(name(&"🌊".repeat(128)).is_ok());
    }

    #[test]
    fn spellings_of_a_name_are_one_name() {
        assert_eq!(name("A\u{308}rger").unwrap(), "Ärger");
        assert!(confirm(" A\u{308}rger", "Ärger").is_ok());
        assert!(confirm("Ärger", "A\u{308}rger").is_ok());
        assert!(confirm("ärger", "Ärger").is_err());
        // 129 letters as they are typed, 128 as they are kept.
        assert!(name(&format!("e\u{301}{}", "x".repeat(127))).is_ok());
    }

    #[test]
    fn a_default_name_has_no_colons() {
        let now = DateTime::from_timestamp(1_787_393_472, 0).unwrap();
        assert_eq!(
            name_or(None, "snapshot", now).unwrap(),
            "snapshot-2026-08-22T10-11-12Z"
        );
    }
}
