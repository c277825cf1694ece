//! What the volumes hold: content of several kinds, the same in every run.

use bytes::Bytes;

/// The unit in which kinds of content alternate.
pub const EXTENT_BYTES: usize = 4 << 20;

/// The content of an extent, by its number. Of ten extents, in no order, three are noise that does
/// not compress, four are text, two are records with random fields, and one is zeros that were
/// written.
pub fn extent(number: u64) -> Bytes {
    let mut noise = vec![0; EXTENT_BYTES];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&number.to_le_bytes());
    let kind = hasher.finalize().as_bytes()[0] % 10;
    if kind == 9 {
        return noise.into();
    }
    hasher.finalize_xof().fill(&mut noise);
    match kind {
        0..=2 => noise.into(),
        3 | 4 => records(&noise),
        _ => text(&noise),
    }
}

/// Lines of words, some more frequent than others.
fn text(noise: &[u8]) -> Bytes {
    const WORDS: [&str; 16] = [
        "the ",
        "volume ",
        "of ",
        "request ",
        "GET /index.html ",
        "200 ",
        "error: ",
        "and ",
        "snapshot ",
        "to ",
        "user ",
        "in ",
        "connection ",
        "from ",
        "timeout ",
        "\n",
    ];
    let mut text = Vec::with_capacity(EXTENT_BYTES + 32);
    let mut choices = noise.iter().cycle();
    while text.len() < EXTENT_BYTES {
        let choice = choices.next().copied().unwrap_or_default();
        text.extend_from_slice(WORDS[usize::from(choice & 15)].as_bytes());
        if choice > 200 {
            text.extend_from_slice(choice.to_string().as_bytes());
        }
    }
    text.truncate(EXTENT_BYTES);
    text.into()
}

/// Records of 32 bytes, half of each the same in all.
fn records(noise: &[u8]) -> Bytes {
    let mut records = noise.to_vec();
    for record in records.chunks_mut(32) {
        record[..16].copy_from_slice(b"record\0\0\x01\0\0\0\xff\xff\0\0");
    }
    records.into()
}
