//! The numbers of the protocol, and the shape of a request.

pub(super) const INIT_MAGIC: u64 = 0x4e42_444d_4147_4943; // "NBDMAGIC"
pub(super) const OPTION_MAGIC: u64 = 0x4948_4156_454f_5054; // "IHAVEOPT"
pub(super) const OPTION_REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
const REQUEST_MAGIC: u32 = 0x2560_9513;
pub(super) const SIMPLE_REPLY_MAGIC: u32 = 0x6744_6698;
pub(super) const STRUCTURED_REPLY_MAGIC: u32 = 0x668e_33ef;

pub(super) const FLAG_FIXED_NEWSTYLE: u16 = 1;
pub(super) const FLAG_NO_ZEROES: u16 = 2;

pub(super) const OPTION_GO: u32 = 7;
pub(super) const OPTION_STRUCTURED_REPLY: u32 = 8;
pub(super) const OPTION_SET_META_CONTEXT: u32 = 10;
pub(super) const OPTION_REPLY_ACK: u32 = 1;
pub(super) const OPTION_REPLY_INFO: u32 = 3;
pub(super) const OPTION_REPLY_META_CONTEXT: u32 = 4;
pub(super) const OPTION_REPLY_ERROR: u32 = 1 << 31;
/// The errors by which a server declines an option: unknown, forbidden by policy, not built in.
pub(super) const OPTION_REPLY_DECLINED: [u32; 3] = [
    OPTION_REPLY_ERROR | 1,
    OPTION_REPLY_ERROR | 2,
    OPTION_REPLY_ERROR | 4,
];
pub(super) const INFO_EXPORT: u16 = 0;
pub(super) const INFO_BLOCK_SIZE: u16 = 3;

pub(super) const EXPORT_READ_ONLY: u16 = 1 << 1;
pub(super) const EXPORT_CAN_FLUSH: u16 = 1 << 2;
pub(super) const EXPORT_CAN_WRITE_ZEROES: u16 = 1 << 6;
pub(super) const EXPORT_CAN_MULTI_CONN: u16 = 1 << 8;

pub(super) const COMMAND_READ: u16 = 0;
pub(super) const COMMAND_WRITE: u16 = 1;
pub(super) const COMMAND_DISCONNECT: u16 = 2;
pub(super) const COMMAND_FLUSH: u16 = 3;
pub(super) const COMMAND_WRITE_ZEROES: u16 = 6;
pub(super) const COMMAND_BLOCK_STATUS: u16 = 7;

pub(super) const CHUNK_DONE: u16 = 1;
pub(super) const CHUNK_NONE: u16 = 0;
pub(super) const CHUNK_DATA: u16 = 1;
pub(super) const CHUNK_HOLE: u16 = 2;
pub(super) const CHUNK_BLOCK_STATUS: u16 = 5;
pub(super) const CHUNK_ERROR: u16 = 1 << 15;

/// In `base:allocation`: the region reads as zeros. (Bit 0, a hole, says nothing about content.)
pub(super) const STATE_ZERO: u32 = 1 << 1;

pub(super) const EIO: u32 = 5;
pub(super) const ENOSPC: u32 = 28;

/// The 28 bytes that begin every request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) command: u16,
    pub(super) cookie: u64,
    pub(super) offset: u64,
    pub(super) length: u32,
}

impl Request {
    pub(super) fn encode(self) -> [u8; 28] {
        let mut header = [0; 28];
        header[..4].copy_from_slice(&REQUEST_MAGIC.to_be_bytes());
        // Bytes 4 and 5 are command flags; none is needed.
        header[6..8].copy_from_slice(&self.command.to_be_bytes());
        header[8..16].copy_from_slice(&self.cookie.to_be_bytes());
        header[16..24].copy_from_slice(&self.offset.to_be_bytes());
        header[24..].copy_from_slice(&self.length.to_be_bytes());
        header
    }
}
