//! Compresses answers for clients that ask for it: by gzip, which all of them take and which needs little
//! memory for each answer. The panel's files were compressed when it was built.
//!
//! Only answers to queries are marked for it. Event streams never are: what waits in a compressor comes late.
//! Nor are mutations: only their answers hold secrets (`signIn`, `createApiToken`, what agents claim), and the
//! length of a compressed answer tells how much a secret in it is like what the asker wrote (BREACH). They
//! are short, too.

use axum::http::{Extensions, HeaderMap, StatusCode, Version};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{Predicate, SizeAbove},
    },
};

/// Below this an answer fits a packet as it is.
const MIN_BYTES: u16 = 1024;

/// Marks an answer that may be compressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compressible;

/// Compresses what is marked, where the client asks for it.
pub(super) fn layer() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(MIN_BYTES).and(is_marked))
}

fn is_marked(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<Compressible>().is_some()
}
