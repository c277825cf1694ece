//! Answers as JSON. Lists of which every field is copied from rows are written while they are answered: most of what a page
//! costs otherwise is a value for each of their cells, which is made, looked at once and thrown away.

use async_graphql::{Name, Response, Value, indexmap::IndexMap};
use bytes::Bytes;
use serde::Serialize;

/// Whether lists may be text: the answer is written by [`response`], which knows what to do with them, and nobody looks into
/// it before. It comes with a request; without it they may not.
#[derive(Clone, Copy, Debug)]
pub struct InText(pub bool);

/// JSON as a value. Nothing else of the API is binary.
pub fn written(json: Vec<u8>) -> Value {
    Value::Binary(Bytes::from(json))
}

/// `response` as the specification of GraphQL wants it: one that `is_refusal` has no `data`.
pub fn response(response: &Response, is_refusal: bool) -> serde_json::Result<Vec<u8>> {
    let mut json = Vec::with_capacity(256);
    if is_refusal {
        json.extend_from_slice(br#"{"errors":"#);
        serde_json::to_writer(&mut json, &response.errors)?;
    } else {
        json.extend_from_slice(br#"{"data":"#);
        value(&response.data, &mut json)?;
        if !response.extensions.is_empty() {
            member("extensions", &response.extensions, &mut json)?;
        }
        if !response.errors.is_empty() {
            member("errors", &response.errors, &mut json)?;
        }
    }
    json.push(b'}');
    Ok(json)
}

fn member(name: &str, content: &impl Serialize, json: &mut Vec<u8>) -> serde_json::Result<()> {
    json.push(b',');
    serde_json::to_writer(&mut *json, name)?;
    json.push(b':');
    serde_json::to_writer(json, content)
}

/// Writes `value` behind what is in `json`.
pub fn value(value: &Value, json: &mut Vec<u8>) -> serde_json::Result<()> {
    match value {
        Value::Object(fields) => object(fields, json),
        Value::List(items) => {
            json.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    json.push(b',');
                }
                self::value(item, json)?;
            }
            json.push(b']');
            Ok(())
        }
        Value::Binary(text) => {
            json.extend_from_slice(text);
            Ok(())
        }
        Value::String(text) => serde_json::to_writer(json, text),
        Value::Enum(name) => serde_json::to_writer(json, name.as_str()),
        Value::Number(number) => serde_json::to_writer(json, number),
        Value::Boolean(truth) => serde_json::to_writer(json, truth),
        Value::Null => {
            json.extend_from_slice(b"null");
            Ok(())
        }
    }
}

fn object(fields: &IndexMap<Name, Value>, json: &mut Vec<u8>) -> serde_json::Result<()> {
    json.push(b'{');
    for (at, (name, field)) in fields.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        serde_json::to_writer(&mut *json, name.as_str())?;
        json.push(b':');
        value(field, json)?;
    }
    json.push(b'}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_graphql::{Pos, ServerError};
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_written_as_its_library_writes_it() {
        let data = json!({
            "a": [1, -2.5, null, true, "quote \" and \u{1F600} and \n"],
            "b \"": { "c": [], "d": {} },
        });
        let mut with_errors = Response::new(Value::from_json(data.clone()).unwrap());
        with_errors.errors.push(ServerError::new(
            "it fails",
            Some(Pos { line: 1, column: 2 }),
        ));
        let told = Response::new(Value::from_json(data).unwrap()).extension("x", Value::from(1));
        for response in [told, with_errors, Response::new(Value::Null)] {
            let expected = serde_json::to_string(&response).unwrap();
            let json = super::response(&response, false).unwrap();
            assert_eq!(String::from_utf8(json).unwrap(), expected);
        }
    }

    #[test]
    fn what_was_written_is_a_part_of_the_answer() {
        let rows = written(br#"[{"id":"x"}]"#.to_vec());
        let data = Value::Object(IndexMap::from([(Name::new("rows"), rows)]));
        let json = response(&Response::new(data), false).unwrap();
        assert_eq!(json, br#"{"data":{"rows":[{"id":"x"}]}}"#);
    }
}
