//! The schema that documents are validated against, read from the one that is served.

use apollo_compiler::{
    Name, Schema,
    ast::{FieldDefinition, Type},
    schema::{Component, ExtendedType},
    validation::Valid,
};

/// The schema that `sdl` describes. One that cannot be read has no fields: then every document is refused, and the log
/// says why.
pub(super) fn read(sdl: &str) -> Valid<Schema> {
    let schema = Schema::parse_and_validate(sdl, "schema.graphql").unwrap_or_else(|failed| {
        tracing::error!(error = %failed.errors, "the schema cannot be read: every document is refused");
        Valid::assume_valid(failed.partial)
    });
    let mut schema = schema.into_inner();
    add_is_one_of(&mut schema);
    Valid::assume_valid(schema)
}

/// What tools ask of input types since the specification has `@oneOf`.
fn add_is_one_of(schema: &mut Schema) {
    let field = Name::new_static("isOneOf").ok();
    let ty = Name::new_static("Boolean").ok();
    let (Some(name), Some(ty)) = (field, ty) else {
        return;
    };
    if let Some(ExtendedType::Object(types)) = schema.types.get_mut("__Type") {
        let definition = FieldDefinition {
            description: None,
            name: name.clone(),
            arguments: Vec::new(),
            ty: Type::Named(ty),
            directives: apollo_compiler::ast::DirectiveList::default(),
        };
        types
            .make_mut()
            .fields
            .insert(name, Component::new(definition));
    }
}
