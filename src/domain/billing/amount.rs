//! Exact amounts: whole numbers of any size, one division and one rounding a line.

use std::fmt;

use entity::Credit;
use num_bigint::BigInt;

use crate::domain::{Error, Result};

/// How many digits behind the point an amount has.
const DIGITS: u32 = 12;
/// A GB, as it is billed.
const GIB: i64 = 1 << 30;
/// The hours of a month, as rates count them.
pub(super) const MONTH_HOURS: i64 = 730;

/// An amount of credits, in units of 10⁻¹².
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(BigInt);

impl Amount {
    /// What `byte_hours` cost at a rate of credits for each GB and month: rounded once, half to even.
    pub fn of_bytes(byte_hours: &BigInt, rate: &Credit) -> Result<Self> {
        let whole = BigInt::from(GIB) * MONTH_HOURS;
        Ok(Self(half_even(&(byte_hours * units(rate)?), &whole)))
    }

    /// What `hours` cost at a rate of credits for each hour: exact.
    pub fn of_hours(hours: i64, rate: &Credit) -> Result<Self> {
        Ok(Self(units(rate)? * hours))
    }

    /// What it is worth where a credit is worth `price`: exact.
    pub fn at(&self, price: &Credit) -> Result<String> {
        Ok(decimal(&(&self.0 * units(price)?), 2 * DIGITS))
    }

    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.0 += &other.0;
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal(&self.0, DIGITS))
    }
}

/// `byte_hours` in GB-hours: exact.
pub fn gigabyte_hours(byte_hours: &BigInt) -> String {
    // 1 / 2³⁰ is 5³⁰ / 10³⁰.
    decimal(&(byte_hours * BigInt::from(5).pow(30)), 30)
}

/// `byte_hours` in GB-months, to 24 digits behind the point.
pub fn gigabyte_months(byte_hours: &BigInt) -> String {
    let digits = 2 * DIGITS;
    let units = byte_hours * BigInt::from(10).pow(digits);
    let month = BigInt::from(GIB) * MONTH_HOURS;
    decimal(&half_even(&units, &month), digits)
}

/// A rate in units of 10⁻¹².
fn units(rate: &Credit) -> Result<BigInt> {
    let (units, scale) = (rate.0.mantissa(), rate.0.scale());
    let missing = DIGITS
        .checked_sub(scale)
        .ok_or_else(|| Error::Broken(format!("the rate {rate} is too fine")))?;
    Ok(BigInt::from(units) * BigInt::from(10).pow(missing))
}

/// `dividend / divisor`, which is positive, rounded to a whole number: half to even.
fn half_even(dividend: &BigInt, divisor: &BigInt) -> BigInt {
    let (mut whole, mut rest) = (dividend / divisor, dividend % divisor);
    if rest < BigInt::ZERO {
        whole -= 1;
        rest += divisor;
    }
    let twice = rest * 2;
    if twice > *divisor || (twice == *divisor && whole.bit(0)) {
        whole += 1;
    }
    whole
}

/// `units` × 10^-`digits`, without zeros behind that mean nothing.
fn decimal(units: &BigInt, digits: u32) -> String {
    let digits = usize::try_from(digits).unwrap_or_default();
    let sign = if *units < BigInt::ZERO { "-" } else { "" };
    let text = format!("{:0>width$}", units.magnitude(), width = digits + 1);
    let (whole, part) = text.split_at(text.len() - digits);
    match part.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Credit {
        text.parse().unwrap()
    }

    #[test]
    fn a_gigabyte_for_a_month_costs_its_rate() {
        let month = BigInt::from(GIB) * MONTH_HOURS;
        let amount = Amount::of_bytes(&month, &rate("0.05")).unwrap();
        assert_eq!(amount.to_string(), "0.05");
    }

    #[test]
    fn what_lies_in_the_middle_is_rounded_to_the_even_one() {
        let half = |units: i64| half_even(&units.into(), &2.into());
        let rounded: Vec<_> = [-5, -3, -1, 1, 3, 5].map(half).into();
        assert_eq!(rounded, [-2, -2, 0, 0, 2, 2].map(BigInt::from));
        assert_eq!(half_even(&8.into(), &3.into()), BigInt::from(3));
        assert_eq!(half_even(&7.into(), &3.into()), BigInt::from(2));
    }

    #[test]
    fn the_largest_disk_for_ten_years_at_the_highest_and_the_lowest_rate_is_exact() {
        let byte_hours = BigInt::from(16_i64 << 40) * 87_672;
        let highest = Amount::of_bytes(&byte_hours, &rate("999999999999.999999999999")).unwrap();
        // 16,384 GB × 87,672 h ÷ 730 h, by exact fractions.
        assert_eq!(highest.to_string(), "1967695956164383561.643833648742");
        let lowest = Amount::of_bytes(&byte_hours, &rate("0.000000000001")).unwrap();
        assert_eq!(lowest.to_string(), "0.000001967696");
        assert_eq!(gigabyte_hours(&byte_hours), "1436418048");
        assert_eq!(
            gigabyte_hours(&BigInt::from(1)),
            "0.000000000931322574615478515625"
        );
    }
}
