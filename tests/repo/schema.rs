//! The exported schema: checked in as it is, described in full, and it keeps the contract.

use std::collections::BTreeMap;

use async_graphql::parser::{
    parse_schema,
    types::{
        FieldDefinition, InputValueDefinition, TypeDefinition, TypeKind, TypeSystemDefinition,
    },
};
use tidemark::{
    app::App,
    database::Database,
    domain::{
        Settings,
        password::MIN_CHARS,
        plan::MAX_CAP,
        text::{MAX_NAME_CHARS, MAX_REASON_CHARS},
    },
    graphql,
};

/// The names, arguments, types and defaults that panels and automation are written against.
const CONTRACT: &str = include_str!("contract.graphql");
/// What is checked in.
const CHECKED_IN: &str = include_str!("../../schema.graphql");

/// What the contract promises and this version does not keep yet. What is kept must leave the list.
const OPEN: [&str; 3] = [
    "Mutation.updateHypervisorAgent is missing",
    "UpdateHypervisorAgentInput is missing",
    "UpdateHypervisorAgentPayload is missing",
];

async fn exported() -> String {
    let database = Database::connect("sqlite::memory:", 1).await.unwrap();
    let app = App::new(database, Settings::default());
    graphql::builder(app).finish().sdl()
}

#[tokio::test]
async fn the_checked_in_schema_is_the_exported_one() {
    let exported = exported().await;
    let lines = exported.lines().zip(CHECKED_IN.lines()).enumerate();
    let differing = lines.into_iter().find(|(_, (now, then))| now != then);
    assert!(
        exported == CHECKED_IN,
        "schema.graphql is not what the code exports (first difference, by line: {differing:?}). \
         If the change is meant, run: scripts/generate"
    );
}

#[tokio::test]
async fn every_element_of_the_schema_is_described() {
    let sdl = exported().await;
    let mut silent = Vec::new();
    for (name, definition) in types(&sdl) {
        let mut check = |what: String, described: bool| {
            if !described {
                silent.push(what);
            }
        };
        check(name.clone(), definition.description.is_some());
        for (field, definition) in fields(&definition) {
            check(format!("{name}.{field}"), definition.description.is_some());
            for argument in &definition.arguments {
                let argument = &argument.node;
                let what = format!("{name}.{field}({})", argument.name.node);
                check(what, argument.description.is_some());
            }
        }
        for (field, definition) in inputs(&definition) {
            check(format!("{name}.{field}"), definition.description.is_some());
        }
        if let TypeKind::Enum(variants) = &definition.kind {
            for value in &variants.values {
                let what = format!("{name}.{}", value.node.value.node);
                check(what, value.node.description.is_some());
            }
        }
    }
    assert_eq!(silent, Vec::<String>::new(), "these have no description");
}

/// The panel takes the bounds of its forms from these words.
#[tokio::test]
async fn descriptions_tell_the_bounds_that_hold() {
    let name = format!("1 to {MAX_NAME_CHARS} characters");
    let reason = format!("1 to {MAX_REASON_CHARS} characters");
    let password = format!("t least {MIN_CHARS} characters");
    let cap = format!("0 to {MAX_CAP}");
    let mut silent = Vec::new();
    for (input, definition) in types(&exported().await) {
        // An agent's fields are the agent's to know; whoever signs in has a password already.
        if input.starts_with("Agent") || input == "SignInInput" {
            continue;
        }
        for (field, definition) in inputs(&definition) {
            let bound = match field.as_str() {
                "name" => &name,
                "reason" => &reason,
                "password" | "newPassword" => &password,
                "maxSnapshots" | "maxBackups" => &cap,
                _ => continue,
            };
            let told = definition.description.map(|text| text.node);
            if !told.unwrap_or_default().contains(bound.as_str()) {
                silent.push(format!("{input}.{field}: {bound}"));
            }
        }
    }
    assert_eq!(
        silent,
        Vec::<String>::new(),
        "these do not tell their bound"
    );
}

