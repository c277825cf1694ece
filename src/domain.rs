//! What Tidemark does, apart from how it is asked: the rules, and the transactions that keep them.

pub mod account;
pub mod agent;
pub mod agent_token;
pub mod api_token;
pub mod audit;
pub mod backup_storage;
pub mod clock;
pub mod cooldown;
pub mod error;
pub mod error_code;
pub mod guard;
pub mod hypervisor;
pub mod ids;
pub mod instance;
pub mod operation;
pub mod password;
pub mod plan;
pub mod requester;
pub mod secret;
pub mod session;
pub mod settings;
pub mod storage_pool;
pub mod text;
pub mod throttle;
pub mod token;
pub mod transaction;
pub mod user;
pub mod volume;

pub use clock::Clock;
pub use error::{Error, Result};
pub use error_code::ErrorCode;
pub use ids::Ids;
pub use requester::Requester;
pub use settings::Settings;
pub use throttle::Throttle;
