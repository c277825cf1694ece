//! Objects of which each field is answered at once where nothing has to be waited for.
//!
//! The executor makes every field a task of its own, even one that is only copied from a row, and most of what a page costs
//! is that. Here plain fields are answered in place, and any other is tried first, in memory that the next one uses again,
//! and becomes a task only if it waits. What is asked of the objects of a list is looked at once for all of them, and a list
//! of which only plain fields are asked is written as text at once. The fields stand in the answer in the order in which
//! they were asked for.

use std::{borrow::Cow, task::Poll};

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value,
    indexmap::{IndexMap, map::Entry},
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
};
use futures_util::{StreamExt, poll, stream::FuturesUnordered};
use tokio_util::sync::ReusableBoxFuture;

use super::{
    plain::{Plain, PlainField},
    text::{self, InText},
};

/// An object that is answered so.
#[derive(Clone, Debug)]
pub struct AtOnce<N>(pub N);

/// A list of objects that are answered so.
#[derive(Clone, Debug)]
pub struct AllAtOnce<N>(pub Vec<N>);

impl<N: Plain> OutputType for AtOnce<N> {
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
        let Some(asked) = Asked::of(ctx) else {
            return self.0.resolve(ctx, field).await;
        };
        let (objects, places) = (std::slice::from_ref(&self.0), std::slice::from_ref(ctx));
        let mut answers = answers(objects, places, &asked).await;
        Ok(answers.pop().unwrap_or_default())
    }
}

impl<N: Plain> OutputType for AllAtOnce<N> {
    fn type_name() -> Cow<'static, str> {
        Vec::<N>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<N>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Vec::<N>::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let Some(asked) = Asked::of(ctx) else {
            return self.0.resolve(ctx, field).await;
        };
        if ctx.data_opt::<InText>().is_some_and(|may| may.0)
            && let Some(text) = asked.text(&self.0, ctx)
        {
            return Ok(text);
        }
        let places: Vec<_> = (0..self.0.len()).map(|at| ctx.with_index(at)).collect();
        Ok(Value::List(answers(&self.0, &places, &asked).await))
    }
}

/// About how many bytes a field has in text, with its name.
const CELL: usize = 40;

type Answer = IndexMap<Name, Value>;

/// What is answered where an object stands.
type Part = ((usize, usize), ServerResult<Option<Value>>);

