//! The gateway's database schema, forward and back, for SQLite and PostgreSQL.

mod m20261122_000001_tenants;
mod m20261122_000002_platform;
mod m20261122_000003_volumes;
mod m20261122_000004_operations;
mod m20261122_000005_records;
mod m20261123_000006_destinations;
mod m20261128_000007_measurements;
mod m20261130_000012_search_names;
mod m20261130_000013_turns;
mod m20261130_000014_offers;
mod m20261130_000015_sign_in_counters;
mod m20261130_000016_refusal_counts;
mod m20261130_000017_revisions;
mod m20261130_000018_token_scopes;
mod m20261130_000019_disabled_users;
mod m20261130_000020_quotas;
mod m20261130_000021_tombstones;
mod m20261130_000022_deadlines;
mod m20261130_000023_reasons;
mod m20261130_000024_deletions;
mod m20261130_000025_verifications;
mod m20261130_000026_replaced_images;
mod m20261130_000027_installation;
mod m20261130_000028_place_marks;
mod m20261130_000029_reach;
mod m20261130_000031_ends;
mod m20261130_000032_settling;
mod m20261130_000033_last_backups;
mod m20261130_000034_searches;
mod m20261130_000040_unbegun_volumes;
mod m20261130_000041_doubts;
mod m20261130_000050_items_of_volumes;
mod m20261130_000060_leaders;
mod m20261130_000061_small_sides;
mod m20261130_000062_trigrams;
mod m20261130_000070_unnumbered_events;
mod m20261201_000080_billing_facts;
mod m20261201_000081_measurements;
mod m20261201_000095_uncompiled_numbering;
mod m20261201_000096_number_after_its_transaction;
mod table;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

/// Brings a database to the schema that this build needs.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_tenants::Migration),
            Box::new(m20261122_000002_platform::Migration),
            Box::new(m20261122_000003_volumes::Migration),
            Box::new(m20261122_000004_operations::Migration),
            Box::new(m20261122_000005_records::Migration),
            Box::new(m20261123_000006_destinations::Migration),
            Box::new(m20261128_000007_measurements::Migration),
            Box::new(m20261130_000012_search_names::Migration),
            Box::new(m20261130_000013_turns::Migration),
            Box::new(m20261130_000014_offers::Migration),
            Box::new(m20261130_000015_sign_in_counters::Migration),
            Box::new(m20261130_000016_refusal_counts::Migration),
            Box::new(m20261130_000017_revisions::Migration),
            Box::new(m20261130_000018_token_scopes::Migration),
            Box::new(m20261130_000019_disabled_users::Migration),
            Box::new(m20261130_000020_quotas::Migration),
            Box::new(m20261130_000021_tombstones::Migration),
            Box::new(m20261130_000022_deadlines::Migration),
            Box::new(m20261130_000023_reasons::Migration),
            Box::new(m20261130_000024_deletions::Migration),
            Box::new(m20261130_000025_verifications::Migration),
            Box::new(m20261130_000026_replaced_images::Migration),
            Box::new(m20261130_000027_installation::Migration),
            Box::new(m20261130_000028_place_marks::Migration),
            Box::new(m20261130_000029_reach::Migration),
            Box::new(m20261130_000031_ends::Migration),
            Box::new(m20261130_000032_settling::Migration),
            Box::new(m20261130_000033_last_backups::Migration),
            Box::new(m20261130_000034_searches::Migration),
            Box::new(m20261130_000040_unbegun_volumes::Migration),
            Box::new(m20261130_000041_doubts::Migration),
            Box::new(m20261130_000050_items_of_volumes::Migration),
            Box::new(m20261130_000060_leaders::Migration),
            Box::new(m20261130_000061_small_sides::Migration),
            Box::new(m20261130_000062_trigrams::Migration),
            Box::new(m20261130_000070_unnumbered_events::Migration),
            Box::new(m20261201_000080_billing_facts::Migration),
            Box::new(m20261201_000081_measurements::Migration),
            Box::new(m20261201_000095_uncompiled_numbering::Migration),
            Box::new(m20261201_000096_number_after_its_transaction::Migration),
        ]
    }
}
