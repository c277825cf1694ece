//! Names of which there are several spellings: the one that is kept, and the one that is searched.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;

/// `text` in the composed normal form (NFC): letters with marks are spelled in one way only.
pub fn composed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(text)
        .into_owned()
}

/// What searches compare: `text` composed, without its case.
pub fn search_key(text: &str) -> String {
    composed(&CaseMapper::new().fold_string(&composed(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_and_cases_of_a_name_have_one_key() {
        for (one, other) in [
            ("Ärger", "A\u{308}RGER"),
            ("STRASSE", "Straße"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("Ångström", "\u{212b}ngstro\u{308}m"),
            ("ДАННЫЕ", "данные"),
        ] {
            assert_eq!(search_key(one), search_key(other));
        }
        assert_ne!(search_key("Ärger"), search_key("Arger"));
        assert_eq!(composed("e\u{301}"), "é");
    }
}
