//! A disk of made-up content, and the shortest way to write it as an object and read it back.

use tidemark_storage::format::{
    BLOCK_BYTES, Corrupt, Place, SeekTable,
    frame::{self, Content, Decoder, Encoder},
};

#[derive(Debug, Clone)]
pub enum Part {
    /// A run of this many blocks.
    Zeros(u32),
    /// A block that does not compress.
    Noise(u64),
    /// A block that does.
    Text(u8),
}

#[derive(Debug, Clone)]
pub struct Disk {
    pub parts: Vec<Part>,
    /// Bytes in a last, shorter block.
    pub tail: u32,
}

impl Disk {
    pub fn content(&self) -> Vec<u8> {
        let block = BLOCK_BYTES as usize;
        let mut content = Vec::new();
        for part in &self.parts {
            let length = content.len();
            match *part {
                Part::Zeros(blocks) => content.resize(length + block * blocks as usize, 0),
                Part::Noise(seed) => content.extend(noise(seed, block)),
                Part::Text(letter) => content.extend([letter, b'o', b'a', b't'].repeat(block / 4)),
            }
        }
        content.extend(noise(7, self.tail as usize));
        content
    }
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut noise = vec![0; length];
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut noise);
    noise
}

pub struct Object {
    pub bytes: Vec<u8>,
    pub frame_count: u64,
}

impl Object {
    pub fn frames_end(&self) -> usize {
        self.bytes.len() - usize::try_from(SeekTable::encoded_bytes(self.frame_count)).unwrap()
    }
}

pub fn build(content: &[u8]) -> Object {
    let mut encoder = Encoder::new().unwrap();
    let (mut bytes, mut table, mut compressed) = (Vec::new(), SeekTable::new(), Vec::new());
    let mut zeros = 0;
    let mut blocks = content.chunks(BLOCK_BYTES as usize).peekable();
    while let Some(block) = blocks.next() {
        let length = u32::try_from(block.len()).unwrap();
        if frame::is_zero(block) {
            zeros += length;
            if blocks.peek().is_some_and(|next| frame::is_zero(next)) {
                continue;
            }
            compressed = frame::zeros(zeros);
        } else {
            zeros = length;
            encoder.encode(block, &mut compressed).unwrap();
        }
        table.push(u32::try_from(compressed.len()).unwrap(), zeros);
        bytes.extend(&compressed);
        zeros = 0;
    }
    bytes.extend(table.encode().unwrap());
    Object {
        bytes,
        frame_count: table.frame_count(),
    }
}

pub fn read(object: &Object, disk_bytes: usize) -> Result<Vec<u8>, Corrupt> {
    let table_bytes = usize::try_from(SeekTable::encoded_bytes(object.frame_count)).unwrap();
    let Some(start) = object.bytes.len().checked_sub(table_bytes) else {
        return Err(Corrupt::new(Place::Object, "it is too short"));
    };
    let table = SeekTable::parse(
        &object.bytes[start..],
        object.bytes.len() as u64,
        disk_bytes as u64,
    )?;
    let mut decoder = Decoder::new().unwrap();
    let (mut content, mut block) = (Vec::new(), vec![0; BLOCK_BYTES as usize]);
    for frame in table.frames() {
        let start = usize::try_from(frame.object_offset).unwrap();
        let bytes = &object.bytes[start..start + frame.object_bytes as usize];
        match decoder.decode(&frame, bytes, &mut block)? {
            Content::Zeros => content.resize(content.len() + frame.disk_bytes as usize, 0),
            Content::Data => content.extend(&block[..frame.disk_bytes as usize]),
        }
    }
    Ok(content)
}
