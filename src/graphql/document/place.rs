//! Where in a text something stands: from its offset to line and column, in little time however long the lines are.

use async_graphql::Pos;

/// The lines of a text.
#[derive(Debug)]
pub(super) struct Places {
    /// Where each line begins.
    lines: Vec<usize>,
    /// The bytes that begin no character.
    inside: Vec<usize>,
}

impl Places {
    /// The places in `text`.
    pub(super) fn of(text: &str) -> Self {
        let mut lines = vec![0];
        let mut inside = Vec::new();
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' => lines.push(at + 1),
                b'\r' if bytes.get(at + 1) != Some(&b'\n') => lines.push(at + 1),
                0x80..=0xBF => inside.push(at),
                _ => {}
            }
        }
        Self { lines, inside }
    }

    /// Line and column of what begins at `offset`, both from 1. Columns are counted in characters.
    pub(super) fn at(&self, offset: usize) -> Pos {
        let line = self.lines.partition_point(|&begin| begin <= offset);
        let begin = self.lines.get(line.saturating_sub(1)).copied();
        let begin = begin.unwrap_or_default();
        let before = |end: usize| self.inside.partition_point(|&at| at < end);
        Pos {
            line,
            column: offset - begin - (before(offset) - before(begin)) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_the_specification_says_and_columns_are_characters() {
        let text = "a\nbé c\r\nd\re";
        let places = Places::of(text);
        let at = |what: char| {
            let Pos { line, column } = places.at(text.find(what).unwrap());
            (line, column)
        };
        assert_eq!(at('a'), (1, 1));
        assert_eq!(at('b'), (2, 1));
        assert_eq!(at('é'), (2, 2));
        assert_eq!(at('c'), (2, 4));
        assert_eq!(at('d'), (3, 1));
        assert_eq!(at('e'), (4, 1));
    }
}
