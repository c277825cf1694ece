//! Environment variables over the file: `TIDEMARK_<SECTION>_<KEY>` sets `key` of `[section]`.
//! What nobody reads is refused: a key that is misspelled must not be a key that is ignored.

use toml::{Table, Value};

use super::{Config, Error, SectionInfo};

const PREFIX: &str = "TIDEMARK_";

/// Variables of ours that are no keys: read by single commands, by the tests, or by the agent.
const OTHERS: &[&str] = &["TIDEMARK_PASSWORD"];
const OTHER_PREFIXES: &[&str] = &["TIDEMARK_TEST_"];

/// Fails on the first section or key of the file that nothing reads.
pub(super) fn refuse_unknown_keys(table: &Table) -> Result<(), Error> {
    for (name, value) in table {
        let Some(section) = Config::SECTIONS.iter().find(|known| known.name == name) else {
            let nearest = nearest(
                name,
                Config::SECTIONS.iter().map(|known| known.name.to_owned()),
            );
            return Err(unknown(
                "section",
                &format!("[{name}]"),
                nearest.map(|near| format!("[{near}]")),
            ));
        };
        let Value::Table(keys) = value else {
            return Err(Error::Syntax(format!(
                "{name} is a section: write [{name}] and its keys below it"
            )));
        };
        for key in keys.keys() {
            if !section.keys.iter().any(|known| known.name == key) {
                let nearest = nearest(key, section.keys.iter().map(|known| known.name.to_owned()));
                return Err(unknown(
                    "key",
                    &format!("{name}.{key}"),
                    nearest.map(|near| format!("{name}.{near}")),
                ));
            }
        }
    }
    Ok(())
}

/// Sets in `table` what `variables` say.
pub(super) fn apply(
    table: &mut Table,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<(), Error> {
    let mut variables: Vec<_> = variables
        .into_iter()
        .filter(|(name, _)| {
            name.starts_with(PREFIX)
                && !OTHERS.contains(&name.as_str())
                && !OTHER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        })
        .collect();
    if variables.is_empty() {
        return Ok(());
    }
    // The first one that is wrong is the same on every start.
    variables.sort();
    let defaults = Table::try_from(Config::default())
        .map_err(|error| Error::Syntax(format!("the defaults cannot be written: {error}")))?;
    for (name, value) in variables {
        let Some((section, key)) = find(&name) else {
            let known = Config::SECTIONS
                .iter()
                .flat_map(|section| section.keys.iter().map(|key| variable(section, key.name)));
            return Err(unknown(
                "environment variable",
                &name,
                nearest(&name, known),
            ));
        };
        let default = defaults
            .get(section.name)
            .and_then(|section| section.get(key))
            .unwrap_or(&Value::Boolean(false));
        let value = parse(&name, &value, default)?;
        let keys = table
            .entry(section.name)
            .or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(keys) = keys {
            keys.insert(key.to_owned(), value);
        }
    }
    Ok(())
}

/// The variable that sets a key.
pub(super) fn variable(section: &SectionInfo, key: &str) -> String {
    format!("{PREFIX}{}_{}", section.name, key).to_uppercase()
}

fn find(name: &str) -> Option<(&'static SectionInfo, &'static str)> {
    Config::SECTIONS.iter().find_map(|section| {
        let key = section
            .keys
            .iter()
            .find(|key| variable(section, key.name) == name)?;
        Some((section, key.name))
    })
}

/// `text` as a value of the kind that `default` is of. A list is written with commas.
fn parse(name: &str, text: &str, default: &Value) -> Result<Value, Error> {
    let text = text.trim();
    let wrong = |kind: &str| Error::Syntax(format!("{name} is not {kind}: {text:?}"));
    match default {
        Value::Integer(_) => text
            .parse()
            .map(Value::Integer)
            .map_err(|_| wrong("a whole number")),
        Value::Boolean(_) => text
            .parse()
            .map(Value::Boolean)
            .map_err(|_| wrong("true or false")),
        Value::Array(_) => Ok(Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        )),
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn unknown(kind: &str, name: &str, nearest: Option<String>) -> Error {
    let hint = match nearest {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => "`tidemark config example` lists all there are".to_owned(),
    };
    Error::Unknown(format!("unknown {kind} {name}: {hint}"))
}

/// The known name that is most like `name`, if one is like it at all.
fn nearest(name: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(name, &known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}
