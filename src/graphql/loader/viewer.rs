//! What is a user's own, whoever asked: the answer to a sign-in goes to a caller who was nobody
//! when it asked. Only `Viewer` may use these keys.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use entity::{AccountId, Scope, UserId, token::TokenKind};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{Reader, list::gather};
use crate::{
    domain::token,
    graphql::error::{Failure, Result},
};

/// The account of a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountOfViewer(pub AccountId);

/// The API tokens of a viewer that have not ended, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApiTokensOfViewer(pub UserId);

/// The sessions of a viewer that have not ended, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionsOfViewer(pub UserId);

impl Loader<AccountOfViewer> for Reader {
    type Value = Arc<entity::account::Model>;
    type Error = Failure;

    async fn load(
        &self,
        keys: &[AccountOfViewer],
    ) -> Result<HashMap<AccountOfViewer, Self::Value>> {
        use entity::account::{Column, Entity};
        let rows = Entity::visible_to(Scope::Everything)
            .filter(Column::Id.is_in(keys.iter().map(|key| key.0)))
            .all(self.db())
            .await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|row| (AccountOfViewer(row.id), Arc::new(row)))
            .collect())
    }
}

/// Tokens of one kind by their users.
macro_rules! tokens {
    ($($key:ident $kind:ident;)+) => {$(
        impl Loader<$key> for Reader {
            type Value = Arc<Vec<Arc<entity::token::Model>>>;
            type Error = Failure;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, Self::Value>> {
                use entity::token::{Column, Entity};
                let now = self.app.clock.now(self.db()).await?;
                let rows = Entity::find()
                    .filter(Column::UserId.is_in(keys.iter().map(|key| key.0)))
                    .filter(Column::Kind.eq(TokenKind::$kind))
                    .filter(token::live(now))
                    .order_by_desc(Column::Id)
                    .all(self.db())
                    .await?;
                let rows = rows
                    .into_iter()
                    .filter_map(|row| Some(($key(row.user_id?), row)));
                Ok(gather(keys, rows))
            }
        }
    )+};
}

tokens! {
    ApiTokensOfViewer Api;
    SessionsOfViewer Session;
}
