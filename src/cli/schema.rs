//! `tidemark schema`: prints the API's schema.

use tidemark::{app::App, database::Database, domain::Settings, graphql};

pub(super) async fn run() -> anyhow::Result<()> {
    // The schema hangs on an app, but printing it asks nothing of the database.
    let database = Database::connect("sqlite::memory:", 1).await?;
    let app = App::new(database, Settings::default());
    print!("{}", graphql::builder(app).finish().sdl());
    Ok(())
}
