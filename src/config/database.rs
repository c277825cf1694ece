//! `[database]`: where everything is kept.

use super::section::{Problems, section};

section! {
    /// Where everything is kept.
    Database = "database" {
        /// `sqlite://PATH` (made when it is not there) or `postgres://USER:PASSWORD@HOST/NAME`
        url: String = "sqlite:///var/lib/tidemark/tidemark.db".to_owned();
        /// The most connections to it at once. A quarter of them is kept for agents, and callers that
        /// are not signed in get at most an eighth. SQLite has one more, for writing, and PostgreSQL one more for the
        /// gateway's own tasks.
        max_connections: u32 = 16;
    }
}

impl Database {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.unless(
            ["sqlite:", "postgres:", "postgresql:"]
                .iter()
                .any(|scheme| self.url.starts_with(scheme)),
            "database.url must begin with sqlite: or postgres:",
        );
        problems.zero("database.max_connections", self.max_connections);
    }

    /// The file that SQLite keeps, if it is SQLite and keeps one.
    pub fn sqlite_file(&self) -> Option<&str> {
        let path = self.url.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = path.split('?').next().unwrap_or(path);
        (!path.is_empty() && path != ":memory:").then_some(path)
    }
}
