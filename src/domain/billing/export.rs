//! Reports as CSV, in the columns of `FinOps` FOCUS 1.2, and own ones whose names begin with `x_`.
//!
//! Credits are the currency of prices, and a setting says what one is worth. Numbers are exact, and always have a point where
//! they may have one. Texts that a spreadsheet would take for a formula begin with an apostrophe.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{AccountId, Credit, Scope, account, billing_item::BillingKind, volume, volume_plan};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{
    Amount,
    amount::{gigabyte_hours, gigabyte_months},
    line::{Line, instant, month_of},
};
use crate::domain::Result;

/// The columns, in their order.
pub const COLUMNS: [&str; 52] = [
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountId",
    "CommitmentDiscountStatus",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "x_ByteHours",
    "x_Credits",
    "x_EstimatedHours",
    "x_Hours",
    "x_Kind",
    "x_PlanId",
    "x_PlanName",
    "x_RateFromHour",
    "x_VolumeId",
    "x_VolumeName",
];

/// What an export says of money, and of who asks for it.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The currency that is paid in, as ISO 4217 has it.
    pub currency: String,
    /// What a credit is worth in it.
    pub credit_price: Credit,
    /// What the currency of prices is called: three capital letters.
    pub credit_code: String,
    /// Who provides, and writes the invoice.
    pub provider: String,
}

/// What things are called now, by their ids.
#[derive(Debug, Default)]
pub struct Names {
    accounts: HashMap<AccountId, String>,
    volumes: HashMap<String, String>,
    plans: HashMap<String, String>,
}

impl Names {
    /// Of what `lines` name.
    pub async fn of(db: &impl ConnectionTrait, lines: &[Line]) -> Result<Self> {
        // Each once: a statement takes only so many values, and an item has a line for each month and rate.
        let accounts: BTreeSet<_> = lines.iter().map(|line| line.account_id).collect();
        let accounts = account::Entity::once_visible_to(Scope::Everything)
            .filter(account::Column::Id.is_in(accounts))
            .all(db)
            .await?;
        let volumes: BTreeSet<_> = lines
            .iter()
            .filter_map(|line| line.volume_id.as_deref())
            .collect();
        let volumes = volume::Entity::once_visible_to(Scope::Everything)
            .filter(volume::Column::Id.is_in(volumes))
            .all(db)
            .await?;
        let plans = volume_plan::Entity::find().all(db).await?;
        Ok(Self {
            accounts: accounts.into_iter().map(|row| (row.id, row.name)).collect(),
            volumes: named(
                volumes
                    .into_iter()
                    .map(|row| (row.id.to_string(), row.name)),
            ),
            plans: named(plans.into_iter().map(|row| (row.id.to_string(), row.name))),
        })
    }
}

fn named(names: impl Iterator<Item = (String, String)>) -> HashMap<String, String> {
    names.collect()
}

/// The first line.
pub fn header() -> String {
    format!("{}\r\n", COLUMNS.join(","))
}

