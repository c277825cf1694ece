//! The one way in which parts may know of each other. A wrong edge is named by file and line.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A part of the repository and what it must not name.
struct Rule {
    /// The files below this path.
    part: &'static str,
    /// Paths that must not occur in them.
    forbidden: &'static [&'static str],
}

/// http → graphql → domain → entity, streams ← events; the agent: link → work → drivers → export →
/// storage. What lies further right knows nothing of what lies to its left.
const RULES: &[Rule] = &[
    Rule {
        part: "entity/",
        forbidden: &[
            "tidemark::",
            "migration::",
            "storage::",
            "agent::",
            "async_graphql",
            "axum",
        ],
    },
    Rule {
        part: "migration/",
        forbidden: &[
            "tidemark::",
            "entity::",
            "storage::",
            "agent::",
            "async_graphql",
            "axum",
        ],
    },
    Rule {
        part: "storage/src/",
        forbidden: &[
            "tidemark::",
            "entity::",
            "migration::",
            "agent::",
            "sea_orm",
            "async_graphql",
            "axum",
        ],
    },
    Rule {
        part: "panel/embed/",
        forbidden: &[
            "tidemark::",
            "entity::",
            "storage::",
            "agent::",
            "async_graphql",
            "axum",
        ],
    },
    Rule {
        part: "agent/src/",
        forbidden: &[
            "tidemark::",
            "entity::",
            "migration::",
            "sea_orm",
            "async_graphql",
            "axum",
        ],
    },
    Rule {
        part: "src/task/",
        forbidden: &[
            "crate::graphql",
            "crate::http",
            "crate::config",
            "crate::lifecycle",
            "async_graphql",
            "axum",
            "hyper::",
        ],
    },
    Rule {
        part: "src/domain/",
        forbidden: &[
            "crate::task",
            "crate::graphql",
            "crate::http",
            "crate::config",
            "crate::lifecycle",
            "async_graphql",
            "axum",
            "hyper::",
        ],
    },
    Rule {
        part: "src/events/",
        forbidden: &[
            "crate::graphql",
            "crate::http",
            "crate::config",
            "crate::lifecycle",
            "async_graphql",
            "axum",
            "hyper::",
        ],
    },
    Rule {
        part: "src/graphql/",
        forbidden: &[
            "crate::task",
            "crate::http",
            "crate::config",
            "crate::lifecycle",
            "axum",
            "hyper::",
            "domain::transaction",
        ],
    },
    Rule {
        part: "src/http/",
        forbidden: &[
            "crate::task",
            "sea_orm",
            "entity::",
            "domain::transaction",
            "domain::operation",
        ],
    },
    Rule {
        part: "src/config/",
        forbidden: &[
            "crate::graphql",
            "crate::http",
            "sea_orm",
            "async_graphql",
            "axum",
        ],
    },
];

/// What each member of the workspace may depend on, of ours and of what tells its layer.
const DEPENDENCIES: &[(&str, &[&str])] = &[
    (
        "Cargo.toml",
        &[
            "entity",
            "migration",
            "storage",
            "agent",
            "panel",
            "async-graphql",
            "axum",
            "sea-orm",
            "sea-orm-migration",
        ],
    ),
    ("entity/Cargo.toml", &["sea-orm"]),
    ("migration/Cargo.toml", &["sea-orm-migration", "sea-orm"]),
    ("storage/Cargo.toml", &[]),
    ("agent/Cargo.toml", &["storage"]),
    ("panel/Cargo.toml", &[]),
];

/// The dependencies that [`DEPENDENCIES`] speaks of.
const TELLING: &[&str] = &[
    "entity",
    "migration",
    "storage",
    "agent",
    "panel",
    "async-graphql",
    "axum",
    "sea-orm",
    "sea-orm-migration",
    "tidemark",
];

/// A wrong edge.
#[derive(Debug, PartialEq, Eq)]
struct Edge {
    file: String,
    line: usize,
    names: &'static str,
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} names {}", self.file, self.line, self.names)
    }
}

/// The wrong edges of one file: of its code, not of its comments.
fn wrong_edges(file: &str, source: &str) -> Vec<Edge> {
    let rules = RULES.iter().filter(|rule| {
        // The module's own file stands beside its directory.
        let module = format!("{}.rs", rule.part.trim_end_matches('/'));
        file.starts_with(rule.part) || file == module
    });
    let mut edges = Vec::new();
    for rule in rules {
        for (number, line) in code(source) {
            let found = rule.forbidden.iter().filter(|name| names(&line, name));
            edges.extend(found.map(|name| Edge {
                file: file.to_owned(),
                line: number,
                names: name,
            }));
        }
    }
    edges
}

