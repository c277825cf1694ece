//! Which operation of a document is meant, and what it does: the only place that decides it.

use async_graphql::{
    Name, Positioned, Request,
    parser::types::{DocumentOperations, OperationDefinition, OperationType},
};

use super::bound;
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

/// What `request` does. A document that cannot be read does nothing, as a query does: the executor
/// says what is wrong with it. It has the same `limits`.
pub fn kind(request: &mut Request, limits: &Limits) -> Kind {
    name_if_any(request);
    if bound::document(&request.query, limits).is_err() {
        return Kind::Query;
    }
    let name = request.operation_name.clone();
    let document = request.parsed_query().ok();
    let operation = document.and_then(|document| meant(&document.operations, name.as_deref()));
    match operation.map(|operation| operation.node.ty) {
        None | Some(OperationType::Query) => Kind::Query,
        Some(OperationType::Mutation) => Kind::Mutation,
        Some(OperationType::Subscription) => Kind::Subscription,
    }
}

/// An empty name is none: clients send it where they have no name.
pub fn name_if_any(request: &mut Request) {
    request.operation_name = request
        .operation_name
        .take()
        .filter(|name| !name.is_empty());
}

/// The operation that is meant by `name`; without one, the only operation that there is.
pub fn meant<'a>(
    operations: &'a DocumentOperations,
    name: Option<&str>,
) -> Option<&'a Positioned<OperationDefinition>> {
    let mut all = operations.iter();
    match name {
        Some(name) => all
            .find(|(own, _)| own.map(Name::as_str) == Some(name))
            .map(|(_, operation)| operation),
        None => match (all.next(), all.next()) {
            (Some((_, only)), None) => Some(only),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(document: &str, name: Option<&str>) -> Kind {
        let mut request = Request::new(document);
        request.operation_name = name.map(str::to_owned);
        kind(&mut request, &Limits::DEFAULT)
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
            assert_eq!(of(document, Some("")), expected, "{document}");
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
