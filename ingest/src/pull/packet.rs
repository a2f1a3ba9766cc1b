//! Packets of the protocol of MySQL, and the values in them. All lengths are checked: the
//! server may be anybody.

use std::io::{self, Read, Write};

use super::server::ServerError;

/// Bytes of a packet; a row of any table that is read is far below.
pub(super) const PACKET_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of a piece of a packet.
const PIECE_BYTES_MAX: usize = 0xff_ffff;

/// Reads a packet whole into `payload`, and its number into `number`.
pub(super) fn read(
    stream: &mut dyn Read,
    number: &mut u8,
    payload: &mut Vec<u8>,
) -> Result<(), ServerError> {
    payload.clear();
    loop {
        let mut head = [0; 4];
        stream.read_exact(&mut head).map_err(gone)?;
        let length = usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
        *number = head[3].wrapping_add(1);
        if payload.len() + length > PACKET_BYTES_MAX {
            return Err(ServerError::strange(format!(
                "sends a packet of more than {PACKET_BYTES_MAX} bytes, and no row is that long"
            )));
        }
        // Memory grows with what has come, not with what is announced.
        let before = payload.len();
        let taken = stream.take(length as u64).read_to_end(payload).map_err(gone)?;
        if taken != length || payload.len() != before + length {
            return Err(gone(io::ErrorKind::UnexpectedEof.into()));
        }
        if length < PIECE_BYTES_MAX {
            return Ok(());
        }
    }
}

/// Writes a packet.
pub(super) fn write(
    stream: &mut dyn Write,
    number: &mut u8,
    payload: &[u8],
) -> Result<(), ServerError> {
    let length = u32::try_from(payload.len()).ok().filter(|length| *length < 0xff_ffff);
    let Some(length) = length else {
        return Err(ServerError::strange("would be sent a statement that is too long"));
    };
    let [low, middle, high, _] = length.to_le_bytes();
    let mut packet = vec![low, middle, high, *number];
    packet.extend_from_slice(payload);
    *number = number.wrapping_add(1);
    stream.write_all(&packet).and_then(|()| stream.flush()).map_err(gone)
}

fn gone(cause: io::Error) -> ServerError {
    ServerError::Gone { cause }
}

/// The rest of a packet that is taken apart.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], ServerError> {
        match self.0.split_at_checked(count) {
            Some((taken, rest)) => {
                self.0 = rest;
                Ok(taken)
            }
            None => Err(ServerError::strange("sends a packet that ends in the middle")),
        }
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, ServerError> {
        Ok(self.bytes(1)?[0])
    }

    /// A number of so many bytes, the lowest first.
    pub(super) fn number(&mut self, bytes: usize) -> Result<u64, ServerError> {
        Ok(self.bytes(bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The bytes through the next zero, without it; all that is left if there is none.
    pub(super) fn through_zero(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        taken
    }

    /// A number whose first byte tells its length; `None` is NULL.
    pub(super) fn length(&mut self) -> Result<Option<u64>, ServerError> {
        Ok(Some(match self.byte()? {
            0xfb => return Ok(None),
            0xfc => self.number(2)?,
            0xfd => self.number(3)?,
            0xfe => self.number(8)?,
            0xff => return Err(ServerError::strange("sends a length that is none")),
            small => u64::from(small),
        }))
    }

    /// A text behind its length; `None` is NULL.
    pub(super) fn text(&mut self) -> Result<Option<&'a [u8]>, ServerError> {
        match self.length()? {
            None => Ok(None),
            Some(length) => self.bytes(usize::try_from(length).unwrap_or(usize::MAX)).map(Some),
        }
    }
}

/// The error that a packet tells, behind its first byte.
pub(super) fn refusal(packet: &[u8]) -> ServerError {
    const MESSAGE_BYTES_MAX: usize = 500;
    let mut fields = Fields(packet.get(1..).unwrap_or_default());
    let code = fields.number(2).unwrap_or(0);
    let mut message = fields.0;
    if message.first() == Some(&b'#') {
        message = message.get(6..).unwrap_or_default();
    }
    let message = &message[..message.len().min(MESSAGE_BYTES_MAX)];
    let message = String::from_utf8_lossy(message).into_owned();
    ServerError::Refused { code: u16::try_from(code).unwrap_or(0), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_lie_are_refused() {
        let mut payload = Vec::new();
        let mut number = 0;
        // An announced length that does not come.
        let cut = read(&mut &[5, 0, 0, 0, 1, 2][..], &mut number, &mut payload);
        assert!(matches!(cut, Err(ServerError::Gone { .. })), "{cut:?}");
        // A packet that never ends.
        let mut endless = io::repeat(0xff);
        let long = read(&mut endless, &mut number, &mut payload).unwrap_err();
        assert!(long.to_string().contains("no row is that long"), "{long}");
        // A text that is longer than its packet.
        let long = Fields(&[0xfe, 255, 255, 255, 255, 255, 255, 255, 255, 1]).text().unwrap_err();
        assert!(long.to_string().contains("ends in the middle"), "{long}");
        assert_eq!(Fields(&[0xfb]).text().unwrap(), None);
        assert_eq!(Fields(&[2, b'a', b'b', b'c']).text().unwrap(), Some(&b"ab"[..]));
    }

    #[test]
    fn a_refusal_has_its_number_and_its_words() {
        let refused = refusal(b"\xff\x76\x04#42000no such grant");
        assert_eq!(refused.to_string(), "the database server refuses: no such grant (1142)");
    }
}