/// What an agent says in a word that its gateway does not know costs no more than that word, so none of them is an enum.
#[tokio::test]
async fn agents_send_their_words_as_texts() {
    let sdl = exported().await;
    let types = types(&sdl);
    let mut strict = Vec::new();
    for (input, definition) in types.iter().filter(|(name, _)| name.starts_with("Agent")) {
        for (field, definition) in inputs(definition) {
            let kind = definition.ty.node.to_string();
            let kind = types.get(kind.trim_matches(['[', ']', '!']));
            if kind.is_some_and(|kind| matches!(kind.kind, TypeKind::Enum(_))) {
                strict.push(format!("{input}.{field}"));
            }
        }
    }
    assert_eq!(strict, Vec::<String>::new());
}

#[tokio::test]
async fn the_schema_keeps_the_contract() {
    assert_eq!(breaches(CONTRACT, &exported().await), OPEN);
}

#[tokio::test]
async fn what_a_mutation_gives_may_be_null_so_that_a_refusal_hides_nothing_of_the_others() {
    let sdl = exported().await;
    let mutation = types(&sdl).remove("Mutation").unwrap();
    let fields = fields(&mutation);
    // It is refused only to those who are not signed in, and they have nothing to hide.
    let never_null = fields.iter().filter(|(_, field)| !field.ty.node.nullable);
    let never_null: Vec<_> = never_null.map(|(name, _)| name.as_str()).collect();
    assert_eq!(never_null, ["signOut"]);
}

#[test]
fn a_breach_of_the_contract_is_found() {
    let contract =
        "type A { a(x: Int = 1): Int! b: [A!]! } enum E { X Y } input I { v: Int = 2 w: ID! }";
    let broken = [
        (
            "type A { a(x: Int = 1): Int b: [A!]! } enum E { X Y } input I { v: Int = 2 w: ID! }",
            "A.a is Int, not Int!",
        ),
        (
            "type A { a(x: Int = 2): Int! b: [A!]! } enum E { X Y } input I { v: Int = 2 w: ID! }",
            "A.a(x) is Int = 2, not Int = 1",
        ),
        (
            "type A { a(x: Int = 1): Int! } enum E { X Y } input I { v: Int = 2 w: ID! }",
            "A.b is missing",
        ),
        (
            "type A { a(x: Int = 1, y: Int!): Int! b: [A!]! } enum E { X Y } input I { v: Int = 2 w: ID! }",
            "A.a(y) is new and required",
        ),
        (
            "type A { a(x: Int = 1): Int! b: [A!]! } enum E { X } input I { v: Int = 2 w: ID! }",
            "E.Y is missing",
        ),
        (
            "type A { a(x: Int = 1): Int! b: [A!]! } enum E { X Y } input I { v: Int w: ID! }",
            "I.v is Int, not Int = 2",
        ),
        (
            "type A { a(x: Int = 1): Int! b: [A!]! } enum E { X Y } input I { v: Int = 2 w: ID! z: ID! }",
            "I.z is new and required",
        ),
        (
            "type A { a(x: Int = 1): Int! b: [A!]! } enum E { X Y }",
            "I is missing",
        ),
    ];
    for (schema, breach) in broken {
        assert_eq!(breaches(contract, schema), [breach], "{schema}");
    }
    assert_eq!(breaches(contract, contract), Vec::<String>::new());
}

