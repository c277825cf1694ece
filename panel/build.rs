//! Has the library built again when the panel's build changes. It never runs npm.

use std::{fs, io, path::Path, time::SystemTime};

const DIST: &str = "dist";

fn main() {
    // Cargo takes a path that is missing for one that has changed, and would build the gateway anew
    // each time. Where the directory cannot be made, it does just that.
    if let Err(error) = ensure_directory(Path::new(DIST)) {
        println!("cargo::warning=panel/{DIST} cannot be made: {error}");
    }
    println!("cargo::rerun-if-changed={DIST}");
    println!("cargo::rerun-if-changed=build.rs");
}

/// Makes the directory where it is missing, old enough that making it is no change.
fn ensure_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir(path)?;
    fs::File::open(path)?.set_modified(SystemTime::UNIX_EPOCH)
}
