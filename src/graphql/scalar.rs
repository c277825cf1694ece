//! Scalars of the API that GraphQL does not have: instants, sizes in bytes, exact decimals.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::Utc;
use entity::Credit;

use super::error::instant;

/// The largest integer that every JSON reader keeps exact: 2^53 - 1.
const MAX_BYTES: i64 = (1 << 53) - 1;

/// An instant in RFC 3339. Answers are in UTC, with milliseconds and `Z`; arguments may have any
/// offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime(pub chrono::DateTime<Utc>);

/// An instant in RFC 3339. Answers are in UTC, with milliseconds and `Z`; arguments may have any
/// offset.
#[Scalar(
    name = "DateTime",
    specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html"
)]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        chrono::DateTime::parse_from_rfc3339(text)
            .map(|at| Self(at.to_utc()))
            .map_err(|_| InputValueError::custom("an instant in RFC 3339 is expected"))
    }

    fn to_value(&self) -> Value {
        Value::String(instant(self.0))
    }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(at: chrono::DateTime<Utc>) -> Self {
        Self(at)
    }
}

/// A number of bytes: an integer from 0 to 2^53 - 1. GraphQL's own Int ends at 2^31 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteCount(pub i64);

/// A number of bytes: an integer from 0 to 2^53 - 1. GraphQL's own Int ends at 2^31 - 1.
#[Scalar(name = "ByteCount")]
impl ScalarType for ByteCount {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::Number(number) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        match number.as_i64() {
            Some(bytes @ 0..=MAX_BYTES) => Ok(Self(bytes)),
            _ => Err(InputValueError::custom(
                "an integer from 0 to 9007199254740991 is expected",
            )),
        }
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0.clamp(0, MAX_BYTES).into())
    }
}

/// An exact decimal number, written as a string: "0.05". It is never a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub Credit);

/// An exact decimal number, written as a string: "0.05". It is never a float.
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else {
            return Err(InputValueError::expected_type(value));
        };
        text.parse()
            .map(Self)
            .map_err(|_| InputValueError::custom("a decimal number in a string is expected"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<Credit> for Decimal {
    fn from(credit: Credit) -> Self {
        Self(credit)
    }
}