/// A line of a report.
pub fn row(line: &Line, names: &Names, terms: &Terms) -> Result<String> {
    let month = month_of(line.period.from)?;
    let service = Service::of(line.kind);
    let is_compute = line.kind == BillingKind::Compute;
    let rate = line.rate.unwrap_or_default();
    let cost = number(line.credits.at(&terms.credit_price)?);
    let price = number(Amount::of_hours(1, &rate)?.at(&terms.credit_price)?);
    let rate = number(rate.to_string());
    let credits = number(line.credits.to_string());
    let consumed = if is_compute {
        line.hours.to_string()
    } else {
        gigabyte_hours(&line.byte_hours)
    };
    let priced = if is_compute {
        line.hours.to_string()
    } else {
        gigabyte_months(&line.byte_hours)
    };
    let account = names.accounts.get(&line.account_id);
    let plan = line
        .plan_id
        .map(|plan| plan.to_string())
        .unwrap_or_default();
    let sku = if is_compute {
        format!("compute:{}", line.rate.unwrap_or_default())
    } else {
        format!("{plan}:{}", service.kind)
    };
    let volume = line.volume_id.clone().unwrap_or_default();
    let cells: [String; COLUMNS.len()] = [
        cost.clone(),
        text(&line.account_id.to_string()),
        text(account.map_or("", String::as_str)),
        text(&terms.currency),
        at(month.to)?,
        at(month.from)?,
        "Usage".to_owned(),
        String::new(),
        text(&format!("{} \"{}\"", service.resource, line.name)),
        "Usage-Based".to_owned(),
        at(line.period.to)?,
        at(line.period.from)?,
        String::new(),
        String::new(),
        number(consumed),
        (if is_compute { "Hours" } else { "GiB-Hours" }).to_owned(),
        cost.clone(),
        String::new(),
        cost.clone(),
        String::new(),
        text(&terms.provider),
        cost,
        price,
        "Standard".to_owned(),
        text(&terms.credit_code),
        rate.clone(),
        credits.clone(),
        rate,
        number(priced),
        (if is_compute { "Hours" } else { "GiB-Months" }).to_owned(),
        text(&terms.provider),
        text(&terms.provider),
        text(line.resource_id.as_deref().unwrap_or_default()),
        text(&line.name),
        service.resource.to_owned(),
        service.category.to_owned(),
        service.name.to_owned(),
        service.subcategory.to_owned(),
        text(&sku),
        service.meter.to_owned(),
        String::new(),
        text(&format!("{sku}:{}", line.version)),
        if is_compute {
            String::new()
        } else {
            line.byte_hours.to_string()
        },
        credits,
        line.estimated_hours.to_string(),
        line.hours.to_string(),
        service.kind.to_owned(),
        plan.clone(),
        text(names.plans.get(&plan).map_or("", String::as_str)),
        line.version.to_string(),
        volume.clone(),
        text(names.volumes.get(&volume).map_or("", String::as_str)),
    ];
    Ok(format!("{}\r\n", cells.join(",")))
}

/// What FOCUS calls what is billed.
struct Service {
    kind: &'static str,
    resource: &'static str,
    category: &'static str,
    name: &'static str,
    subcategory: &'static str,
    meter: &'static str,
}

impl Service {
    fn of(kind: BillingKind) -> Self {
        let storage = Self {
            kind: "snapshot",
            resource: "Snapshot",
            category: "Storage",
            name: "Volume Snapshots",
            subcategory: "Block Storage",
            meter: "Retained GiB-hours",
        };
        match kind {
            BillingKind::Snapshot => storage,
            BillingKind::Backup => Self {
                kind: "backup",
                resource: "Backup",
                name: "Volume Backups",
                subcategory: "Backup Storage",
                meter: "Volume GiB-hours",
                ..storage
            },
            BillingKind::Compute => Self {
                kind: "compute",
                resource: "Instance",
                category: "Compute",
                name: "Instances",
                subcategory: "Virtual Machines",
                meter: "Running hours",
            },
            BillingKind::Correction => Self {
                kind: "correction",
                resource: "",
                category: "Other",
                name: "Corrections",
                subcategory: "Other (Other)",
                meter: "Corrections",
            },
        }
    }
}

/// The first instant of an hour.
fn at(hour: i64) -> Result<String> {
    let at: DateTime<Utc> = instant(hour)?;
    Ok(at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A number with a point.
fn number(digits: String) -> String {
    if digits.contains('.') {
        digits
    } else {
        digits + ".0"
    }
}

/// A text: quoted where it has to be, and no formula.
fn text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_their_order_and_own_ones_last() {
        let mut sorted = COLUMNS;
        sorted.sort_by_key(|column| (column.starts_with("x_"), *column));
        assert_eq!(COLUMNS, sorted);
    }

    #[test]
    fn texts_that_a_spreadsheet_would_run_are_defused_and_quoted() {
        for (given, written) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2,5", "\"'-2,5\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ] {
            assert_eq!(text(given), written);
        }
        assert_eq!(number("7".to_owned()), "7.0");
    }
}
