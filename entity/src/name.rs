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

/// Has a row that is saved with a name keep with it what searches compare: `keeps_search_key!(name => search_name);`.
macro_rules! keeps_search_key {
    ($($name:ident => $key:ident),+) => {
        #[async_trait::async_trait]
        impl sea_orm::ActiveModelBehavior for ActiveModel {
            async fn before_save<C: sea_orm::ConnectionTrait>(
                mut self,
                _db: &C,
                _insert: bool,
            ) -> Result<Self, sea_orm::DbErr> {
                $(if let sea_orm::ActiveValue::Set(name) = &self.$name {
                    self.$key = sea_orm::ActiveValue::Set($crate::name::search_key(name));
                })+
                Ok(self)
            }
        }
    };
}

pub(crate) use keeps_search_key;

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
