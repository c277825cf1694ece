//! What of a disk has to be read: its blocks that hold data, and the runs between them that do not.

use std::ops::Range;

use storage::format::{BLOCK_BYTES, ZERO_RUN_BYTES};

use super::{Error, Source};

const BLOCK: u64 = BLOCK_BYTES as u64;

/// A stretch of a disk that becomes one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Reads as zeros; whole blocks, save at the end of the disk.
    Zeros { offset: u64, length: u32 },
    /// One block, some of which may hold data.
    Data { offset: u64, length: u32 },
}

/// Which blocks of a disk may hold data: one byte for 2 MiB.
#[derive(Debug)]
pub(super) struct Plan {
    has_data: Vec<bool>,
    size_bytes: u64,
}

impl Plan {
    /// Asks for the whole map.
    pub(super) async fn of(source: &Source) -> Result<Self, Error> {
        let mut plan = Self::empty(source.size_bytes())?;
        let mut position = 0;
        while position < plan.size_bytes {
            let (data, end) = source.data(position).await?;
            for stretch in data {
                plan.mark(&stretch);
            }
            position = end;
        }
        Ok(plan)
    }

    fn empty(size_bytes: u64) -> Result<Self, Error> {
        let blocks = usize::try_from(size_bytes.div_ceil(BLOCK)).map_err(std::io::Error::other)?;
        Ok(Self {
            has_data: vec![false; blocks],
            size_bytes,
        })
    }

    fn mark(&mut self, data: &Range<u64>) {
        for block in data.start / BLOCK..data.end.div_ceil(BLOCK) {
            let block = usize::try_from(block).ok();
            if let Some(has_data) = block.and_then(|block| self.has_data.get_mut(block)) {
                *has_data = true;
            }
        }
    }

    /// How many bytes have to be read.
    pub(super) fn data_bytes(&self) -> u64 {
        self.units()
            .map(|unit| match unit {
                Unit::Zeros { .. } => 0,
                Unit::Data { length, .. } => u64::from(length),
            })
            .sum()
    }

    /// The disk from its beginning to its end.
    pub(super) fn units(&self) -> impl Iterator<Item = Unit> + Send + '_ {
        let mut position = 0;
        std::iter::from_fn(move || {
            let unit = self.unit_at(position)?;
            position += match unit {
                Unit::Zeros { length, .. } | Unit::Data { length, .. } => u64::from(length),
            };
            Some(unit)
        })
    }

    fn unit_at(&self, offset: u64) -> Option<Unit> {
        let blocks = self.has_data.get(usize::try_from(offset / BLOCK).ok()?..)?;
        let left = self
            .size_bytes
            .checked_sub(offset)
            .filter(|left| *left > 0)?;
        let up_to = |bytes: u64| u32::try_from(bytes.min(left)).ok();
        if *blocks.first()? {
            return Some(Unit::Data {
                offset,
                length: up_to(BLOCK)?,
            });
        }
        let longest = (ZERO_RUN_BYTES / BLOCK_BYTES) as usize;
        let run = blocks
            .iter()
            .take(longest)
            .take_while(|has_data| !**has_data)
            .count();
        Some(Unit::Zeros {
            offset,
            length: up_to(run as u64 * BLOCK)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(size_bytes: u64, data: &[(u64, u64)]) -> Vec<Unit> {
        let mut plan = Plan::empty(size_bytes).unwrap();
        for &(offset, length) in data {
            plan.mark(&(offset..offset + length));
        }
        plan.units().collect()
    }

    #[test]
    fn a_byte_of_data_makes_its_block_data() {
        assert_eq!(
            plan(4 * BLOCK + 512, &[(2 * BLOCK - 1, 2)]),
            [
                Unit::Zeros {
                    offset: 0,
                    length: BLOCK_BYTES
                },
                Unit::Data {
                    offset: BLOCK,
                    length: BLOCK_BYTES
                },
                Unit::Data {
                    offset: 2 * BLOCK,
                    length: BLOCK_BYTES
                },
                Unit::Zeros {
                    offset: 3 * BLOCK,
                    length: BLOCK_BYTES + 512
                },
            ]
        );
    }

    #[test]
    fn a_run_of_zeros_is_cut_at_its_longest() {
        let longest = u64::from(ZERO_RUN_BYTES);
        assert_eq!(
            plan(longest + 4096, &[]),
            [
                Unit::Zeros {
                    offset: 0,
                    length: ZERO_RUN_BYTES
                },
                Unit::Zeros {
                    offset: longest,
                    length: 4096
                },
            ]
        );
    }

    #[test]
    fn the_units_cover_the_disk_without_gaps() {
        let units = plan(
            37 * BLOCK + 1024,
            &[(0, 1), (5 * BLOCK, 3 * BLOCK), (37 * BLOCK, 512)],
        );
        let mut position = 0;
        for unit in units {
            let (Unit::Zeros { offset, length } | Unit::Data { offset, length }) = unit;
            assert_eq!(offset, position);
            position += u64::from(length);
        }
        assert_eq!(position, 37 * BLOCK + 1024);
    }
}