/// What `asked` asks of each of `objects`, of which each stands in its place.
async fn answers<N: Plain>(
    objects: &[N],
    places: &[ContextSelectionSet<'_>],
    asked: &Asked<'_, N>,
) -> Vec<Value> {
    let mut answers = vec![asked.answer.clone(); objects.len()];
    let mut failed = Vec::new();
    let mut note = |((object, at), outcome): Part| match outcome {
        Ok(value) => {
            let answer = answers.get_mut(object);
            if let Some((_, noted)) = answer.and_then(|answer| answer.get_index_mut(at)) {
                *noted = value.unwrap_or_default();
            }
        }
        Err(error) => {
            if let Some(ctx) = places.get(object) {
                ctx.add_error(error);
            }
            failed.push((object, at));
        }
    };
    let mut waiting = FuturesUnordered::new();
    let mut spare: Option<ReusableBoxFuture<'_, Part>> = None;
    for (number, (object, place)) in objects.iter().zip(places).enumerate() {
        for (at, (field, way)) in asked.fields.iter().enumerate() {
            let at = (number, at);
            let ready = match way {
                Way::TypeName => {
                    let name = object.introspection_type_name().into_owned();
                    Some(Ok(Value::String(name)))
                }
                Way::Plain(answer) => answer(object, &place.with_field(field)),
                Way::Any => None,
            };
            if let Some(outcome) = ready {
                note((at, outcome.map(Some)));
                continue;
            }
            let answered = async move {
                let ctx = place.with_field(field);
                (at, object.resolve_field(&ctx).await)
            };
            let mut tried = match spare.take() {
                Some(mut used) => {
                    used.set(answered);
                    used
                }
                None => ReusableBoxFuture::new(answered),
            };
            match poll!(&mut tried) {
                Poll::Ready(part) => {
                    note(part);
                    spare = Some(tried);
                }
                Poll::Pending => waiting.push(tried),
            }
        }
    }
    while let Some(part) = waiting.next().await {
        note(part);
    }
    failed.sort_unstable();
    for (object, at) in failed.into_iter().rev() {
        if let Some(answer) = answers.get_mut(object) {
            answer.shift_remove_index(at);
        }
    }
    answers.into_iter().map(object).collect()
}

/// An object of which nothing could be answered is null, as the executor has it.
fn object(answer: Answer) -> Value {
    if answer.is_empty() {
        Value::Null
    } else {
        Value::Object(answer)
    }
}

/// How a field is answered.
enum Way<N> {
    /// It is the object's type.
    TypeName,
    /// It waits for nothing.
    Plain(PlainField<N>),
    /// As it likes.
    Any,
}

/// The fields that are asked of an object, and an answer that has their places.
struct Asked<'a, N> {
    fields: Vec<(&'a Positioned<Field>, Way<N>)>,
    answer: Answer,
}

impl<'a, N: Plain> Asked<'a, N> {
    /// What is asked where `ctx` is; none where this is not enough.
    fn of(ctx: &ContextSelectionSet<'a>) -> Option<Self> {
        let set = &ctx.item.node;
        let mut asked = Self {
            fields: Vec::with_capacity(set.items.len()),
            answer: Answer::with_capacity(set.items.len()),
        };
        asked.collect(ctx, set).then_some(asked)
    }

    /// What is answered for all of `objects`, a list where `ctx` is, as text. None if something has to be waited for, or
    /// failed: then this is not enough.
    fn text(&self, objects: &[N], ctx: &ContextSelectionSet<'_>) -> Option<Value> {
        let keys: Result<Vec<_>, _> = self.answer.keys().map(serde_json::to_vec).collect();
        let keys = keys.ok()?;
        let mut json = Vec::with_capacity(objects.len() * keys.len() * CELL);
        json.push(b'[');
        for (number, object) in objects.iter().enumerate() {
            let place = ctx.with_index(number);
            let mut before = if number == 0 { &b"{"[..] } else { &b",{"[..] };
            for ((field, way), key) in self.fields.iter().zip(&keys) {
                json.extend_from_slice(std::mem::replace(&mut before, b","));
                json.extend_from_slice(key);
                json.push(b':');
                let value = match way {
                    Way::TypeName => Value::String(object.introspection_type_name().into_owned()),
                    Way::Plain(answer) => answer(object, &place.with_field(field))?.ok()?,
                    Way::Any => return None,
                };
                text::value(&value, &mut json).ok()?;
            }
            json.push(b'}');
        }
        json.push(b']');
        Some(text::written(json))
    }

    /// Notes what `set` asks. Fragments can only be of the object's type, or of one that it is, too. False where this is not
    /// enough: a directive is to be heeded, or objects that are asked for twice are to be put together.
    fn collect(&mut self, ctx: &ContextSelectionSet<'a>, set: &'a SelectionSet) -> bool {
        set.items.iter().all(|selection| match &selection.node {
            Selection::Field(field) => {
                let name = field.node.response_key().node.clone();
                match self.answer.entry(name) {
                    Entry::Vacant(place) => {
                        place.insert(Value::Null);
                        self.fields.push((field, Way::of(&field.node)));
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

impl<N: Plain> Way<N> {
    fn of(field: &Field) -> Self {
        match field.name.node.as_str() {
            "__typename" => Self::TypeName,
            name => N::plain(name).map_or(Self::Any, |plain| Self::Plain(plain.answer)),
        }
    }
}
