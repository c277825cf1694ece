//! `[billing]`: when hours are closed, and what exports say of money.

use std::time::Duration;

use entity::Credit;

use super::section::{Problems, section};
use crate::domain::billing::export::Terms;

section! {
    /// What usage is billed by.
    Billing = "billing" {
        /// How long after its end an hour is closed. From then on nothing that concerns it changes.
        close_after_seconds: u32 = 300;
        /// The currency of exports, as ISO 4217 has it.
        currency: String = "USD".to_owned();
        /// What a credit is worth in it: a decimal number in a string.
        credit_price: String = "1".to_owned();
        /// What exports call credits: three capital letters.
        credit_code: String = "CRD".to_owned();
        /// Who provides what is billed, in exports.
        provider: String = "Tidemark".to_owned();
    }
}

impl Billing {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.unless(
            (60..=86_400).contains(&self.close_after_seconds),
            "billing.close_after_seconds must be 60 to 86400, a minute to a day",
        );
        for (key, code) in [
            ("billing.currency", &self.currency),
            ("billing.credit_code", &self.credit_code),
        ] {
            problems.unless(
                code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase()),
                format!("{key} must be three capital letters"),
            );
        }
        problems.unless(
            self.credit_price.parse::<Credit>().is_ok_and(|price| {
                !price.0.is_sign_negative() && price.0.normalize().scale() <= 12
            }),
            "billing.credit_price must be a decimal number that is not negative, with at most 12 digits behind the point",
        );
        problems.unless(
            !self.provider.trim().is_empty(),
            "billing.provider must be a name",
        );
    }

    /// What exports say of money.
    pub fn terms(&self) -> Terms {
        let price = self.credit_price.parse().unwrap_or_default();
        Terms {
            currency: self.currency.clone(),
            credit_price: price,
            credit_code: self.credit_code.clone(),
            provider: self.provider.clone(),
        }
    }

    /// How long after its end an hour is closed.
    pub fn close_after(&self) -> Duration {
        Duration::from_secs(self.close_after_seconds.into())
    }
}
