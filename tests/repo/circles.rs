//! No circles between modules that stand beside each other: of two, one at most knows of the other, however many others
//! stand between. What is below a module counts as the module. A module and what is below it may know of each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::architecture::{code, root, sources};

/// Circles that are meant: of the modules below one, with the reason.
const MEANT: &[(&str, &str, &[&str])] = &[
    // `App` is handed to every part and holds values of theirs; a feed checks rights, and what is done tells the hub.
    ("src", "", &["app", "domain", "events"]),
    // The API is a graph: a volume leads to its snapshots, and these to their volume.
    (
        "src",
        "graphql::types",
        &[
            "backup",
            "backup_storage",
            "hypervisor",
            "hypervisor_group",
            "instance",
            "operation",
            "operation_event",
            "place_mark",
            "snapshot",
            "volume",
            "waiting",
        ],
    ),
];

type Path = Vec<String>;

/// The modules of a crate.
#[derive(Default)]
struct Crate {
    /// The paths that each module names, absolute.
    named: BTreeMap<Path, Vec<Path>>,
    /// What a module gives on: by its path and the name, what that is elsewhere.
    given_on: BTreeMap<(Path, String), Path>,
}

fn path(text: &str) -> Path {
    text.split("::")
        .map(|name| name.trim().to_owned())
        .collect()
}

impl Crate {
    fn read<'a>(files: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Self {
        let module = |file: &str| match file.trim_end_matches(".rs") {
            "lib" | "main" => Path::new(),
            file => path(&file.replace('/', "::")),
        };
        let mut known = Self::default();
        for (file, _) in files.clone() {
            known.named.insert(module(file), Vec::new());
        }
        for (file, source) in files {
            let module = module(file);
            // Tests stand at the end of a file.
            let source = source
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default();
            for (_, line) in code(source) {
                known.note(&module, &line);
            }
        }
        known
    }

    /// Notes what a line of a module names.
    fn note(&mut self, module: &Path, line: &str) {
        let Some((before, import)) = line.split_once("use ").filter(|(before, _)| {
            before.trim().is_empty() || before.trim_start().starts_with("pub")
        }) else {
            for word in line.split(|char: char| !char.is_alphanumeric() && !"_:".contains(char)) {
                if word.starts_with("crate::") || word.starts_with("super::") {
                    let named = self.absolute(module, &path(word.trim_end_matches(':')));
                    self.named.entry(module.clone()).or_default().extend(named);
                }
            }
            return;
        };
        let import = import.trim_end_matches(';');
        let (import, alias) = import.split_once(" as ").unwrap_or((import, ""));
        let mut import = path(import);
        if import.last().is_some_and(|last| last == "self") {
            import.pop();
        }
        let Some(named) = self.absolute(module, &import) else {
            return;
        };
        if !before.trim().is_empty() {
            let last = named.last().cloned().unwrap_or_default();
            let name = if alias.is_empty() {
                last
            } else {
                alias.to_owned()
            };
            self.given_on.insert((module.clone(), name), named.clone());
        }
        self.named.entry(module.clone()).or_default().push(named);
    }

    /// What `named` within `module` is from the crate's root; nothing where it is another crate's.
    fn absolute(&self, module: &Path, named: &[String]) -> Option<Path> {
        let mut base = module.clone();
        let mut rest = named;
        match named.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = &named[1..];
            }
            "self" => rest = &named[1..],
            "super" => {
                while let Some(("super", after)) = rest
                    .split_first()
                    .map(|(first, after)| (first.as_str(), after))
                {
                    base.pop()?;
                    rest = after;
                }
            }
            first => {
                base.push(first.to_owned());
                self.named.contains_key(&base).then_some(())?;
                rest = &named[1..];
            }
        }
        Some([&base[..], rest].concat())
    }

    /// The module in which `named` is, whoever gives it on.
    fn home(&self, named: &[String]) -> Path {
        let mut named = named.to_vec();
        for _ in 0..8 {
            let deepest = (0..=named.len())
                .rev()
                .find(|end| *end == 0 || self.named.contains_key(&named[..*end]));
            let (module, rest) = named.split_at(deepest.unwrap_or_default());
            let given = rest
                .first()
                .and_then(|name| self.given_on.get(&(module.to_vec(), name.clone())));
            match given {
                Some(given) if given != &named => named = [given, &rest[1..]].concat(),
                _ => return module.to_vec(),
            }
        }
        named
    }

    /// Who knows of whom, of the modules that stand beside each other below each module.
    fn neighbours(&self) -> BTreeMap<Path, BTreeMap<String, BTreeSet<String>>> {
        let mut all: BTreeMap<Path, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (module, names) in &self.named {
            for named in names {
                let home = self.home(named);
                let shared = module.iter().zip(&home).take_while(|(a, b)| a == b).count();
                if let (Some(from), Some(to)) = (module.get(shared), home.get(shared)) {
                    let level = all.entry(module[..shared].to_vec()).or_default();
                    level.entry(from.clone()).or_default().insert(to.clone());
                }
            }
        }
        all
    }

    /// The circles, each with the module below which it is.
    fn circles(&self) -> Vec<(String, Vec<String>)> {
        let mut circles = Vec::new();
        for (level, edges) in self.neighbours() {
            let reach = |from: &String| {
                let mut seen = BTreeSet::new();
                let mut open: Vec<_> = edges.get(from).into_iter().flatten().collect();
                while let Some(next) = open.pop() {
                    if seen.insert(next.clone()) {
                        open.extend(edges.get(next).into_iter().flatten());
                    }
                }
                seen
            };
            let reached: BTreeMap<_, _> = edges.keys().map(|from| (from, reach(from))).collect();
            let circle = |of: &String| -> Vec<String> {
                let back = |to: &&String| reached.get(to).is_some_and(|seen| seen.contains(of));
                reached[of].iter().filter(back).cloned().collect()
            };
            let mut found: Vec<_> = edges.keys().map(circle).filter(|c| !c.is_empty()).collect();
            found.dedup();
            found.sort();
            found.dedup();
            circles.extend(found.into_iter().map(|circle| (level.join("::"), circle)));
        }
        circles
    }
}

