//! From a fresh connection to the phase in which requests are served.

use bytes::{Buf as _, Bytes};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};

use super::{Error, wire};

const ALLOCATION: &[u8] = b"base:allocation";
/// No server that follows the protocol sends more for one option.
const MAX_OPTION_REPLY: u32 = 64 << 10;
/// Payloads beyond this are allowed by hardly any server.
const MAX_PAYLOAD: u32 = 32 << 20;
/// The protocol allows no larger minimum.
const MAX_MIN_BLOCK: u32 = 64 << 10;

/// What the server says about the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Export {
    pub(super) size_bytes: u64,
    pub(super) flags: u16,
    pub(super) min_block: u32,
    pub(super) max_block: u32,
    /// The id under which it reports `base:allocation`; none if it cannot.
    pub(super) allocation: Option<u32>,
}

/// Negotiates the default export.
pub(super) async fn negotiate(stream: UnixStream) -> Result<(UnixStream, Export), Error> {
    let mut stream = BufReader::new(stream);
    let (magic, option_magic) = (stream.read_u64().await?, stream.read_u64().await?);
    if (magic, option_magic) != (wire::INIT_MAGIC, wire::OPTION_MAGIC) {
        return Err(Error::Protocol(
            "it is no server of the newstyle protocol".into(),
        ));
    }
    let flags = stream.read_u16().await?;
    if flags & wire::FLAG_FIXED_NEWSTYLE == 0 {
        return Err(Error::Protocol(
            "it lacks the fixed newstyle handshake".into(),
        ));
    }
    let agreed = flags & (wire::FLAG_FIXED_NEWSTYLE | wire::FLAG_NO_ZEROES);
    stream.write_u32(u32::from(agreed)).await?;

    let structured = option(&mut stream, wire::OPTION_STRUCTURED_REPLY, &[]).await?;
    let allocation = match structured {
        Answer::Taken(_) => ask_for_allocation(&mut stream).await?,
        Answer::Unsupported => None,
    };
    let export = go(&mut stream, allocation).await?;
    if stream.buffer().is_empty() {
        Ok((stream.into_inner(), export))
    } else {
        Err(Error::Protocol("it sends more than was asked for".into()))
    }
}

async fn ask_for_allocation(stream: &mut BufReader<UnixStream>) -> Result<Option<u32>, Error> {
    // An empty export name, and one query.
    let mut query = Vec::new();
    query.extend(0_u32.to_be_bytes());
    query.extend(1_u32.to_be_bytes());
    query.extend(15_u32.to_be_bytes());
    query.extend(ALLOCATION);
    let Answer::Taken(replies) = option(stream, wire::OPTION_SET_META_CONTEXT, &query).await?
    else {
        return Ok(None);
    };
    let mut id = None;
    for (kind, mut reply) in replies {
        if kind == wire::OPTION_REPLY_META_CONTEXT && reply.get(4..) == Some(ALLOCATION) {
            id = Some(reply.get_u32());
        }
    }
    Ok(id)
}

async fn go(stream: &mut BufReader<UnixStream>, allocation: Option<u32>) -> Result<Export, Error> {
    let mut query = Vec::new();
    query.extend(0_u32.to_be_bytes());
    query.extend(1_u16.to_be_bytes());
    query.extend(wire::INFO_BLOCK_SIZE.to_be_bytes());
    let Answer::Taken(replies) = option(stream, wire::OPTION_GO, &query).await? else {
        return Err(Error::Protocol("it cannot tell its block sizes".into()));
    };
    let mut described = None;
    let (mut min_block, mut max_block) = (1, MAX_PAYLOAD);
    for (kind, mut info) in replies {
        if kind != wire::OPTION_REPLY_INFO || info.len() < 2 {
            continue;
        }
        match (info.get_u16(), info.len()) {
            (wire::INFO_EXPORT, 10) => described = Some((info.get_u64(), info.get_u16())),
            (wire::INFO_BLOCK_SIZE, 12) => {
                min_block = info.get_u32().max(1);
                let _preferred = info.get_u32();
                max_block = info.get_u32().min(MAX_PAYLOAD);
            }
            _ => {}
        }
    }
    let Some((size_bytes, flags)) = described else {
        return Err(Error::Protocol("it does not describe its disk".into()));
    };
    if !min_block.is_power_of_two() || min_block > MAX_MIN_BLOCK || max_block < min_block {
        return Err(Error::Protocol("its block sizes make no sense".into()));
    }
    if !size_bytes.is_multiple_of(u64::from(min_block)) {
        let what = format!("its {size_bytes} bytes are no whole blocks of {min_block} bytes");
        return Err(Error::Protocol(what));
    }
    max_block -= max_block % min_block;
    Ok(Export {
        size_bytes,
        flags,
        min_block,
        max_block,
        allocation,
    })
}

/// What a server says to an option.
enum Answer {
    /// The replies before its acknowledgement, by kind.
    Taken(Vec<(u32, Bytes)>),
    /// It does not know the option, or does not want it.
    Unsupported,
}

/// Sends one option and gathers the replies up to the acknowledgement.
async fn option(
    stream: &mut BufReader<UnixStream>,
    option: u32,
    payload: &[u8],
) -> Result<Answer, Error> {
    let length =
        u32::try_from(payload.len()).map_err(|_| Error::Invalid("an option is too long".into()))?;
    let mut message = Vec::with_capacity(16 + payload.len());
    message.extend(wire::OPTION_MAGIC.to_be_bytes());
    message.extend(option.to_be_bytes());
    message.extend(length.to_be_bytes());
    message.extend(payload);
    stream.write_all(&message).await?;

    let mut replies = Vec::new();
    loop {
        let (magic, answered) = (stream.read_u64().await?, stream.read_u32().await?);
        if magic != wire::OPTION_REPLY_MAGIC || answered != option {
            return Err(Error::Protocol(format!(
                "it does not answer option {option}"
            )));
        }
        let (kind, length) = (stream.read_u32().await?, stream.read_u32().await?);
        if length > MAX_OPTION_REPLY || replies.len() > 100 {
            return Err(Error::Protocol(format!(
                "it answers too much to option {option}"
            )));
        }
        let mut reply = vec![0; length as usize];
        stream.read_exact(&mut reply).await?;
        if wire::OPTION_REPLY_DECLINED.contains(&kind) {
            return Ok(Answer::Unsupported);
        }
        if kind & wire::OPTION_REPLY_ERROR != 0 {
            let reason = String::from_utf8_lossy(&reply);
            return Err(Error::Protocol(format!(
                "it refuses option {option}: {reason}"
            )));
        }
        if kind == wire::OPTION_REPLY_ACK {
            return Ok(Answer::Taken(replies));
        }
        replies.push((kind, reply.into()));
    }
}

/// During the handshake any error of the socket means that the server is not there.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}
