//! Documents and bodies that no client would send, made from the schema by a seed: most of them nearly right,
//! because what is plainly wrong is refused before it reaches anything.

use std::{collections::BTreeMap, fmt::Write};

use async_graphql::parser::{
    parse_schema,
    types::{
        BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
    },
};
use fastrand::Rng;
use serde_json::{Value, json};

/// How deep selections and inputs go, at most.
const DEPTH: usize = 6;

/// Makes documents of one schema.
pub struct Generator {
    rng: Rng,
    types: BTreeMap<String, TypeKind>,
    /// Ids of things that are there.
    ids: Vec<String>,
}

impl Generator {
    pub fn new(sdl: &str, seed: u64, ids: Vec<String>) -> Self {
        let document = parse_schema(sdl).unwrap();
        let types = document.definitions.into_iter().filter_map(|definition| {
            let TypeSystemDefinition::Type(definition) = definition else {
                return None;
            };
            Some((definition.node.name.node.to_string(), definition.node.kind))
        });
        Self {
            rng: Rng::with_seed(seed),
            types: types.collect(),
            ids,
        }
    }

    /// One in `n` times.
    fn rarely(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.rng.usize(0..all.len())]
    }

    /// The body of a request: JSON more often than not.
    pub fn body(&mut self) -> Vec<u8> {
        let document = self.document();
        let mut body = json!({ "query": document });
        if self.rarely(3) {
            body["variables"] = self.json(0);
        }
        if self.rarely(6) {
            body["operationName"] = self.json(DEPTH - 1);
        }
        if self.rarely(8) {
            body["extensions"] = self.json(0);
        }
        if self.rarely(20) {
            body["query"] = self.json(0);
        }
        if self.rarely(30) {
            body = json!([body, self.json(0)]);
        }
        let mut bytes = body.to_string().into_bytes();
        if self.rarely(15) {
            self.damage(&mut bytes);
        }
        bytes
    }

    /// A document of the schema, damaged now and then.
    pub fn document(&mut self) -> String {
        let (kind, root) = *self.pick(&[
            ("query", "Query"),
            ("query", "Query"),
            ("mutation", "Mutation"),
            ("subscription", "Subscription"),
        ]);
        let mut text = String::new();
        let variables = self.rarely(4);
        if variables {
            let ty = *self.pick(&[
                "Int",
                "ID!",
                "[String!]",
                "VolumeFilter",
                "Missing",
                "Boolean! = null",
            ]);
            write!(text, "{kind} Q($v: {ty}) ").unwrap();
        } else if kind != "query" || self.rarely(2) {
            write!(text, "{kind} ").unwrap();
        }
        self.selection(&mut text, root, 0, variables);
        if self.rarely(5) {
            write!(
                text,
                " fragment F on {} ",
                self.pick(&["Volume", "Query", "Node", "Int"])
            )
            .unwrap();
            self.selection(&mut text, "Volume", DEPTH - 2, variables);
        }
        if self.rarely(12) {
            text.push_str(" query R { serverTime }");
        }
        if self.rarely(8) {
            let mut bytes = text.into_bytes();
            self.damage(&mut bytes);
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
        text
    }

    fn selection(&mut self, text: &mut String, ty: &str, depth: usize, variables: bool) {
        let fields: Vec<FieldDefinition> = match self.types.get(ty) {
            Some(TypeKind::Object(object)) => object
                .fields
                .iter()
                .map(|field| field.node.clone())
                .collect(),
            Some(TypeKind::Interface(node)) => {
                node.fields.iter().map(|field| field.node.clone()).collect()
            }
            _ => return,
        };
        text.push_str("{ ");
        for _ in 0..self.rng.usize(1..5) {
            match self.rng.u32(0..24) {
                0 => text.push_str("__typename "),
                1 => text.push_str("...F "),
                2 => {
                    write!(text, "... on {ty} ").unwrap();
                    self.selection(text, ty, depth + 1, variables);
                    continue;
                }
                3 => text.push_str("missing "),
                _ => {}
            }
            let field = self.pick(&fields).clone();
            if self.rarely(6) {
                write!(text, "a{}: ", self.rng.u32(0..3)).unwrap();
            }
            text.push_str(&field.name.node);
            self.arguments(text, &field, depth, variables);
            if self.rarely(12) {
                let directive = *self.pick(&["@skip", "@include", "@missing", "@deprecated"]);
                write!(
                    text,
                    " {directive}(if: {})",
                    self.pick(&["true", "false", "null", "$v"])
                )
                .unwrap();
            }
            text.push(' ');
            let below = named(&field.ty.node.base).to_owned();
            let composite = matches!(
                self.types.get(&below),
                Some(TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_))
            );
            if composite && depth < DEPTH {
                self.selection(text, &below, depth + 1, variables);
            } else if composite {
                text.push_str("{ __typename } ");
            }
        }
        text.push_str("} ");
    }

    fn arguments(
        &mut self,
        text: &mut String,
        field: &FieldDefinition,
        depth: usize,
        variables: bool,
    ) {
        let wanted: Vec<InputValueDefinition> = field
            .arguments
            .iter()
            .map(|argument| argument.node.clone())
            .collect();
        let given: Vec<_> = wanted
            .into_iter()
            .filter(|argument| {
                let wrong = self.rng.u32(0..20) == 0;
                argument.ty.node.nullable == wrong || (argument.ty.node.nullable && self.rng.bool())
            })
            .collect();
        if given.is_empty() {
            return;
        }
        text.push('(');
        for argument in given {
            write!(text, "{}: ", argument.name.node).unwrap();
            if variables && self.rarely(6) {
                text.push_str("$v");
            } else {
                self.value(text, &argument.ty.node, depth);
            }
            text.push_str(", ");
        }
        text.push(')');
    }

    fn value(&mut self, text: &mut String, ty: &Type, depth: usize) {
        if depth > DEPTH + 2 || self.rarely(if ty.nullable { 6 } else { 30 }) {
            text.push_str("null");
            return;
        }
        match &ty.base {
            BaseType::List(inner) => {
                text.push('[');
                for _ in 0..self.rng.usize(0..4) {
                    self.value(text, inner, depth + 1);
                    text.push(' ');
                }
                text.push(']');
            }
            BaseType::Named(name) => self.leaf(text, name.as_str(), depth),
        }
    }

    fn leaf(&mut self, text: &mut String, name: &str, depth: usize) {
        if self.rarely(30) {
            let odd = *self.pick(&[
                "{}",
                "[]",
                "1e400",
                "-0",
                "\"\"\"block\"\"\"",
                "ENUM",
                "99999999999999999999",
            ]);
            text.push_str(odd);
            return;
        }
        match self.types.get(name).cloned() {
            Some(TypeKind::Enum(values)) => {
                let values: Vec<_> = values
                    .values
                    .iter()
                    .map(|value| value.node.value.node.to_string())
                    .collect();
                text.push_str(&self.pick(&values).clone());
            }
            Some(TypeKind::InputObject(input)) => {
                text.push_str("{ ");
                for field in &input.fields {
                    let field = &field.node;
                    if !field.ty.node.nullable || self.rarely(2) {
                        write!(text, "{}: ", field.name.node).unwrap();
                        self.value(text, &field.ty.node, depth + 1);
                        text.push(' ');
                    }
                }
                text.push('}');
            }
            _ => {
                let scalar = self.scalar(name);
                text.push_str(&scalar.to_string());
            }
        }
    }

    fn scalar(&mut self, name: &str) -> Value {
        match name {
            "Int" | "ByteCount" => {
                let numbers = [
                    0,
                    1,
                    2,
                    50,
                    100,
                    101,
                    -1,
                    i64::from(i32::MAX),
                    i64::from(i32::MIN),
                    1 << 40,
                    1 << 53,
                    i64::MAX,
                ];
                json!(self.pick(&numbers))
            }
            "Float" => json!(self.rng.f64()),
            "Boolean" => json!(self.rng.bool()),
            "ID" => {
                let ids = self.ids.clone();
                if ids.is_empty() || self.rarely(4) {
                    self.string()
                } else {
                    json!(self.pick(&ids))
                }
            }
            "DateTime" => json!(self.pick(&[
                "2026-01-01T00:00:00Z",
                "9999-12-31T23:59:59Z",
                "0000-01-01T00:00:00Z",
                "+262143-12-31T23:59:59Z",
                "2026-02-30T00:00:00Z",
                "",
            ])),
            "Decimal" => json!(self.pick(&[
                "0",
                "0.01",
                "-1",
                "1e30",
                "NaN",
                "79228162514264337593543950335",
                ""
            ])),
            _ => self.string(),
        }
    }

    fn string(&mut self) -> Value {
        if self.rarely(40) {
            return json!("x".repeat(self.rng.usize(0..40_000)));
        }
        json!(self.pick(&[
            "",
            " ",
            "web",
            "x",
            "\u{0}",
            "a\nb",
            "\u{202e}evil",
            "\u{200b}",
            "é",
            "e\u{301}",
            "%",
            "_",
            "'",
            "\"",
            "\\",
            "; DROP TABLE volumes; --",
            "ann@example.com",
            "0190a0a0-0000-7000-8000-000000000000",
            "{0190a0a0-0000-7000-8000-000000000000}",
            "/var/lib/../../etc",
            "file:///etc/passwd",
            "MQ",
            "AAAA",
            "💾",
        ]))
    }

    /// Any JSON.
    fn json(&mut self, depth: usize) -> Value {
        match self.rng.u32(0..if depth < DEPTH { 8 } else { 5 }) {
            0 => Value::Null,
            1 => json!(self.rng.bool()),
            2 => self.scalar("Int"),
            3 => json!(self.rng.f64() * 1e300),
            4 => self.string(),
            5 => (0..self.rng.usize(0..4))
                .map(|_| self.json(depth + 1))
                .collect(),
            _ => {
                let names = [
                    "v",
                    "first",
                    "id",
                    "input",
                    "",
                    "__proto__",
                    "persistedQuery",
                    "sha256Hash",
                ];
                let pairs = (0..self.rng.usize(0..4))
                    .map(|_| ((*self.pick(&names)).to_owned(), self.json(depth + 1)));
                Value::Object(pairs.collect())
            }
        }
    }

    /// Bytes lost, doubled, put in or changed.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.rng.usize(1..4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.rng.usize(0..bytes.len());
            match self.rng.u32(0..5) {
                0 => bytes.truncate(at),
                1 => bytes[at] = self.rng.u8(..),
                2 => {
                    let tokens: [&[u8]; 10] = [
                        b"{", b"}", b"(", b"[", b"$", b"...", b"\"", b"\"\"\"", b"#", b"@",
                    ];
                    let token = *self.pick(&tokens);
                    bytes.splice(at..at, token.iter().copied());
                }
                3 => {
                    let end = self.rng.usize(at..bytes.len());
                    let again = bytes[at..end].to_vec();
                    bytes.splice(at..at, again);
                }
                _ => {
                    let end = self.rng.usize(at..bytes.len());
                    bytes.drain(at..end);
                }
            }
        }
    }
}

/// The type under lists.
fn named(mut base: &BaseType) -> &str {
    loop {
        match base {
            BaseType::Named(name) => return name.as_str(),
            BaseType::List(inner) => base = &inner.base,
        }
    }
}
