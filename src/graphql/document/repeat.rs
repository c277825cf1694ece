//! Whether a document asks an object for the same edge twice. The executor then answers it twice, and puts the answers
//! together, for which they have to be values yet.

use std::collections::{HashMap, HashSet};

use apollo_compiler::{
    ExecutableDocument, Name,
    executable::{Field, Selection, SelectionSet},
};

/// Whether anywhere in `document` two edges of one object have the same name, whatever their conditions say.
pub fn repeats(document: &ExecutableDocument) -> bool {
    let mut search = Search {
        document,
        fragments: HashMap::new(),
    };
    let operations = document.operations.iter().map(|one| &one.selection_set);
    let fragments = document.fragments.values().map(|one| &one.selection_set);
    let mut due: Vec<_> = operations.chain(fragments).collect();
    while let Some(set) = due.pop() {
        if search.edges(set).is_none() {
            return true;
        }
        due.extend(
            set.selections
                .iter()
                .filter_map(|selection| match selection {
                    Selection::Field(field) => Some(&field.selection_set),
                    Selection::InlineFragment(fragment) => Some(&fragment.selection_set),
                    // It is searched as a fragment.
                    Selection::FragmentSpread(_) => None,
                }),
        );
    }
    false
}

struct Search<'a> {
    document: &'a ExecutableDocument,
    /// The edges of those that were looked at.
    fragments: HashMap<&'a Name, HashSet<&'a Name>>,
}

impl<'a> Search<'a> {
    /// The names of the edges of `set`; none if one is there twice. A valid document has no circles of fragments.
    fn edges(&mut self, set: &'a SelectionSet) -> Option<HashSet<&'a Name>> {
        let mut edges = HashSet::new();
        for selection in &set.selections {
            let within = match selection {
                Selection::Field(field) if is_edge(field) => HashSet::from([field.response_key()]),
                Selection::Field(_) => continue,
                Selection::InlineFragment(fragment) => self.edges(&fragment.selection_set)?,
                Selection::FragmentSpread(spread) => {
                    let name = &spread.fragment_name;
                    if !self.fragments.contains_key(name) {
                        let fragment = self.document.fragments.get(name)?;
                        let edges = self.edges(&fragment.selection_set)?;
                        self.fragments.insert(name, edges);
                    }
                    self.fragments.get(name)?.clone()
                }
            };
            for edge in within {
                if !edges.insert(edge) {
                    return None;
                }
            }
        }
        Some(edges)
    }
}

fn is_edge(field: &Field) -> bool {
    !field.selection_set.is_empty()
}

#[cfg(test)]
mod tests {
    use apollo_compiler::Schema;

    use super::*;

    const SDL: &str = "type Query { a: Query b: Query c: Int }";

    fn repeated(text: &str) -> bool {
        let schema = Schema::parse_and_validate(SDL, "schema").unwrap();
        let document = ExecutableDocument::parse_and_validate(&schema, text, "document").unwrap();
        repeats(&document)
    }

    #[test]
    fn an_edge_that_is_asked_for_once_in_each_object_is_not_repeated() {
        for text in [
            "{ a { c } b { c } }",
            "{ c c a { c a { c } } }",
            "{ a { c } x: a { c } }",
            "{ a { ...F } b { ...F } } fragment F on Query { a { c } }",
            "{ ...F b { c } } fragment F on Query { a { ... { b { c } } } }",
        ] {
            assert!(!repeated(text), "{text}");
        }
    }

    #[test]
    fn an_edge_that_is_asked_for_twice_in_one_object_is_repeated() {
        for text in [
            "{ a { c } a { c } }",
            "{ a { b { c } b { c } } }",
            "{ x: a { c } x: a { c } }",
            "{ a { c } ... { a { c } } }",
            "{ ...F ...F } fragment F on Query { a { c } }",
            "{ a { c } ...F } fragment F on Query { ...G } fragment G on Query { a { c } }",
            "{ a { c } a @skip(if: true) { c } }",
        ] {
            assert!(repeated(text), "{text}");
        }
    }
}