/// What `schema` has not, or has otherwise than `contract`. It may have more.
fn breaches(contract: &str, schema: &str) -> Vec<String> {
    let actual = types(schema);
    let mut breaches = Vec::new();
    for (name, promised) in types(contract) {
        let Some(definition) = actual.get(&name) else {
            breaches.push(format!("{name} is missing"));
            continue;
        };
        if std::mem::discriminant(&promised.kind) != std::mem::discriminant(&definition.kind) {
            breaches.push(format!("{name} is of another kind"));
            continue;
        }
        implemented(&name, &promised, definition, &mut breaches);
        let there = fields(definition);
        for (field, promised) in fields(&promised) {
            let path = format!("{name}.{field}");
            let Some(field) = there.get(&field) else {
                breaches.push(format!("{path} is missing"));
                continue;
            };
            let (promised_type, field_type) = (&promised.ty.node, &field.ty.node);
            if promised_type != field_type {
                breaches.push(format!("{path} is {field_type}, not {promised_type}"));
            }
            let values = |field: &FieldDefinition| -> BTreeMap<_, _> {
                let pair = |value: &async_graphql::Positioned<InputValueDefinition>| {
                    (value.node.name.to_string(), value.node.clone())
                };
                field.arguments.iter().map(pair).collect()
            };
            let path_of = |value: &str| format!("{path}({value})");
            compare(&values(&promised), &values(field), path_of, &mut breaches);
        }
        let path_of = |value: &str| format!("{name}.{value}");
        compare(
            &inputs(&promised),
            &inputs(definition),
            path_of,
            &mut breaches,
        );
        if let (TypeKind::Enum(promised), TypeKind::Enum(there)) =
            (&promised.kind, &definition.kind)
        {
            for value in &promised.values {
                let value = &value.node.value.node;
                if !there
                    .values
                    .iter()
                    .any(|there| there.node.value.node == *value)
                {
                    breaches.push(format!("{name}.{value} is missing"));
                }
            }
        }
    }
    breaches
}

fn implemented(
    name: &str,
    promised: &TypeDefinition,
    there: &TypeDefinition,
    breaches: &mut Vec<String>,
) {
    if let (TypeKind::Object(promised), TypeKind::Object(there)) = (&promised.kind, &there.kind) {
        for interface in &promised.implements {
            let interface = &interface.node;
            if !there
                .implements
                .iter()
                .any(|there| there.node == *interface)
            {
                breaches.push(format!("{name} does not implement {interface}"));
            }
        }
    }
}

/// Compares arguments, or the fields of an input: a new one must not be required.
fn compare(
    promised: &BTreeMap<String, InputValueDefinition>,
    there: &BTreeMap<String, InputValueDefinition>,
    path_of: impl Fn(&str) -> String,
    breaches: &mut Vec<String>,
) {
    let words = |value: &InputValueDefinition| match &value.default_value {
        Some(default) => format!("{} = {}", value.ty.node, default.node),
        None => value.ty.node.to_string(),
    };
    for (name, value) in promised {
        match there.get(name) {
            None => breaches.push(format!("{} is missing", path_of(name))),
            Some(there) if words(value) != words(there) => breaches.push(format!(
                "{} is {}, not {}",
                path_of(name),
                words(there),
                words(value)
            )),
            Some(_) => {}
        }
    }
    for (name, value) in there {
        let required = !value.ty.node.nullable && value.default_value.is_none();
        if required && !promised.contains_key(name) {
            breaches.push(format!("{} is new and required", path_of(name)));
        }
    }
}

fn types(sdl: &str) -> BTreeMap<String, TypeDefinition> {
    let document = parse_schema(sdl).unwrap();
    let definitions = document
        .definitions
        .into_iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => {
                Some((definition.node.name.to_string(), definition.node))
            }
            _ => None,
        });
    definitions.collect()
}

fn fields(definition: &TypeDefinition) -> BTreeMap<String, FieldDefinition> {
    let fields = match &definition.kind {
        TypeKind::Object(object) => &object.fields,
        TypeKind::Interface(interface) => &interface.fields,
        _ => return BTreeMap::new(),
    };
    let named = |field: &async_graphql::Positioned<FieldDefinition>| {
        (field.node.name.to_string(), field.node.clone())
    };
    fields.iter().map(named).collect()
}

fn inputs(definition: &TypeDefinition) -> BTreeMap<String, InputValueDefinition> {
    let TypeKind::InputObject(input) = &definition.kind else {
        return BTreeMap::new();
    };
    let named = |field: &async_graphql::Positioned<InputValueDefinition>| {
        (field.node.name.to_string(), field.node.clone())
    };
    input.fields.iter().map(named).collect()
}