/// The lines of code, numbered; an import that spans lines counts as written in one, at its first.
pub fn code(source: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in source.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default().trim();
        match lines.last_mut() {
            Some((_, import)) if open => import.push_str(line),
            _ => lines.push((index + 1, line.to_owned())),
        }
        let (_, last) = &lines[lines.len() - 1];
        let imports = last.starts_with("use ") || last.starts_with("pub use ");
        open = imports && !last.contains(';');
    }
    lines
        .into_iter()
        .flat_map(|(number, line)| {
            spelled_out(&line)
                .into_iter()
                .map(move |line| (number, line))
        })
        .collect()
}

/// `use crate::{http::a, graphql}` names `crate::http::a` and `crate::graphql`.
fn spelled_out(line: &str) -> Vec<String> {
    let Some((prefix, group)) = line.split_once("::{") else {
        return vec![line.to_owned()];
    };
    if !line.contains("use ") {
        return vec![line.to_owned()];
    }
    let (mut depth, mut part, mut parts) = (0, String::new(), Vec::new());
    for char in group.chars() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(char);
    }
    parts.push(part);
    parts
        .iter()
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| spelled_out(&format!("{prefix}::{}", part.trim())))
        .collect()
}

/// Whether `line` names `path` as a whole: not as the tail of a longer name.
fn names(line: &str, path: &str) -> bool {
    let mut from = 0;
    while let Some(at) = line[from..].find(path) {
        let start = from + at;
        let end = start + path.len();
        let free =
            |char: Option<char>| char.is_none_or(|char| !char.is_alphanumeric() && char != '_');
        // `crate::storage::` is a module of the crate's own.
        let own = line[..start].ends_with("::");
        let whole = free(line[..start].chars().next_back())
            && (path.ends_with("::") || free(line[end..].chars().next()));
        if whole && !own {
            return true;
        }
        from = end;
    }
    false
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All sources below a directory.
pub fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_import_goes_the_one_way() {
    let mut files = Vec::new();
    for part in [
        "src",
        "entity/src",
        "migration/src",
        "storage/src",
        "agent/src",
        "panel/embed",
    ] {
        let before = files.len();
        sources(&root().join(part), &mut files);
        assert!(files.len() > before, "{part} has no sources");
    }
    let mut edges = Vec::new();
    for path in files {
        let file = path
            .strip_prefix(root())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        edges.extend(wrong_edges(&file, &std::fs::read_to_string(path).unwrap()));
    }
    let edges: Vec<_> = edges.iter().map(ToString::to_string).collect();
    assert_eq!(edges, Vec::<String>::new());
}

#[test]
fn a_wrong_edge_is_named_by_file_and_line() {
    let source = "//! Says crate::http in its words only.\n\nuse std::fmt;\n\
                  use crate::{\n    app::App,\n    graphql::{Failure, page::Page},\n};\n\
                  fn f() { crate::http::serve() } // crate::http\n";
    let edges = wrong_edges("src/domain/volume.rs", source);
    let told: Vec<_> = edges.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "src/domain/volume.rs:4 names crate::graphql",
            "src/domain/volume.rs:4 names crate::graphql",
            "src/domain/volume.rs:8 names crate::http",
        ]
    );
    assert_eq!(wrong_edges("src/cli/serve.rs", source), []);
    assert_eq!(wrong_edges("src/domain.rs", "use axum::Router;").len(), 1);
    assert_eq!(
        wrong_edges("agent/src/work.rs", "use crate::storage::Pool;"),
        []
    );
    assert_eq!(wrong_edges("agent/src/work.rs", "use my_entity::x;"), []);
    assert_eq!(
        wrong_edges("agent/src/work.rs", "use entity::volume;").len(),
        1
    );
}

#[test]
fn every_member_depends_only_on_what_its_layer_may() {
    for (manifest, allowed) in DEPENDENCIES {
        let text = std::fs::read_to_string(root().join(manifest)).unwrap();
        let mut section = String::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with('[') {
                line.clone_into(&mut section);
                continue;
            }
            let Some(name) = line.split(['.', '=', ' ']).next() else {
                continue;
            };
            if section != "[dependencies]" || !TELLING.contains(&name) {
                continue;
            }
            assert!(
                allowed.contains(&name),
                "{manifest}:{} depends on {name}",
                index + 1
            );
        }
    }
}
