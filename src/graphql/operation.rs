//! Which operation of a document is meant, and what it does: the only place that decides it.

use apollo_compiler::ast::{Definition, OperationType};
use async_graphql::{Executor, Request};
use futures_util::{StreamExt, stream::BoxStream};

use super::{bound, parse::parse, told::Told};
use crate::limits::Limits;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It reads.
    Query,
    /// It changes something.
    Mutation,
    /// It watches.
    Subscription,
}

/// What carries requests out, and knows what each of them does before that.
pub trait Carrier: Executor {
    /// What `request` does. A document that cannot be read does nothing, as a query does: the executor
    /// says what is wrong with it.
    fn kind(&self, request: &mut Request) -> Kind;

    /// What a subscription tells.
    fn watch(&self, request: Request) -> BoxStream<'static, Told>;
}

/// A schema without a gate remembers no documents.
impl<Q, M, S> Carrier for async_graphql::Schema<Q, M, S>
where
    Self: Executor,
{
    fn kind(&self, request: &mut Request) -> Kind {
        name_if_any(request);
        let name = request.operation_name.as_deref();
        kind_in(&request.query, name, &Limits::DEFAULT)
    }

    fn watch(&self, request: Request) -> BoxStream<'static, Told> {
        let responses = Executor::execute_stream(self, request, None);
        responses.map(|response| Told::of(&response)).boxed()
    }
}

/// What the operation does that is meant by `name` in the document `text`.
pub fn kind_in(text: &str, name: Option<&str>, limits: &Limits) -> Kind {
    if bound::document(text, limits).is_err() {
        return Kind::Query;
    }
    let Ok(document) = parse(text) else {
        return Kind::Query;
    };
    let operations = document.definitions.iter().filter_map(|definition| {
        let Definition::OperationDefinition(operation) = definition else {
            return None;
        };
        Some((operation.name.as_deref(), operation.operation_type))
    });
    kind_of(operations, name)
}

/// What the one of `operations` does that is meant by `name`.
pub fn kind_of<'a>(
    operations: impl Iterator<Item = (Option<&'a str>, OperationType)>,
    name: Option<&str>,
) -> Kind {
    match choose(operations, name) {
        Choice::Meant(OperationType::Mutation) => Kind::Mutation,
        Choice::Meant(OperationType::Subscription) => Kind::Subscription,
        Choice::Meant(OperationType::Query) | Choice::Unknown | Choice::Unclear => Kind::Query,
    }
}

/// An empty name is none: clients send it where they have no name.
pub fn name_if_any(request: &mut Request) {
    request.operation_name = request
        .operation_name
        .take()
        .filter(|name| !name.is_empty());
}

/// The operation of a document that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice<O> {
    /// This one.
    Meant(O),
    /// There is none of that name.
    Unknown,
    /// There are several, and none was named.
    Unclear,
}

/// The one of `operations` that is meant by `name`; without one, the only operation that there is.
pub fn choose<'a, O>(
    mut operations: impl Iterator<Item = (Option<&'a str>, O)>,
    name: Option<&str>,
) -> Choice<O> {
    if name.is_some() {
        let named = operations.find(|(own, _)| *own == name);
        return named.map_or(Choice::Unknown, |(_, operation)| Choice::Meant(operation));
    }
    match (operations.next(), operations.next()) {
        (Some((_, only)), None) => Choice::Meant(only),
        (None, _) => Choice::Unknown,
        (Some(_), Some(_)) => Choice::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(document: &str, name: Option<&str>) -> Kind {
        kind_in(document, name, &Limits::DEFAULT)
    }

    #[test]
    fn the_only_operation_is_meant_whether_it_has_a_name_or_not() {
        for (document, expected) in [
            ("{ a }", Kind::Query),
            ("mutation { a }", Kind::Mutation),
            ("mutation M { a }", Kind::Mutation),
            (
                "subscription S { a } fragment F on A { a }",
                Kind::Subscription,
            ),
        ] {
            assert_eq!(of(document, None), expected, "{document}");
        }
    }

    #[test]
    fn of_several_the_named_one_is_meant() {
        let document = "query Q { a } mutation M { a } subscription S { a }";
        assert_eq!(of(document, Some("Q")), Kind::Query);
        assert_eq!(of(document, Some("M")), Kind::Mutation);
        assert_eq!(of(document, Some("S")), Kind::Subscription);
        assert_eq!(of(document, Some("X")), Kind::Query);
        assert_eq!(of(document, None), Kind::Query);
    }
}
