//! A gate before and behind a program that an agent runs, to hold it at a known point.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use testbed::until;

/// A script in place of a program. While it is shut for a call, the call stands still.
pub struct Gate {
    program: PathBuf,
    directory: PathBuf,
}

impl Gate {
    /// A gate for `program` in `directory`, open.
    pub fn new(directory: &Path, program: &str) -> Self {
        let directory = directory.join(format!("{program}-gate"));
        fs::create_dir_all(&directory).unwrap();
        let script = directory.join(program);
        let text = format!(
            "#!/bin/sh\n\
             # Stands still where a file says so: before the program runs, or after it.\n\
             hold() {{\n\
             \x20 [ -e \"$gate/$1\" ] && case \"$call\" in *\"$(cat \"$gate/$1\")\"*)\n\
             \x20   echo \"$$\" > \"$gate/held\"\n\
             \x20   while [ -e \"$gate/$1\" ]; do sleep 0.02; done;;\n\
             \x20 esac\n\
             }}\n\
             gate='{gate}'\n\
             call=\"$*\"\n\
             hold before\n\
             /usr/bin/{program} \"$@\"\n\
             code=$?\n\
             hold after\n\
             exit $code\n",
            gate = directory.display(),
        );
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            program: script,
            directory,
        }
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Shuts it for calls whose arguments hold `words`: `before` the program runs, or `after`.
    pub fn shut(&self, place: &str, words: &str) {
        fs::write(self.directory.join(place), words).unwrap();
    }

    /// Waits until a call stands at it.
    pub async fn held(&self) {
        let held = self.directory.join("held");
        until("a call that stands at the gate", async || {
            held.exists().then_some(())
        })
        .await;
    }

    /// Opens it for all.
    pub fn open(&self) {
        for file in ["before", "after", "held"] {
            let _ = fs::remove_file(self.directory.join(file));
        }
    }
}
