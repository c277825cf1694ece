//! `tidemark errors`: prints the table of error codes.

use tidemark::domain::error_code;

pub(super) fn run() {
    print!("{}", error_code::table());
}
