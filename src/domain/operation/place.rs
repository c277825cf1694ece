//! Where an operation stands among what its agent takes next: the accounts in turn, as [`super::turn`] has it.

use std::collections::{HashMap, HashSet};

use entity::{AccountId, HypervisorId, OperationId, operation, operation::OperationStatus, turn};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    sea_query::{Alias, Expr, Query},
};

use crate::domain::Result;

/// An operation that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Waiting {
    /// Its id.
    pub operation: OperationId,
    /// Whose agent it waits for.
    pub hypervisor: HypervisorId,
    /// Whose volume it is about.
    pub account: AccountId,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1 is the next.
    pub position: u64,
    /// Whether its agent works on something.
    pub is_busy: bool,
}

/// What waits of one account for one agent.
#[derive(Debug)]
struct Line {
    account: String,
    count: u64,
    /// What comes first: when the account had its last turn, then its oldest operation.
    rank: (i64, String),
}

/// Where each of `waiting` stands. One that waits no more is left out.
pub async fn places(
    db: &impl ConnectionTrait,
    waiting: &[Waiting],
) -> Result<HashMap<OperationId, Place>> {
    let hypervisors: HashSet<_> = waiting.iter().map(|one| one.hypervisor).collect();
    let hypervisors: Vec<_> = hypervisors.into_iter().collect();
    let lines = lines(db, &hypervisors).await?;
    let busy = busy(db, &hypervisors).await?;
    let ahead = ahead(db, waiting).await?;
    let place = |one: &Waiting| {
        let (hypervisor, account) = (one.hypervisor.to_string(), one.account.to_string());
        let lines = lines.get(&hypervisor)?;
        let own = lines.iter().find(|line| line.account == account)?;
        let ahead = *ahead.get(&one.operation.to_string())?;
        let others = lines.iter().filter(|line| line.account != account);
        // Until its turn comes, each other account has had as many as it has itself, or one more.
        let before = others.map(|line| {
            let more = u64::from(line.rank < own.rank);
            Ord::min(line.count, ahead + more)
        });
        let place = Place {
            position: before.fold(ahead + 1, u64::saturating_add),
            is_busy: busy.contains(&hypervisor),
        };
        Some((one.operation, place))
    };
    Ok(waiting.iter().filter_map(place).collect())
}

/// What waits for each of `hypervisors`, by account.
async fn lines(
    db: &impl ConnectionTrait,
    hypervisors: &[HypervisorId],
) -> Result<HashMap<String, Vec<Line>>> {
    use operation::Column;
    let waiting: Vec<(String, String, i64, String)> = operation::Entity::find()
        .select_only()
        .columns([Column::HypervisorId, Column::AccountId])
        .column_as(Column::Id.count(), "count")
        .column_as(Column::Id.min(), "oldest")
        .filter(Column::Status.eq(OperationStatus::Pending))
        .filter(Column::HypervisorId.is_in(hypervisors.iter().copied()))
        .group_by(Column::HypervisorId)
        .group_by(Column::AccountId)
        .into_tuple()
        .all(db)
        .await?;
    let turns: Vec<(String, String, i64)> = turn::Entity::find()
        .select_only()
        .columns([
            turn::Column::HypervisorId,
            turn::Column::AccountId,
            turn::Column::Turn,
        ])
        .filter(turn::Column::HypervisorId.is_in(hypervisors.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    let turns: HashMap<(String, String), i64> = turns
        .into_iter()
        .map(|(hypervisor, account, turn)| ((hypervisor, account), turn))
        .collect();
    let mut lines: HashMap<String, Vec<Line>> = HashMap::new();
    for (hypervisor, account, count, oldest) in waiting {
        let turn = turns.get(&(hypervisor.clone(), account.clone()));
        let rank = (turn.copied().unwrap_or_default(), oldest);
        lines.entry(hypervisor).or_default().push(Line {
            account,
            count: u64::try_from(count).unwrap_or_default(),
            rank,
        });
    }
    Ok(lines)
}

/// Those of `hypervisors` whose agents work on something.
async fn busy(db: &impl ConnectionTrait, hypervisors: &[HypervisorId]) -> Result<HashSet<String>> {
    use operation::Column;
    let busy: Vec<String> = operation::Entity::find()
        .select_only()
        .column(Column::HypervisorId)
        .distinct()
        .filter(Column::Status.eq(OperationStatus::Started))
        .filter(Column::HypervisorId.is_in(hypervisors.iter().copied()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(busy.into_iter().collect())
}

/// How many older ones of the same account wait for the same agent.
async fn ahead(db: &impl ConnectionTrait, waiting: &[Waiting]) -> Result<HashMap<String, u64>> {
    use operation::{Column, Entity};
    let of = |column: Column| Expr::col((Alias::new("older"), column));
    let own = |column: Column| (Entity, column);
    let older = Query::select()
        .expr(of(Column::Id).count())
        .from_as(Entity, Alias::new("older"))
        .and_where(of(Column::Status).eq(Expr::value(OperationStatus::Pending)))
        .and_where(of(Column::HypervisorId).equals(own(Column::HypervisorId)))
        .and_where(of(Column::AccountId).equals(own(Column::AccountId)))
        .and_where(of(Column::Id).lt(Expr::col(own(Column::Id))))
        .to_owned();
    let ahead: Vec<(String, i64)> = Entity::find()
        .select_only()
        .column(Column::Id)
        .column_as(Expr::from(older), "ahead")
        .filter(Column::Status.eq(OperationStatus::Pending))
        .filter(Column::Id.is_in(waiting.iter().map(|one| one.operation)))
        .into_tuple()
        .all(db)
        .await?;
    let count = |(id, count): (String, i64)| (id, u64::try_from(count).unwrap_or_default());
    Ok(ahead.into_iter().map(count).collect())
}
