//! Which form of answer the client asked for, by its `Accept` header.

use axum::http::{HeaderMap, StatusCode, header};

use super::{failure::Failure, format::Format};
use crate::{domain::ErrorCode, graphql::operation::Kind};

/// The forms that a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The form of a single answer that it likes best.
    single: Option<Format>,
    /// Whether it takes an event stream by name.
    stream: bool,
    /// Whether it likes the event stream better than any single answer.
    stream_first: bool,
}

/// What an operation is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// One body.
    Single(Format),
    /// An event stream.
    Stream,
}

impl Accepted {
    /// What `headers` say. Who says nothing takes JSON.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut single: Option<(Format, f32)> = None;
        let mut stream: Option<f32> = None;
        let mut ranges = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(range)
            .peekable();
        if ranges.peek().is_none() {
            single = Some((Format::Json, 1.0));
        }
        for (range, quality) in ranges {
            let format = match range.as_str() {
                "application/graphql-response+json" => Format::GraphqlResponse,
                "application/json" | "application/*" | "*/*" => Format::Json,
                "text/event-stream" | "text/*" => {
                    stream = Some(stream.map_or(quality, |best| best.max(quality)));
                    continue;
                }
                _ => continue,
            };
            // Of two that it likes as much, the first one.
            if quality > 0.0 && single.is_none_or(|(_, best)| quality > best) {
                single = Some((format, quality));
            }
        }
        let stream = stream.filter(|quality| *quality > 0.0);
        Self {
            single: single.map(|(format, _)| format),
            stream: stream.is_some(),
            stream_first: match (stream, single) {
                (Some(stream), Some((_, single))) => stream > single,
                (Some(_), None) => true,
                (None, _) => false,
            },
        }
    }

    /// The form of a refusal: whatever is taken, a refusal is sent.
    pub fn refusal(self) -> Format {
        self.single.unwrap_or(Format::GraphqlResponse)
    }

    /// How an operation of `kind` is answered: a subscription by a stream only, the others by a
    /// stream if the client likes that best.
    pub fn answer(self, kind: Kind) -> Result<Answer, Failure> {
        match (kind, self.single) {
            (Kind::Subscription, _) if self.stream => Ok(Answer::Stream),
            (Kind::Subscription, _) => Err(not_acceptable(
                "A subscription is answered with text/event-stream, or over a WebSocket at \
                 /graphql/ws.",
            )),
            (_, _) if self.stream_first => Ok(Answer::Stream),
            (_, Some(format)) => Ok(Answer::Single(format)),
            (_, None) => Err(not_acceptable(
                "Answers are application/graphql-response+json, application/json or \
                 text/event-stream: accept one of them.",
            )),
        }
    }
}

fn not_acceptable(message: &str) -> Failure {
    Failure::new(StatusCode::NOT_ACCEPTABLE, ErrorCode::InvalidInput, message)
}

/// A media range, or the like, without its parameters, and its quality.
pub(super) fn range(text: &str) -> Option<(String, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().filter(|range| !range.is_empty())?;
    let quality = parts
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
        .map_or(Some(1.0), |(_, quality)| quality.trim().parse().ok())?;
    Some((range.to_ascii_lowercase(), quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(header: &str) -> Accepted {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, header.parse().unwrap());
        Accepted::of(&headers)
    }

    fn answer(header: &str, kind: Kind) -> Option<Answer> {
        accepted(header).answer(kind).ok()
    }

    #[test]
    fn who_says_nothing_or_anything_gets_json() {
        assert_eq!(
            Accepted::of(&HeaderMap::new()).answer(Kind::Query).unwrap(),
            Answer::Single(Format::Json)
        );
        assert_eq!(
            answer("*/*", Kind::Query),
            Some(Answer::Single(Format::Json))
        );
    }

    #[test]
    fn the_better_liked_form_wins_and_of_equals_the_first() {
        let graphql = Some(Answer::Single(Format::GraphqlResponse));
        let json = Some(Answer::Single(Format::Json));
        assert_eq!(
            answer(
                "application/graphql-response+json, application/json;q=0.9",
                Kind::Query
            ),
            graphql
        );
        assert_eq!(
            answer(
                "application/json;q=0.5, application/graphql-response+json; q=0.8",
                Kind::Query
            ),
            graphql
        );
        assert_eq!(
            answer(
                "Application/JSON; charset=utf-8, application/graphql-response+json",
                Kind::Query
            ),
            json
        );
    }

    #[test]
    fn a_client_that_takes_everything_gets_streams_for_subscriptions_only() {
        let header = "application/graphql-response+json, application/json, text/event-stream";
        assert_eq!(answer(header, Kind::Subscription), Some(Answer::Stream));
        assert_eq!(
            answer(header, Kind::Query),
            Some(Answer::Single(Format::GraphqlResponse))
        );
        assert_eq!(
            answer("text/event-stream", Kind::Query),
            Some(Answer::Stream)
        );
        assert_eq!(
            answer("text/event-stream, */*;q=0.1", Kind::Mutation),
            Some(Answer::Stream)
        );
    }

    #[test]
    fn what_is_not_served_is_not_acceptable() {
        assert_eq!(answer("text/html", Kind::Query), None);
        assert_eq!(answer("application/json;q=0", Kind::Query), None);
        assert_eq!(answer("application/json", Kind::Subscription), None);
    }
}
