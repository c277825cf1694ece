//! A connection to QEMU's monitor.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::Path,
};

use serde_json::{Value, json};

use crate::{until, wait::PATIENCE};

/// QMP, one command at a time.
#[derive(Debug)]
pub struct Qmp(BufReader<UnixStream>);

impl Qmp {
    /// Connects as soon as QEMU listens.
    pub async fn connect(socket: &Path) -> Self {
        let connects = async || UnixStream::connect(socket).ok();
        let stream = until("QEMU listens", connects).await;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut qmp = Self(BufReader::new(stream));
        qmp.receive();
        qmp.execute("qmp_capabilities", &json!({}));
        qmp
    }

    /// Runs a command, and gives what it returns.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Value {
        let returned = self.try_execute(command, arguments);
        returned.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Runs a command, and gives what it returns, or its error.
    pub fn try_execute(&mut self, command: &str, arguments: &Value) -> Result<Value, Value> {
        let line = json!({ "execute": command, "arguments": arguments }).to_string() + "\n";
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
        loop {
            let mut answer = self.receive();
            if let Some(error) = answer.get_mut("error") {
                return Err(error.take());
            }
            if let Some(returned) = answer.get_mut("return") {
                return Ok(returned.take());
            }
        }
    }

    /// Runs a line of the human monitor, and gives what it prints.
    pub fn human(&mut self, line: &str) -> String {
        let printed = self.execute("human-monitor-command", &json!({ "command-line": line }));
        printed.as_str().unwrap().to_owned()
    }

    /// Sends a command whose answer may be lost with QEMU.
    pub(crate) fn send(&mut self, command: &str) {
        let line = json!({ "execute": command }).to_string() + "\n";
        let _ = self.0.get_mut().write_all(line.as_bytes());
    }

    fn receive(&mut self) -> Value {
        let mut line = String::new();
        let bytes = self.0.read_line(&mut line);
        assert!(bytes.expect("QEMU says nothing") > 0, "QEMU has hung up");
        serde_json::from_str(&line).unwrap()
    }
}
