//! What Tidemark does, apart from how it is asked: the rules, and the transactions that keep them.

pub mod clock;
pub mod cooldown;
pub mod error;
pub mod error_code;
pub mod guard;
pub mod ids;
pub mod password;
pub mod requester;
pub mod settings;
pub mod token;
pub mod volume;

pub use clock::Clock;
pub use error::{Error, Result};
pub use error_code::ErrorCode;
pub use ids::Ids;
pub use requester::Requester;
pub use settings::Settings;
