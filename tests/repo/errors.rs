//! The table of error codes in the documentation is the one in the code.

use tidemark::domain::error_code;

#[test]
fn the_documented_error_codes_are_those_of_the_code() {
    assert!(
        error_code::table() == include_str!("../../docs/errors.md"),
        "docs/errors.md is not what the code says. Run: cargo run -- errors > docs/errors.md"
    );
}
