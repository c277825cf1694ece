//! News as messages of PostgreSQL: words with spaces between them, below 8,000 bytes.
//!
//! ```text
//! 2 SENDER * vAZCgoAAAcACAAAAAAAAAAA +1004-1006 pAZCgoAAAcACAAAAAAAAAAA:2:1:512:1024:
//! 2 SENDER #17-19 =1001-1002 =1004-1004 E a0190a0a0-0000-7000-8000-ffffffffffff
//! ```
//!
//! The first word is the version, the second the gateway that sends it. `*` is everything, `+` begins serials of events
//! that were written, `p` an operation's progress, `?` an operation that is watched, and most others are topics. What this gateway cannot read, since a newer
//! one wrote it, may be anything.
//!
//! The second one is what the database tells of events that it numbered, by its function `number_events`: `#` begins the
//! numbers, `=` the serials that they had.

use std::ops::RangeInclusive;

use entity::OperationId;

use crate::events::{
    news::{News, Numbered},
    progress::Progress,
    topic::{long, short},
};

/// The version of this form.
const VERSION: &str = "2";
/// The most bytes of a message: PostgreSQL refuses 8,000.
const MAX_BYTES: usize = 7_900;

/// The messages that tell `news`.
pub(super) fn write(sender: &str, news: &News) -> Vec<String> {
    let all = news.is_all.then(|| "*".to_owned());
    let topics = news.topics.iter().map(ToString::to_string);
    let written = news
        .written
        .iter()
        .map(|serials| format!("+{}-{}", serials.start(), serials.end()));
    let progress = news
        .progress
        .iter()
        .map(|(operation, progress)| format!("p{}:{progress}", short(operation.as_uuid())));
    let watched = news
        .watched
        .iter()
        .map(|operation| format!("?{}", short(operation.as_uuid())));
    let head = format!("{VERSION} {sender}");
    let mut messages: Vec<String> = Vec::new();
    let words = all.into_iter().chain(topics).chain(written);
    for word in words.chain(progress).chain(watched) {
        match messages.last_mut() {
            Some(message) if message.len() + 1 + word.len() <= MAX_BYTES => {
                message.push(' ');
                message.push_str(&word);
            }
            _ => messages.push(format!("{head} {word}")),
        }
    }
    messages
}

/// Who sent `message`, and what it tells.
pub(in crate::events) fn read(message: &str) -> (&str, News) {
    let mut words = message.split(' ');
    let version = words.next();
    let sender = words.next().unwrap_or_default();
    if version != Some(VERSION) {
        return (sender, News::everything());
    }
    let mut news = News::default();
    for word in words {
        if let Some(serials) = word.strip_prefix('+').and_then(range) {
            news.written.push(serials);
        } else if let Some(numbers) = word.strip_prefix('#').and_then(range) {
            news.numbered = Some(Numbered {
                numbers,
                serials: Vec::new(),
            });
        } else if let Some(numbered) = &mut news.numbered
            && let Some(serials) = word.strip_prefix('=').and_then(range)
        {
            numbered.serials.push(serials);
        } else if let Some((operation, progress)) = word.strip_prefix('p').and_then(far) {
            news.progress.insert(operation, progress);
        } else if let Some(operation) = word.strip_prefix('?').and_then(long) {
            news.watched.insert(OperationId::from_uuid(operation));
        } else if let Ok(topic) = word.parse() {
            news.topics.insert(topic);
        } else {
            news.is_all = true;
        }
    }
    (sender, news)
}

fn range(text: &str) -> Option<RangeInclusive<i64>> {
    let (start, end) = text.split_once('-')?;
    Some(start.parse().ok()?..=end.parse().ok()?)
}

fn far(text: &str) -> Option<(OperationId, Progress)> {
    let (operation, progress) = text.split_once(':')?;
    let operation = OperationId::from_uuid(long(operation)?);
    Some((operation, progress.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use entity::{AccountId, OperationId, VolumeId};
    use uuid::Uuid;

    use super::*;
    use crate::events::Topic;

    #[test]
    fn news_are_read_as_they_were_written() {
        let id = Uuid::from_u128(7);
        let news = News {
            is_all: false,
            topics: [
                Topic::Volume(VolumeId::from_uuid(id)),
                Topic::Operation(OperationId::from_uuid(id)),
                Topic::Events,
            ]
            .into(),
            written: vec![1..=1, 17..=19],
            numbered: None,
            progress: [(OperationId::from_uuid(id), "2:1:512:1024:".parse().unwrap())].into(),
            watched: [OperationId::from_uuid(id)].into(),
        };
        let messages = write("me", &news);
        assert_eq!(messages.len(), 1);
        assert_eq!(read(&messages[0]), ("me", news));
        let everything = write("me", &News::everything());
        assert_eq!(read(&everything[0]), ("me", News::everything()));
        assert!(write("me", &News::default()).is_empty());
    }

    #[test]
    fn what_is_too_long_for_one_message_goes_in_several() {
        let news = News {
            written: (0..1_000)
                .map(|number| number * 10..=number * 10 + 1)
                .collect(),
            ..News::default()
        };
        let messages = write("me", &news);
        assert!(messages.len() > 1);
        assert!(messages.iter().all(|message| message.len() < 8_000));
        let written = messages.iter().flat_map(|message| read(message).1.written);
        assert_eq!(written.collect::<Vec<_>>(), news.written);
    }

    #[test]
    fn what_cannot_be_read_may_be_anything() {
        for message in [
            "",
            "2",
            "1 you whatever",
            "2 you nonsense",
            "2 you +1",
            "2 you +a-b",
            "2 you =1-2",
        ] {
            let (_, news) = read(message);
            assert_eq!(news.is_all, message != "2", "{message:?}");
        }
        let (sender, news) = read("2 you E later:1 +1-2");
        assert_eq!((sender, news.is_all), ("you", true));
        assert_eq!(news.written, [1..=2]);
    }

    #[test]
    fn what_the_database_tells_of_numbers_is_read() {
        let id = Uuid::from_u128(7);
        let message = format!("2 me #17-19 =1-2 =4-4 E a{id}");
        let (sender, news) = read(&message);
        assert_eq!(sender, "me");
        let account = Topic::EventsOf(AccountId::from_uuid(id));
        assert_eq!(news.topics, [Topic::Events, account].into());
        let numbered = Numbered {
            numbers: 17..=19,
            serials: vec![1..=2, 4..=4],
        };
        assert_eq!(news.numbered, Some(numbered));
        assert!(!news.is_all);
    }
}
