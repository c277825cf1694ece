//! Objects of which each field is answered at once where nothing has to be waited for.
//!
//! The executor makes every field a task of its own, even one that is only copied from a row, and most of what a page costs
//! is that. Here a field is tried first, in memory that the next one uses again, and becomes a task only if it waits. The
//! fields stand in the answer in the order in which they were asked for.

use std::{borrow::Cow, task::Poll};

use async_graphql::{
    ContextSelectionSet, Name, ObjectType, OutputType, Positioned, ServerResult, Value,
    indexmap::{IndexMap, map::Entry},
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
};
use futures_util::{StreamExt, poll, stream::FuturesUnordered};
use tokio_util::sync::ReusableBoxFuture;

/// An object that is answered so.
#[derive(Clone, Debug)]
pub struct AtOnce<N>(pub N);

impl<N: ObjectType> OutputType for AtOnce<N> {
    fn type_name() -> Cow<'static, str> {
        N::type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        N::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let mut asked = Asked::default();
        if !asked.collect(ctx, &ctx.item.node) {
            return self.0.resolve(ctx, field).await;
        }
        let Asked { fields, mut answer } = asked;
        let mut failed = Vec::new();
        let mut note = |(at, outcome): (usize, ServerResult<Option<Value>>)| match outcome {
            Ok(value) => {
                if let Some((_, noted)) = answer.get_index_mut(at) {
                    *noted = value.unwrap_or_default();
                }
            }
            Err(error) => {
                ctx.add_error(error);
                failed.push(at);
            }
        };
        let mut waiting = FuturesUnordered::new();
        let mut spare: Option<ReusableBoxFuture<'_, _>> = None;
        for (at, field) in fields.into_iter().enumerate() {
            if field.node.name.node == "__typename" {
                let name = self.introspection_type_name().into_owned();
                note((at, Ok(Some(Value::String(name)))));
                continue;
            }
            let answered = async move {
                let ctx = ctx.with_field(field);
                (at, self.0.resolve_field(&ctx).await)
            };
            let mut tried = match spare.take() {
                Some(mut used) => {
                    used.set(answered);
                    used
                }
                None => ReusableBoxFuture::new(answered),
            };
            match poll!(&mut tried) {
                Poll::Ready(outcome) => {
                    note(outcome);
                    spare = Some(tried);
                }
                Poll::Pending => waiting.push(tried),
            }
        }
        while let Some(outcome) = waiting.next().await {
            note(outcome);
        }
        failed.sort_unstable();
        for at in failed.into_iter().rev() {
            answer.shift_remove_index(at);
        }
        Ok(if answer.is_empty() {
            Value::Null
        } else {
            Value::Object(answer)
        })
    }
}

/// The fields that are asked of an object, and their places in its answer.
#[derive(Default)]
struct Asked<'a> {
    fields: Vec<&'a Positioned<Field>>,
    answer: IndexMap<Name, Value>,
}

impl<'a> Asked<'a> {
    /// Notes what `set` asks. Fragments can only be of the object's type, or of one that it is, too. False where this is not
    /// enough: a directive is to be heeded, or objects that are asked for twice are to be put together.
    fn collect(&mut self, ctx: &ContextSelectionSet<'a>, set: &'a SelectionSet) -> bool {
        set.items.iter().all(|selection| match &selection.node {
            Selection::Field(field) => {
                let name = field.node.response_key().node.clone();
                match self.answer.entry(name) {
                    Entry::Vacant(place) => {
                        place.insert(Value::Null);
                        self.fields.push(field);
                        field.node.directives.is_empty()
                    }
                    Entry::Occupied(_) => field.node.selection_set.node.items.is_empty(),
                }
            }
            Selection::InlineFragment(fragment) => {
                self.collect(ctx, &fragment.node.selection_set.node)
            }
            Selection::FragmentSpread(spread) => ctx
                .query_env
                .fragments
                .get(&spread.node.fragment_name.node)
                .is_some_and(|fragment| self.collect(ctx, &fragment.node.selection_set.node)),
        })
    }
}
