//! The example file: every key with its default, its meaning and its environment variable.

use toml::{Table, Value};

use super::{Config, overlay};

/// Every key with its default and a comment, as a file to start from.
pub fn example() -> Result<String, toml::ser::Error> {
    let defaults = Table::try_from(Config::default())?;
    let mut text = String::from(
        "# The configuration of Tidemark: every key with its default.\n\
         # Each key can also be set by the environment variable that stands beside it.\n",
    );
    for section in Config::SECTIONS {
        text.push('\n');
        comment(&mut text, section.about);
        text.extend(["[", section.name, "]\n"]);
        for (at, key) in section.keys.iter().enumerate() {
            if at > 0 {
                text.push('\n');
            }
            comment(&mut text, key.about);
            text.extend(["# ", &overlay::variable(section, key.name), "\n"]);
            if let Some(value) = defaults
                .get(section.name)
                .and_then(|keys| keys.get(key.name))
            {
                text.extend([key.name, " = ", &literal(value), "\n"]);
            }
        }
    }
    Ok(text)
}

fn comment(text: &mut String, lines: &[&str]) {
    for line in lines {
        text.extend(["#", line, "\n"]);
    }
}

/// Numbers with separators: a limit in bytes should be readable.
fn literal(value: &Value) -> String {
    match value {
        Value::Integer(number) => grouped(*number),
        other => other.to_string(),
    }
}

fn grouped(number: i64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 || number < 0 {
        return digits;
    }
    let first = digits.len() % 3;
    let mut groups: Vec<&str> = Vec::new();
    if first > 0 {
        groups.push(&digits[..first]);
    }
    let mut rest = &digits[first..];
    while !rest.is_empty() {
        let (group, tail) = rest.split_at(3);
        groups.push(group);
        rest = tail;
    }
    groups.join("_")
}
