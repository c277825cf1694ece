//! Server-sent events: the frames in which the gateway's subscriptions arrive.

/// More than this without an end of line is no stream of ours.
const MAX_PENDING: usize = 1 << 20;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Its kind: `next` or `complete`.
    pub(super) kind: String,
    /// Its content.
    pub(super) data: String,
}

/// Puts events together from the pieces in which they arrive.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    pending: Vec<u8>,
    kind: String,
    data: String,
}

impl Decoder {
    /// Takes a piece, and gives the events that it completes; none if this is no event stream.
    pub(super) fn push(&mut self, piece: &[u8]) -> Option<Vec<Event>> {
        self.pending.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            events.extend(self.take_line(line.trim_end_matches(['\r', '\n'])));
        }
        (self.pending.len() <= MAX_PENDING && self.data.len() <= MAX_PENDING).then_some(events)
    }

    fn take_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let (kind, data) = (
                std::mem::take(&mut self.kind),
                std::mem::take(&mut self.data),
            );
            return (!kind.is_empty() || !data.is_empty()).then_some(Event { kind, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            // A comment, which keeps the connection alive, or a field that is not used here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str =
        ": hello\r\n\r\nevent: next\ndata: {\"a\":\ndata: 1}\n\n:\n\nevent: complete\ndata\n\n";

    #[test]
    fn events_are_whole_however_they_are_cut() {
        for size in 1..STREAM.len() {
            let mut decoder = Decoder::default();
            let pieces = STREAM.as_bytes().chunks(size);
            let events: Vec<_> = pieces
                .flat_map(|piece| decoder.push(piece).unwrap())
                .collect();
            assert_eq!(
                events,
                [
                    Event {
                        kind: "next".into(),
                        data: "{\"a\":\n1}".into()
                    },
                    Event {
                        kind: "complete".into(),
                        data: String::new()
                    },
                ]
            );
        }
    }

    #[test]
    fn a_line_without_end_is_given_up_on() {
        let mut decoder = Decoder::default();
        let piece = vec![b'x'; MAX_PENDING + 1];
        assert_eq!(decoder.push(&piece), None);
    }
}
