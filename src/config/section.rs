//! How a section of the configuration is written down: one definition for its struct, its defaults,
//! its example and its environment variables.

/// What a section tells of itself.
pub(super) trait Section {
    /// Its name in the file.
    const NAME: &'static str;
    /// What it is for.
    const ABOUT: &'static [&'static str];
    /// Its keys, in order.
    const KEYS: &'static [Key];
}

/// One key of a section.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// What it is for, line by line.
    pub about: &'static [&'static str],
}

/// Collects what is wrong with a configuration.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    /// Notes `problem` unless `fine`.
    pub fn unless(&mut self, fine: bool, problem: impl Into<String>) {
        if !fine {
            self.0.push(problem.into());
        }
    }

    /// Notes a key that may not be zero, if it is.
    pub fn zero(&mut self, key: &str, value: impl Into<u64>) {
        self.unless(value.into() > 0, format!("{key} must be at least 1"));
    }

    /// All that was noted.
    pub fn into_vec(self) -> Vec<String> {
        self.0
    }
}

/// Defines a section: a struct with documented fields, each with its default.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $section:ident = $name:literal {
            $($(#[doc = $key_about:literal])+ $key:ident: $type:ty = $default:expr;)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $section {
            $($(#[doc = $key_about])+ pub $key: $type,)+
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($key: $default,)+ }
            }
        }

        impl $crate::config::section::Section for $section {
            const NAME: &'static str = $name;
            const ABOUT: &'static [&'static str] = &[$($about),+];
            const KEYS: &'static [$crate::config::section::Key] = &[
                $($crate::config::section::Key {
                    name: stringify!($key),
                    about: &[$($key_about),+],
                },)+
            ];
        }
    };
}

pub(super) use section;
