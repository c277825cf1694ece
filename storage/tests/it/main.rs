//! The backup's format as others see it: any layout round-trips, the `zstd` tool reads it, and no
//! changed bit goes unnoticed.
#![expect(
    clippy::disallowed_methods,
    reason = "tests run the tools that users have"
)]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod nfs;
mod object;

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use object::{Disk, Part, build, read};
use proptest::prelude::*;
use tidemark_storage::format::{BLOCK_BYTES, Corrupt, Place, ZERO_RUN_BYTES};

fn layout() -> impl Strategy<Value = Disk> {
    let part = prop_oneof![
        2 => (1..4_u32).prop_map(Part::Zeros),
        3 => any::<u64>().prop_map(Part::Noise),
        2 => any::<u8>().prop_map(Part::Text),
    ];
    let tail = prop_oneof![
        Just(0),
        Just(512),
        Just(BLOCK_BYTES - 512),
        (1..4000_u32).prop_map(|n| n * 512)
    ];
    (prop::collection::vec(part, 0..6), tail).prop_map(|(parts, tail)| Disk { parts, tail })
}

/// Decompresses with the real tool, and says so when there is none.
fn zstd_tool(object: &[u8]) -> Option<Vec<u8>> {
    let tool = Command::new("zstd")
        .args(["-d", "-c", "-q"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut tool) = tool else {
        testbed::skip("the zstd tool is not installed");
        return None;
    };
    let mut input = tool.stdin.take().unwrap();
    let object = object.to_vec();
    let feeder = std::thread::spawn(move || input.write_all(&object).unwrap());
    let output = tool.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert!(output.status.success(), "zstd -d failed");
    Some(output.stdout)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_layout_reads_back_as_it_was(disk in layout()) {
        let content = disk.content();
        let object = build(&content);
        prop_assert_eq!(&read(&object, content.len()).unwrap(), &content);
        if let Some(decompressed) = zstd_tool(&object.bytes) {
            prop_assert_eq!(&decompressed, &content);
        }
    }

    #[test]
    fn any_flipped_bit_is_noticed(disk in layout(), position in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let content = disk.content();
        let mut object = build(&content);
        let position = position.index(object.bytes.len());
        object.bytes[position] ^= 1_u8 << bit;
        let Corrupt { place, .. } = read(&object, content.len()).unwrap_err();
        let frames_end = object.frames_end();
        match place {
            Place::Frame { object_offset, .. } => {
                prop_assert!(object_offset <= position as u64 && position < frames_end);
            }
            Place::SeekTable => prop_assert!(position >= frames_end),
            other => prop_assert!(false, "{other:?} for byte {position} of {frames_end}"),
        }
    }

    #[test]
    fn a_cut_object_is_noticed(disk in layout(), position in any::<prop::sample::Index>()) {
        let content = disk.content();
        let mut object = build(&content);
        let length = position.index(object.bytes.len());
        object.bytes.truncate(length);
        prop_assert!(read(&object, content.len()).is_err());
    }
}

#[test]
fn the_longest_run_of_zeros_is_small_and_the_tool_reads_it() {
    let frame = tidemark_storage::format::frame::zeros(ZERO_RUN_BYTES);
    assert_eq!(frame.len(), 32_778);
    if let Some(decompressed) = zstd_tool(&frame) {
        assert_eq!(decompressed.len(), ZERO_RUN_BYTES as usize);
        assert!(tidemark_storage::format::frame::is_zero(&decompressed));
    }
}
