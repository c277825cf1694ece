//! One document for each way in which the schema lets a list be asked for: every argument, every field of every filter, every
//! word of every enum, forwards and backwards. They follow from the schema, so that what is added to it is asked for, too.

use std::collections::BTreeMap;

use async_graphql::parser::{
    parse_schema,
    types::{
        BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
    },
};
use async_graphql::{Name, Positioned};

/// How deep an answer's objects are asked for.
const DEPTH: u32 = 2;

/// The types of a schema by their names.
struct Types(BTreeMap<String, TypeKind>);

/// All documents for `sdl`. `ids` gives an id for what an argument or a field is called.
pub fn all(sdl: &str, ids: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let types = Types::read(sdl);
    let mut documents = Vec::new();
    for field in types.fields("Query") {
        let field = &field.node;
        let name = field.name.node.as_str();
        if name == "__schema" || name == "__type" {
            continue;
        }
        let selection = types.selection(field, DEPTH);
        let required: Option<Vec<_>> = field
            .arguments
            .iter()
            .filter(|argument| !argument.node.ty.node.nullable)
            .map(|argument| {
                let value = types.values(&argument.node, name, ids).into_iter().next()?;
                Some(format!("{}: {value}", argument.node.name.node))
            })
            .collect();
        // What takes more than an id is for tests of its own.
        let Some(required) = required else { continue };
        let mut choices = vec![String::new()];
        for argument in &field.arguments {
            if argument.node.ty.node.nullable {
                let values = types.values(&argument.node, name, ids);
                let argument = &argument.node.name.node;
                choices.extend(values.iter().map(|value| format!("{argument}: {value}")));
            }
        }
        for choice in choices {
            let mut arguments = required.clone();
            arguments.extend((!choice.is_empty()).then_some(choice));
            let arguments = match arguments.join(", ") {
                none if none.is_empty() => none,
                some => format!("({some})"),
            };
            documents.push(format!("{{ {name}{arguments} {selection} }}"));
        }
    }
    documents
}

impl Types {
    fn read(sdl: &str) -> Self {
        let document = parse_schema(sdl).unwrap();
        let types = document.definitions.into_iter().filter_map(|definition| {
            let TypeSystemDefinition::Type(definition) = definition else {
                return None;
            };
            Some((definition.node.name.node.to_string(), definition.node.kind))
        });
        Self(types.collect())
    }

    fn fields(&self, name: &str) -> &[Positioned<FieldDefinition>] {
        match self.0.get(name) {
            Some(TypeKind::Object(object)) => &object.fields,
            _ => &[],
        }
    }

    /// What is asked for of a field's type: all that takes no argument of its own.
    fn selection(&self, field: &FieldDefinition, depth: u32) -> String {
        let name = name_of(&field.ty.node);
        match self.0.get(&name) {
            Some(TypeKind::Object(_)) => {}
            Some(TypeKind::Interface(_) | TypeKind::Union(_)) => {
                return "{ __typename }".to_owned();
            }
            _ => return String::new(),
        }
        let mut asked = vec!["__typename".to_owned()];
        for field in self.fields(&name) {
            let own = field.node.name.node.as_str();
            let below = name_of(&field.node.ty.node);
            let is_leaf = !matches!(
                self.0.get(&below),
                Some(TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_))
            );
            let needs = field.node.arguments.iter();
            let needs = needs.filter(|argument| {
                !argument.node.ty.node.nullable && argument.node.default_value.is_none()
            });
            if needs.count() > 0 || own == "edges" {
                continue;
            }
            // A connection is no step: its rows are.
            let is_page = name.ends_with("Connection");
            if is_leaf {
                asked.push(own.to_owned());
            } else if depth > 0 {
                let depth = if is_page { depth } else { depth - 1 };
                let few = if below.ends_with("Connection") {
                    "(first: 2)"
                } else {
                    ""
                };
                asked.push(format!("{own}{few} {}", self.selection(&field.node, depth)));
            }
        }
        format!("{{ {} }}", asked.join(" "))
    }

    /// Values that an argument or a field of an input may have.
    fn values(
        &self,
        value: &InputValueDefinition,
        parent: &str,
        ids: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<String> {
        let name = value.name.node.as_str();
        let kind = name_of(&value.ty.node);
        match (kind.as_str(), self.0.get(&kind)) {
            ("ID", _) => {
                let of = if name == "id" {
                    parent
                } else {
                    name.trim_end_matches("Id")
                };
                ids(of).into_iter().map(|id| format!("{id:?}")).collect()
            }
            ("Boolean", _) => vec!["true".to_owned(), "false".to_owned()],
            ("Int", _) => vec!["20".to_owned()],
            ("DateTime", _) => vec![
                "\"2026-09-20T00:00:00Z\"".to_owned(),
                "\"2026-08-01T00:00:00Z\"".to_owned(),
            ],
            ("String", _) if matches!(name, "after" | "before") => Vec::new(),
            ("String", _) => ["volume-77", "vol", "zz", "no such name"]
                .map(|text| format!("{text:?}"))
                .to_vec(),
            (_, Some(TypeKind::Enum(words))) => {
                let words = words.values.iter();
                words.map(|word| word.node.value.node.to_string()).collect()
            }
            (_, Some(TypeKind::InputObject(input))) => self.objects(&input.fields, ids),
            _ => Vec::new(),
        }
    }

    /// Objects of an input: one for each value of each field that may be left out, with the first of those that may not; or one
    /// for each pair where none may.
    fn objects(
        &self,
        fields: &[Positioned<InputValueDefinition>],
        ids: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<String> {
        let values = |field: &Positioned<InputValueDefinition>| -> Vec<String> {
            let name = &field.node.name.node;
            let values = self.values(&field.node, "", ids).into_iter();
            values.map(|value| format!("{name}: {value}")).collect()
        };
        let (optional, required): (Vec<_>, Vec<_>) =
            fields.iter().partition(|field| field.node.ty.node.nullable);
        let mut whole = vec![String::new()];
        for field in required {
            let with = |known: &String| {
                let values = values(field).into_iter();
                values
                    .map(|value| format!("{known} {value}"))
                    .collect::<Vec<_>>()
            };
            whole = whole.iter().flat_map(with).collect();
        }
        if optional.is_empty() {
            return whole
                .iter()
                .map(|fields| format!("{{ {fields} }}"))
                .collect();
        }
        let optional = optional.into_iter().flat_map(values);
        let first = whole.first().cloned().unwrap_or_default();
        optional
            .map(|value| format!("{{ {first} {value} }}"))
            .collect()
    }
}

fn name_of(of: &Type) -> String {
    let mut base = &of.base;
    loop {
        match base {
            BaseType::Named(name) => return Name::to_string(name),
            BaseType::List(inner) => base = &inner.base,
        }
    }
}
