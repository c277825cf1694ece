//! Reading what a child writes, without letting it fill memory.

use std::sync::Arc;

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader},
    sync::mpsc,
};

use crate::report::{Journal, Level};

const MAX_STDOUT: usize = 8 << 20;
const MAX_LINE: u64 = 4 << 10;
const KEPT_LINES: usize = 20;
/// Lines that reach the journal one by one; of the rest it is told how many there were.
const MAX_TOLD: usize = 100;

/// All of a child's standard output, up to a bound; the rest is read and dropped. With a sink, that
/// gets all of it, and nothing comes back.
pub(super) async fn stdout(
    source: Option<impl AsyncRead + Unpin>,
    sink: Option<mpsc::Sender<Bytes>>,
) -> Vec<u8> {
    let Some(mut source) = source else {
        return Vec::new();
    };
    let mut kept = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    while let Ok(length @ 1..) = source.read(&mut buffer).await {
        if let Some(sink) = &sink {
            // A child must not be blocked by nobody's wanting what it writes.
            drop(sink.send(Bytes::copy_from_slice(&buffer[..length])).await);
            continue;
        }
        let room = MAX_STDOUT.saturating_sub(kept.len()).min(length);
        kept.extend_from_slice(&buffer[..room]);
    }
    kept
}

/// A child's standard error: its first lines into the journal, where a tool that names every cluster
/// would drown all else. The last lines come back.
pub(super) async fn stderr(
    source: Option<impl AsyncRead + Unpin>,
    tool: String,
    journal: Arc<Journal>,
) -> String {
    let Some(source) = source else {
        return String::new();
    };
    let mut source = BufReader::new(source);
    let mut kept: Vec<String> = Vec::new();
    let mut line = Vec::new();
    let mut count = 0_usize;
    loop {
        line.clear();
        match (&mut source)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(1..) => {}
            _ => break,
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if text.is_empty() {
            continue;
        }
        count += 1;
        if count <= MAX_TOLD {
            journal.private(Level::Debug, format!("{tool}: {text}"));
        }
        if kept.len() == KEPT_LINES {
            kept.remove(0);
        }
        kept.push(text);
    }
    if let Some(left @ 1..) = count.checked_sub(MAX_TOLD) {
        journal.private(
            Level::Debug,
            format!(
                "{tool}: {left} more lines, the last of them: {}",
                kept.join("; ")
            ),
        );
    }
    kept.join("; ")
}