#[test]
fn no_modules_know_of_each_other_in_a_circle() {
    let mut wrong = Vec::new();
    let mut met = 0;
    for part in [
        "src",
        "agent/src",
        "storage/src",
        "entity/src",
        "migration/src",
        "testbed/src",
    ] {
        let directory = root().join(part);
        let mut files = Vec::new();
        sources(&directory, &mut files);
        let read: Vec<_> = files
            .iter()
            .map(|file| {
                let name = file.strip_prefix(&directory).unwrap().to_str().unwrap();
                (name.to_owned(), std::fs::read_to_string(file).unwrap())
            })
            .collect();
        let files = read
            .iter()
            .map(|(name, source)| (name.as_str(), source.as_str()));
        for (below, circle) in Crate::read(files).circles() {
            let is_meant = MEANT
                .iter()
                .any(|(of, level, meant)| *of == part && *level == below && *meant == circle);
            if is_meant {
                met += 1;
            } else {
                wrong.push(format!("{part}, below \"{below}\": {}", circle.join(", ")));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(
        met,
        MEANT.len(),
        "a circle that was meant is gone: take it from the list"
    );
}

#[test]
fn a_circle_is_found_through_others_and_through_what_is_given_on() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\nmod c;\npub use c::Third;\n"),
        ("a.rs", "use crate::b::Second;\n"),
        ("b.rs", "mod deep;\n"),
        ("b/deep.rs", "use crate::{Third, b};\n"),
        ("c.rs", "fn third() { crate::a::first() }\n"),
        ("d.rs", "use super::a;\n"),
    ];
    let circles = Crate::read(files.into_iter()).circles();
    let expected = ["a", "b", "c"].map(str::to_owned).to_vec();
    assert_eq!(circles, [(String::new(), expected)]);
}
